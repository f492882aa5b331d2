package webhook

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// framed is a receiver by HTTP/2 whose every frame a test writes.
type framed struct {
	url         string
	certificate tls.Certificate
	connections atomic.Int32
	requests    atomic.Int32 // HEADERS that came
}

// frames starts a receiver that calls greet for each connection and take for
// each request. Each is given the connection to write to, and take the stream.
func frames(t testing.TB, greet func(*http2.Framer, net.Conn), take func(*http2.Framer, net.Conn, uint32)) *framed {
	t.Helper()
	f := &framed{certificate: certificate(t, "127.0.0.1", time.Now().Add(time.Hour))}
	config := &tls.Config{Certificates: []tls.Certificate{f.certificate}, NextProtos: []string{"h2"}}
	f.url = secured(listen(t, func(plain net.Conn) {
		conn := tls.Server(plain, config)
		defer conn.Close()
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(conn, preface); err != nil {
			return
		}
		f.connections.Add(1)
		framer := http2.NewFramer(conn, conn)
		greet(framer, plain)
		for {
			frame, err := framer.ReadFrame()
			if err != nil {
				return
			}
			if headers, ok := frame.(*http2.HeadersFrame); ok {
				f.requests.Add(1)
				take(framer, plain, headers.StreamID)
			}
		}
	}))
	return f
}

func (f *framed) sender(t testing.TB) *Sender { return newTestSender(t, f.certificate.Leaf) }

func welcome(f *http2.Framer, _ net.Conn) { f.WriteSettings() }

func answer(f *http2.Framer, stream uint32, status string) {
	var block strings.Builder
	hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: ":status", Value: status})
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: []byte(block.String()), EndHeaders: true, EndStream: true})
}

func TestSender_begins_a_bounded_number_of_requests_over_HTTP2(t *testing.T) {
	refuse := func(code http2.ErrCode) func(*http2.Framer, net.Conn, uint32) {
		return func(f *http2.Framer, _ net.Conn, stream uint32) { f.WriteRSTStream(stream, code) }
	}
	goAway := func(code http2.ErrCode) func(*http2.Framer, net.Conn, uint32) {
		return func(f *http2.Framer, _ net.Conn, stream uint32) { f.WriteGoAway(stream-1, code, nil) }
	}
	handedBack := "The receiver gave the request back before it answered, as a server does that restarts or is full (HTTP/2 GOAWAY or REFUSED_STREAM)."
	closed, _ := CauseReset.Advice(0)
	cases := map[string]struct {
		take  func(*http2.Framer, net.Conn, uint32)
		cause Cause
		said  string
		begun int // 2 where the receiver says that it has not processed the first
	}{
		"GOAWAY_at_each_stream":  {goAway(http2.ErrCodeNo), CauseReset, handedBack, 2},
		"GOAWAY_with_an_error":   {goAway(http2.ErrCodeEnhanceYourCalm), CauseReset, closed, 1},
		"REFUSED_STREAM":         {refuse(http2.ErrCodeRefusedStream), CauseReset, handedBack, 2},
		"RST_PROTOCOL_ERROR":     {refuse(http2.ErrCodeProtocol), CauseReset, handedBack, 1},
		"RST_CANCEL":             {refuse(http2.ErrCodeCancel), CauseReset, closed, 1},
		"HTTP_1_1_REQUIRED":      {refuse(http2.ErrCodeHTTP11Required), CauseReset, closed, 1},
		"421":                    {func(f *http2.Framer, _ net.Conn, stream uint32) { answer(f, stream, "421") }, CauseStatus, "The receiver answered 421, which is not a success.", 1},
		"closed_after_the_frame": {func(_ *http2.Framer, conn net.Conn, _ uint32) { conn.Close() }, CauseReset, closed, 1},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := frames(t, welcome, test.take)
			s := f.sender(t)
			for n := 1; n <= 3; n++ { // on new connections and on those that are kept
				exchange := s.Send(t.Context(), messageTo(t, f.url))
				if exchange.Cause != test.cause || exchange.Error != test.said {
					t.Errorf("got %q: %s", exchange.Cause, exchange.Error)
				}
				if exchange.Requests != test.begun || int(f.requests.Load()) != n*test.begun {
					t.Errorf("attempt %d began %d requests by its record; %d came in all", n, exchange.Requests, f.requests.Load())
				}
			}
		})
	}
}

// What takes no request at all is not dialled again and again.
func TestSender_dials_a_bounded_number_of_times(t *testing.T) {
	cases := map[string]func(*http2.Framer, net.Conn){
		"GOAWAY_at_once": func(f *http2.Framer, _ net.Conn) { f.WriteSettings(); f.WriteGoAway(0, http2.ErrCodeNo, nil) },
		"no_streams": func(f *http2.Framer, _ net.Conn) {
			f.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0})
		},
	}
	for name, greet := range cases {
		t.Run(name, func(t *testing.T) {
			f := frames(t, greet, func(*http2.Framer, net.Conn, uint32) {})
			m := messageTo(t, f.url)
			m.Timeout = time.Second
			exchange := f.sender(t).Send(t.Context(), m)
			if exchange.Cause == "" || exchange.Error == "" {
				t.Errorf("%+v", exchange)
			}
			if connections, requests := f.connections.Load(), f.requests.Load(); connections > maxDials || requests > maxBegun || exchange.Requests > maxBegun {
				t.Errorf("%d connections, %d requests came, %d begun by the record", connections, requests, exchange.Requests)
			}
		})
	}
}

// A kept connection that is gone before a byte was written costs no attempt.
func TestSender_begins_again_where_nothing_was_written(t *testing.T) {
	for name, start := range map[string]func(*httptest.Server){
		"plain": (*httptest.Server).Start,
		"TLS":   (*httptest.Server).StartTLS,
		"HTTP2": func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() },
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			kept := make(chan net.Conn, 4)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				requests.Add(1)
			}))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.Listener = &tap{server.Listener, kept}
			start(server)
			t.Cleanup(server.Close)
			s := newTestSender(t, server.Certificate())
			if exchange := s.Send(t.Context(), messageTo(t, server.URL)); exchange.Cause != "" || exchange.Requests != 1 {
				t.Fatalf("%+v", exchange)
			}
			calls := 0
			s.now = func() time.Time {
				if calls++; calls == 2 { // the connection was given to the request, which is not written yet
					conn := <-kept
					reset(conn)
					conn.Close()
				}
				return time.Now()
			}
			exchange := s.Send(t.Context(), messageTo(t, server.URL))
			if exchange.Cause != "" || exchange.Requests != 2 || requests.Load() != 2 {
				t.Errorf("%d requests begun, %d came in all: %q %s", exchange.Requests, requests.Load()-1, exchange.Cause, exchange.Error)
			}
		})
	}
}

// A receiver that is gone altogether is not dialled again and again.
func TestSender_begins_once_where_the_receiver_is_gone(t *testing.T) {
	for name, start := range map[string]func(*httptest.Server){
		"plain": (*httptest.Server).Start,
		"TLS":   (*httptest.Server).StartTLS,
		"HTTP2": func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() },
	} {
		t.Run(name, func(t *testing.T) {
			kept := make(chan net.Conn, 4)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.Listener = &tap{server.Listener, kept}
			start(server)
			t.Cleanup(server.Close)
			s := newTestSender(t, server.Certificate())
			if exchange := s.Send(t.Context(), messageTo(t, server.URL)); exchange.Cause != "" {
				t.Fatalf("%+v", exchange)
			}
			var dials atomic.Int32
			s.dialer.ControlContext = func(context.Context, string, string, syscall.RawConn) error { dials.Add(1); return nil }
			calls := 0
			s.now = func() time.Time {
				if calls++; calls == 2 { // the connection was given to the request, which is not written yet
					server.Listener.Close()
					conn := <-kept
					reset(conn)
					conn.Close()
				}
				return time.Now()
			}
			exchange := s.Send(t.Context(), messageTo(t, server.URL))
			if exchange.Cause != CauseRefused || exchange.Requests != 1 || dials.Load() != 1 {
				t.Errorf("%d requests begun, %d dials: %q %s", exchange.Requests, dials.Load(), exchange.Cause, exchange.Error)
			}
		})
	}
}

// tap hands out the connections that a server takes.
type tap struct {
	net.Listener
	taken chan<- net.Conn
}

func (l *tap) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.taken <- conn
	}
	return conn, err
}

func TestSender_begins_once_where_something_was_written(t *testing.T) {
	var requests atomic.Int32
	url := listen(t, func(conn net.Conn) {
		if _, err := conn.Read(make([]byte, 100)); err == nil {
			requests.Add(1)
		}
		reset(conn)
	})
	m := messageTo(t, url)
	m.Body = make([]byte, 4<<20)
	exchange := newTestSender(t, nil).Send(t.Context(), m)
	if exchange.Cause != CauseReset || exchange.Requests != 1 || requests.Load() != 1 {
		t.Errorf("%d begun, %d came: %q", exchange.Requests, requests.Load(), exchange.Cause)
	}
}

func TestSender_begins_none_without_a_connection(t *testing.T) {
	exchange := newTestSender(t, nil).Send(t.Context(), messageTo(t, "http://"+httptestAddress(t)))
	if exchange.Cause != CauseRefused || exchange.Requests != 0 {
		t.Errorf("%+v", exchange)
	}
}
