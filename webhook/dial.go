package webhook

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"time"
)

// nextAddress is how long a dial waits for one address of a host before it
// tries the next beside it (RFC 8305, section 5).
const nextAddress = 250 * time.Millisecond

// dialError says in which phase a dial failed.
type dialError struct {
	phase    phase
	wantCert bool // the receiver asked for a client certificate
	err      error
}

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// connection returns a kept connection, or what comes first: one that another
// exchange gives back, or what is dialled. A dial begun in vain goes on for whoever
// comes next, until the deadline of the exchange it was begun for.
func (s *Sender) connection(ctx context.Context, a *attempt) dialled {
	origin := a.target.origin
	if c := s.pool.take(origin); c != nil {
		return dialled{conn: c}
	}
	w := s.pool.wait(origin)
	dial, cancel := context.WithDeadline(s.open, a.deadline)
	go func() {
		defer cancel()
		got := s.dialTarget(dial, a)
		if !s.pool.deliver(origin, w, got) {
			s.spare(got)
		}
	}()
	select {
	case got := <-w.got:
		return got
	case <-ctx.Done():
		cancel()
		if got, ok := s.pool.leave(origin, w); ok {
			s.spare(got)
		}
		return dialled{err: ctx.Err()}
	}
}

// spare keeps what nobody waits for.
func (s *Sender) spare(got dialled) {
	switch {
	case got.conn != nil:
		s.pool.put(got.conn)
	case got.shared != nil:
		got.shared.Close()
	}
}

// dialTarget connects to the target of an attempt, and notes whether it chose
// HTTP/2.
func (s *Sender) dialTarget(ctx context.Context, a *attempt) dialled {
	below, err := s.dial(ctx, a)
	if err != nil {
		return dialled{err: err}
	}
	if !a.target.secure() {
		return dialled{conn: newExclusive(a.target.origin, below, nil), own: true}
	}
	began := time.Now()
	config := s.tls.Clone()
	config.ServerName = a.target.url.Hostname()
	config.GetClientCertificate = below.noCertificate
	secure := tls.Client(below, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		below.Close()
		return dialled{err: &dialError{phase: phaseTLS, wantCert: below.wantCert.Load(), err: err}}
	}
	a.reached(phaseRequest, time.Since(began))
	if secure.ConnectionState().NegotiatedProtocol == "h2" {
		s.http2.Add(a.target.origin, struct{}{})
		return dialled{shared: secure, own: true}
	}
	return dialled{conn: newExclusive(a.target.origin, below, secure), own: true}
}

// dial resolves, asks the guard about every address, and connects to one of
// just those: nothing between the question and the connection resolves again.
func (s *Sender) dial(ctx context.Context, a *attempt) (*conn, error) {
	if !a.mayDial() {
		return nil, &dialError{phase: phaseConnect, err: errDials}
	}
	began := time.Now()
	addrs, err := s.guard.resolve(ctx, a.target.url.Hostname(), !a.target.secure())
	if err != nil {
		return nil, &dialError{phase: phaseDNS, err: err}
	}
	a.reached(phaseConnect, time.Since(began))

	began = time.Now()
	plain, err := s.connect(ctx, addrs, a.target.port)
	if err != nil {
		return nil, &dialError{phase: phaseConnect, err: err}
	}
	a.reached(phaseTLS, time.Since(began))
	return newConn(plain)
}

// connected is what came of one address.
type connected struct {
	conn *net.TCPConn
	err  error
}

// connect takes the first address that answers. The next is tried when one
// fails or has not answered in a while, so that a host whose IPv6 leads nowhere
// costs a moment and not the timeout.
func (s *Sender) connect(ctx context.Context, addrs []netip.Addr, port uint16) (*net.TCPConn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan connected, len(addrs))
	started, ended := 0, 0
	start := func() {
		to := netip.AddrPortFrom(addrs[started], port)
		started++
		go func() {
			// Not DialTCP: it binds, even to nothing, and so takes a local port for
			// itself alone. They run out at 28,000 connections over all receivers, and
			// long before that the search for a free one takes milliseconds.
			network := "tcp6" // and no other: to "tcp", [::] is 0.0.0.0 as well
			if to.Addr().Unmap().Is4() {
				network = "tcp4"
			}
			conn, err := s.dialer.DialContext(ctx, network, to.String())
			tcp, _ := conn.(*net.TCPConn)
			results <- connected{tcp, err}
		}()
	}
	start()
	wait := time.NewTicker(nextAddress)
	defer wait.Stop()
	var failed error
	for {
		select {
		case <-wait.C:
			if started < len(addrs) {
				start()
			}
		case result := <-results:
			ended++
			if result.err == nil {
				go closeLate(results, started-ended)
				return result.conn, nil
			}
			if failed == nil {
				failed = result.err
			}
			if started < len(addrs) {
				start()
			} else if ended == started {
				return nil, failed
			}
		}
	}
}

// closeLate closes the connections that lost the race.
func closeLate(results <-chan connected, n int) {
	for range n {
		if late := <-results; late.err == nil {
			late.conn.Close()
		}
	}
}
