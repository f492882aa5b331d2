package webhook

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strconv"
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

func (s *Sender) dialPlain(ctx context.Context, _, address string) (net.Conn, error) {
	ctx, cancel := s.dialContext(ctx)
	defer cancel()
	plain, err := s.dial(ctx, address, true)
	if err != nil {
		return nil, err
	}
	return newConn(plain), nil
}

func (s *Sender) dialTLS(ctx context.Context, _, address string) (net.Conn, error) {
	ctx, cancel := s.dialContext(ctx)
	defer cancel()
	plain, err := s.dial(ctx, address, false)
	if err != nil {
		return nil, err
	}
	began, below := time.Now(), newConn(plain)
	config := s.tls.Clone()
	config.ServerName, _, _ = net.SplitHostPort(address)
	config.GetClientCertificate = below.noCertificate
	secure := tls.Client(below, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		below.Close()
		return nil, &dialError{phase: phaseTLS, wantCert: below.wantCert.Load(), err: err}
	}
	attemptOf(ctx).reached(phaseRequest, time.Since(began))
	if secure.ConnectionState().NegotiatedProtocol == "h2" {
		return secure, nil // bare, or net/http doesn't see that it is HTTP/2
	}
	return &exclusive{Conn: secure, below: below}, nil
}

// dialContext ends a dial with the exchange that it was begun for, or with the
// sender: net/http takes the deadline off the context that it dials with.
func (s *Sender) dialContext(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithDeadline(ctx, attemptOf(ctx).deadline)
	stop := context.AfterFunc(s.open, cancel)
	return ctx, func() { stop(); cancel() }
}

// dial resolves, asks the guard about every address, and connects to one of
// just those: nothing between the question and the connection resolves again.
func (s *Sender) dial(ctx context.Context, address string, plaintext bool) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("reading the address: %w", err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("reading the port: %w", err)
	}
	a, began := attemptOf(ctx), time.Now()
	if !a.mayDial() {
		return nil, &dialError{phase: phaseConnect, err: errDials}
	}
	addrs, err := s.guard.resolve(ctx, host, plaintext)
	if err != nil {
		return nil, &dialError{phase: phaseDNS, err: err}
	}
	a.reached(phaseConnect, time.Since(began))

	began = time.Now()
	conn, err := s.connect(ctx, addrs, uint16(port))
	if err != nil {
		return nil, &dialError{phase: phaseConnect, err: err}
	}
	a.reached(phaseTLS, time.Since(began))
	return conn, nil
}

type dialed struct {
	conn net.Conn
	err  error
}

// connect takes the first address that answers. The next is tried when one
// fails or has not answered in a while, so that a host whose IPv6 leads nowhere
// costs a moment and not the timeout.
func (s *Sender) connect(ctx context.Context, addrs []netip.Addr, port uint16) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan dialed, len(addrs))
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
			results <- dialed{conn, err}
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
func closeLate(results <-chan dialed, n int) {
	for range n {
		if late := <-results; late.err == nil {
			late.conn.Close()
		}
	}
}
