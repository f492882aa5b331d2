package faults

import (
	"net"
	"net/url"
	"sync"
)

// proxy stands between Hookwell and a server, so that what passes can be
// stopped at an exact moment without a hook in the program.
type proxy struct {
	listener net.Listener
	target   string
	// pump carries one connection's bytes in both directions until it ends.
	pump func(p *proxy, client, server net.Conn)

	mu    sync.Mutex
	gate  chan struct{} // not nil while frozen; closed by thaw
	holds []*hold
	conns map[net.Conn]struct{}
	ended bool
}

// newProxy listens on loopback for a server of that URL.
func newProxy(address string, pump func(*proxy, net.Conn, net.Conn)) (*proxy, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, target: u.Host, pump: pump, conns: map[net.Conn]struct{}{}}
	go p.serve()
	return p, nil
}

// through returns the server's URL, by way of the proxy.
func (p *proxy) through(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(err) // newProxy has read it
	}
	u.Host = p.listener.Addr().String()
	return u.String()
}

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.carry(client)
	}
}

func (p *proxy) carry(client net.Conn) {
	defer client.Close()
	p.pass()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	if !p.keep(client, server) {
		return
	}
	defer p.forget(client, server)
	p.pump(p, client, server)
}

func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		p.conns[conn] = struct{}{}
	}
	return !p.ended
}

func (p *proxy) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		delete(p.conns, conn)
	}
}

// freeze lets nothing through any more; connections stay open.
func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gate == nil {
		p.gate = make(chan struct{})
	}
}

// thaw lets everything through again.
func (p *proxy) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gate != nil {
		close(p.gate)
		p.gate = nil
	}
}

// pass waits while the proxy is frozen.
func (p *proxy) pass() {
	p.mu.Lock()
	gate := p.gate
	p.mu.Unlock()
	if gate != nil {
		<-gate
	}
}

// close ends every connection and whatever is held.
func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	p.ended = true
	for conn := range p.conns {
		conn.Close()
	}
	holds := p.holds
	p.mu.Unlock()
	for _, h := range holds {
		p.release(h)
	}
	p.thaw()
}

// plain carries bytes as they come.
func plain(p *proxy, client, server net.Conn) {
	var both sync.WaitGroup
	carry := func(to, from net.Conn) {
		defer to.Close()
		buffer := make([]byte, 32<<10)
		for {
			n, err := from.Read(buffer)
			p.pass()
			if n > 0 {
				if _, err := to.Write(buffer[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
	both.Go(func() { carry(server, client) })
	both.Go(func() { carry(client, server) })
	both.Wait()
}
