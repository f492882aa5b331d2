package webhook

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What a raw receiver does once it has answered.
func stay(conn net.Conn)  { io.Copy(io.Discard, conn) } // until the sender goes
func leave(conn net.Conn) {}
func reset(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0) }

// cut is reset once the connection is in use: until then the other side may still
// be connecting.
func cut(conn net.Conn) {
	conn.Read(make([]byte, 1))
	reset(conn)
}

// rawReceiver reads a request, writes an answer byte for byte, and ends as told.
func rawReceiver(t testing.TB, answer string, end func(net.Conn)) string {
	t.Helper()
	return listen(t, func(conn net.Conn) {
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		io.Copy(io.Discard, request.Body)
		io.WriteString(conn, answer)
		end(conn)
	})
}

// listen serves each connection and gives the URL; what still runs at the end
// of the test finds its connection closed.
func listen(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var conns []net.Conn
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			running.Go(func() { defer conn.Close(); serve(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		for _, conn := range conns {
			conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return "http://" + listener.Addr().String()
}

// deafAddress is an address whose queue of connections is full, so that a
// connect to it hangs: Linux drops what comes then.
func deafAddress(t testing.TB) string {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(socket) })
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(socket, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	to := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}
	for range 8 {
		conn, err := (&net.Dialer{Timeout: 50 * time.Millisecond}).DialContext(t.Context(), "tcp", to.String())
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return to.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatal("the queue of connections never fills")
	return ""
}

// packet is the TLS of a receiver that can hold back what it writes, to send it
// in one packet.
type packet struct {
	net.Conn
	mu   sync.Mutex
	held []byte
	on   bool
}

func (p *packet) server(plain net.Conn, certificate tls.Certificate) (net.Conn, *bufio.Reader) {
	p.Conn = plain
	conn := tls.Server(p, &tls.Config{Certificates: []tls.Certificate{certificate}})
	return conn, bufio.NewReader(conn)
}

func (p *packet) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on {
		p.held = append(p.held, b...)
		return len(b), nil
	}
	return p.Conn.Write(b)
}

// hold sends at once what write writes.
func (p *packet) hold(write func()) {
	p.mu.Lock()
	p.on = true
	p.mu.Unlock()
	write()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Conn.Write(p.held)
	p.held, p.on = nil, false
}

// readRequest reads a request and its body.
func readRequest(in *bufio.Reader) (*http.Request, error) {
	request, err := http.ReadRequest(in)
	if err == nil {
		_, err = io.Copy(io.Discard, request.Body)
	}
	return request, err
}
