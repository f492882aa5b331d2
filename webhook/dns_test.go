package webhook

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers for made-up names: those it does not have are NXDOMAIN,
// servfail.test fails, and hang.test is never answered.
type nameServer struct {
	conn net.PacketConn

	mu      sync.Mutex
	names   map[string][]netip.Addr
	clients []net.Conn
	stopped bool
}

func startNameServer(t testing.TB, names map[string]string) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{conn: conn, names: map[string][]netip.Addr{}}
	for name, addrs := range names {
		s.set(name, addrs)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); s.serve() }()
	t.Cleanup(func() { s.stop(); <-ended })
	return s
}

// stop also ends the look-ups under way: the resolver lets one that nobody
// waits for any more run into its own timeout of several seconds.
func (s *nameServer) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn.Close()
	s.stopped = true
	for _, client := range s.clients {
		client.Close()
	}
}

func (s *nameServer) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil, net.ErrClosed
	}
	client, err := (&net.Dialer{}).DialContext(ctx, "udp", s.conn.LocalAddr().String())
	if err == nil {
		s.clients = append(s.clients, client)
	}
	return client, err
}

func (s *nameServer) set(name, addrs string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[name] = nil
	for _, addr := range strings.Fields(addrs) {
		s.names[name] = append(s.names[name], netip.MustParseAddr(addr))
	}
}

// guard makes a guard that asks this server alone.
func (s *nameServer) guard(allow ...string) *Guard {
	guard := newTestGuard(allow...)
	guard.resolver = &net.Resolver{PreferGo: true, Dial: s.dial}
	return guard
}

func newTestGuard(allow ...string) *Guard {
	var prefixes []netip.Prefix
	for _, text := range allow {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	return NewGuard(prefixes)
}

func (s *nameServer) serve() {
	packet := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(packet)
		if err != nil {
			return
		}
		var query dnsmessage.Message
		if query.Unpack(packet[:n]) != nil || len(query.Questions) != 1 {
			continue
		}
		if answer, ok := s.answer(query); ok {
			s.conn.WriteTo(answer, from)
		}
	}
}

func (s *nameServer) answer(query dnsmessage.Message) ([]byte, bool) {
	question := query.Questions[0]
	name := strings.TrimSuffix(question.Name.String(), ".")
	answer := dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true, RecursionAvailable: true}, Questions: query.Questions}
	s.mu.Lock()
	addrs, known := s.names[name]
	s.mu.Unlock()
	switch {
	case name == "hang.test":
		return nil, false
	case name == "servfail.test":
		answer.RCode = dnsmessage.RCodeServerFailure
	case !known:
		answer.RCode = dnsmessage.RCodeNameError
	}
	for _, addr := range addrs {
		header := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: dnsmessage.ClassINET}
		switch {
		case addr.Is4() && question.Type == dnsmessage.TypeA:
			answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
		case addr.Is6() && question.Type == dnsmessage.TypeAAAA:
			answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	packed, err := answer.Pack()
	return packed, err == nil
}
