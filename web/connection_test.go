package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hookwell/models"
)

// fromAddress is a connection that says to come from another address.
type fromAddress struct {
	net.Conn
	address string
	writes  []int
	limits  int
}

func (c *fromAddress) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.address))
}

func (c *fromAddress) SetWriteDeadline(at time.Time) error {
	c.limits++
	return c.Conn.SetWriteDeadline(at)
}

func (c *fromAddress) Write(p []byte) (int, error) {
	c.writes = append(c.writes, len(p))
	return c.Conn.Write(p)
}

// offered is a listener to which a test gives its connections.
type offered struct {
	net.Listener
	conns chan net.Conn
	err   error // once
}

func (l *offered) Accept() (net.Conn, error) {
	if err := l.err; err != nil {
		l.err = nil
		return nil, err
	}
	return <-l.conns, nil
}

// connect offers a connection from an address. It returns what the client has
// and, if the limits allow it, what the server has.
func connect(t *testing.T, l *connections, address string) (client net.Conn, server net.Conn) {
	t.Helper()
	client, other := net.Pipe()
	t.Cleanup(func() { client.Close() })
	must(t, client.SetDeadline(time.Now().Add(20*time.Second)))
	return client, l.admit(&fromAddress{Conn: other, address: address})
}

func wantRefused(t *testing.T, client net.Conn, status int) {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(client), nil)
	must(t, err)
	if response.StatusCode != status || !response.Close || response.Header.Get("Retry-After") == "" {
		t.Errorf("status %d, closes: %t, Retry-After %q; want %d", response.StatusCode, response.Close, response.Header.Get("Retry-After"), status)
	}
}

func TestConnections(t *testing.T) {
	trusted := netip.MustParsePrefix("10.0.0.0/8")
	open := func(limits ConnectionLimits) *connections {
		return newConnections(limits, func(a netip.Addr) bool { return a.IsLoopback() || trusted.Contains(a) }, slog.New(slog.DiscardHandler))
	}
	t.Run("of_one_address_are_bounded", func(t *testing.T) {
		l := open(ConnectionLimits{PerAddress: 2})
		for _, address := range []string{"203.0.113.5:%d", "[::ffff:203.0.113.6]:%d", "[2001:db8::%d]:1"} {
			var last net.Conn
			for i := range 2 {
				if _, last = connect(t, l, fmt.Sprintf(address, i+1)); last == nil {
					t.Fatalf("%s: connection %d was refused", address, i+1)
				}
			}
			client, server := connect(t, l, fmt.Sprintf(address, 3))
			if server != nil {
				t.Fatalf("%s: the third was taken", address)
			}
			wantRefused(t, client, http.StatusTooManyRequests)
			must(t, last.Close())
			if _, again := connect(t, l, fmt.Sprintf(address, 4)); again == nil {
				t.Errorf("%s: refused after one had closed", address)
			}
		}
	})
	t.Run("of_this_machine_and_of_trusted_proxies_are_many_clients", func(t *testing.T) {
		l := open(ConnectionLimits{PerAddress: 1})
		for _, address := range []string{"127.0.0.1:1", "[::1]:1", "10.0.0.1:1"} {
			for range 5 {
				if _, server := connect(t, l, address); server == nil {
					t.Errorf("%s was refused", address)
				}
			}
		}
	})
	t.Run("are_bounded_over_all", func(t *testing.T) {
		l := open(ConnectionLimits{Total: 2})
		connect(t, l, "127.0.0.1:1")
		_, second := connect(t, l, "203.0.113.5:1")
		client, server := connect(t, l, "203.0.113.6:1")
		if server != nil {
			t.Fatal("the third was taken")
		}
		wantRefused(t, client, http.StatusServiceUnavailable)
		must(t, second.Close())
		if _, server := connect(t, l, "203.0.113.6:1"); server == nil {
			t.Error("refused after one had closed")
		}
	})
	t.Run("go_on_after_the_process_ran_out_of_descriptors", func(t *testing.T) {
		l := open(ConnectionLimits{})
		conns := make(chan net.Conn, 1)
		client, server := net.Pipe()
		defer client.Close()
		conns <- &fromAddress{Conn: server, address: "203.0.113.5:1"}
		l.Listener = &offered{conns: conns, err: &net.OpError{Op: "accept", Err: syscall.EMFILE}}
		if _, err := l.Accept(); err != nil {
			t.Errorf("the listener ended: %v", err)
		}
	})
	t.Run("limit_each_piece_of_an_answer", func(t *testing.T) {
		l := open(ConnectionLimits{})
		client, other := net.Pipe()
		defer client.Close()
		conn := &fromAddress{Conn: other, address: "203.0.113.5:1"}
		go io.Copy(io.Discard, client)
		n, err := l.admit(conn).Write(make([]byte, 3*writePiece+1))
		must(t, err)
		if want := []int{writePiece, writePiece, writePiece, 1}; n != 3*writePiece+1 || !slices.Equal(conn.writes, want) || conn.limits != len(want) {
			t.Errorf("wrote %d as %v with %d limits", n, conn.writes, conn.limits)
		}
	})
}

// ask sends a request and reads nothing.
func ask(t *testing.T, host, request string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	must(t, conn.(*net.TCPConn).SetReadBuffer(4096))
	_, err = io.WriteString(conn, request)
	must(t, err)
	return conn
}

func (s *site) openConnections() int {
	s.connections.mu.Lock()
	defer s.connections.mu.Unlock()
	return len(s.connections.open)
}

func TestAnswers_that_nobody_takes(t *testing.T) {
	t.Parallel()
	const readers = 20
	request := func(s *site) string { return "GET /docs/api HTTP/1.1\r\nHost: " + s.BaseURL.Host + "\r\n\r\n" }
	for name, answers := range map[string]int{"": 64, "_though_the_kernel_has_taken_them": 1} {
		t.Run("are_given_up"+name, func(t *testing.T) {
			s := newSite(t, nil)
			s.connections.writeLimit = 50 * time.Millisecond
			for range readers {
				ask(t, s.BaseURL.Host, strings.Repeat(request(s), answers))
			}
			for deadline := time.After(20 * time.Second); s.openConnections() > 0; {
				select {
				case <-deadline:
					t.Fatalf("%d connections are still held", s.openConnections())
				case <-time.After(time.Millisecond):
				}
			}
		})
	}
	for name, hold := range map[string]func(t *testing.T, s *site){
		"readers_of_pages": func(t *testing.T, s *site) {
			for range readers {
				reader := ask(t, s.BaseURL.Host, strings.Repeat(request(s), 64))
				_, err := reader.Read(make([]byte, 1))
				must(t, err)
			}
		},
		"senders_of_half_a_head": func(t *testing.T, s *site) {
			for range readers {
				ask(t, s.BaseURL.Host, "GET /docs/api HTTP/1.1\r\nHost:")
			}
		},
		"senders_of_half_a_body": func(t *testing.T, s *site) {
			for range readers {
				ask(t, s.BaseURL.Host, "POST /login HTTP/1.1\r\nHost: "+s.BaseURL.Host+"\r\nContent-Length: 50000\r\n\r\na")
			}
		},
		"who_never_reads_a_refusal": func(t *testing.T, s *site) {
			for range readers {
				ask(t, s.BaseURL.Host, "POST /api/v1/events HTTP/1.1\r\nHost: "+s.BaseURL.Host+"\r\nContent-Length: 900000\r\n\r\na")
			}
		},
	} {
		t.Run("hold_up_no_stop_"+name, func(t *testing.T) {
			s := newSite(t, nil)
			hold(t, s)
			// The last to connect is answered once all before it are being served.
			ask(t, s.BaseURL.Host, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").Read(make([]byte, 1))
			ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
			defer cancel()
			if err := s.Shutdown(ctx); err != nil {
				t.Errorf("stopping: %v", err)
			}
		})
	}
}

// elapsing is a listener on whose connections all time can pass at once that
// their deadlines have left.
type elapsing struct {
	net.Listener
	mu   sync.Mutex
	open []*elapsingConn
}

type elapsingConn struct {
	net.Conn
	mu       sync.Mutex
	deadline time.Time
}

func (l *elapsing) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &elapsingConn{Conn: conn}
	l.open = append(l.open, c)
	return c, nil
}

func (c *elapsingConn) SetWriteDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = at
	return c.Conn.SetWriteDeadline(at)
}

// elapse lets the write deadlines that are set be over.
func (l *elapsing) elapse(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		c.mu.Lock()
		if !c.deadline.IsZero() {
			if err := c.Conn.SetWriteDeadline(time.Unix(1, 0)); err != nil && !errors.Is(err, net.ErrClosed) {
				t.Fatal(err)
			}
		}
		c.mu.Unlock()
	}
}

// second serves the same site on another listener.
func (s *site) second(t *testing.T) *elapsing {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	l, server := &elapsing{Listener: listener}, New(s.Options)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		must(t, server.Shutdown(context.Background()))
		must(t, <-served)
	})
	return l
}

func TestDeadlines_end_with_their_answer(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleOwner)
	l := s.second(t)
	head := " HTTP/1.1\r\nHost: " + s.BaseURL.Host + "\r\nCookie: " + b.cookies(t) + "\r\n"
	t.Run("so_that_a_change_behind_an_export_is_answered", func(t *testing.T) {
		conn := ask(t, l.Addr().String(), "GET /o/"+org.Slug+"/audit/export.csv"+head+"\r\n")
		must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
		reader := bufio.NewReader(conn)
		export, err := http.ReadResponse(reader, nil)
		must(t, err)
		content, err := io.ReadAll(export.Body)
		must(t, err)
		if export.StatusCode != http.StatusOK || export.Close || !strings.HasPrefix(string(content), "time,id,") {
			t.Fatalf("status %d, closes: %t: %s", export.StatusCode, export.Close, content)
		}
		l.elapse(t)
		form := "_csrf=" + b.token(t) + "&name=Renamed"
		_, err = fmt.Fprintf(conn, "POST /o/%s/settings%sOrigin: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", org.Slug, head, s.url, len(form), form)
		must(t, err)
		changed, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("the change got no answer: %v", err)
		}
		if changed.StatusCode >= http.StatusInternalServerError {
			t.Errorf("status %d", changed.StatusCode)
		}
	})
	t.Run("so_that_a_stream_may_be_silent", func(t *testing.T) {
		conn := ask(t, l.Addr().String(), "GET /o/"+org.Slug+"/stream"+head+"Accept: text/event-stream\r\n\r\n")
		must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
		reader := bufio.NewReader(conn)
		response, err := http.ReadResponse(reader, nil)
		must(t, err)
		lines := bufio.NewScanner(response.Body)
		lines.Scan()
		l.elapse(t)
		s.feed.publish(org.ID, "dlv_1")
		for lines.Scan() {
			if strings.Contains(lines.Text(), "dlv_1") {
				return
			}
		}
		t.Errorf("the stream ended: %v", lines.Err())
	})
}
