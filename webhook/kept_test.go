package webhook

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A connection that the receiver closes at any byte of an answer costs one
// request, whether it was kept or new, and nothing of one answer is read as a
// part of another.
func TestSender_reads_what_comes_of_a_cut_answer(t *testing.T) {
	const head, content = "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 6\r\n\r\n", "abcdef"
	const answer = head + content
	ends := map[string]func(*net.TCPConn){
		"closed":      func(*net.TCPConn) {},
		"half_closed": func(conn *net.TCPConn) { conn.CloseWrite(); stay(conn) },
		"reset":       func(conn *net.TCPConn) { reset(conn) },
	}
	protocols(t, func(t *testing.T, secure bool) {
		for name, end := range ends {
			for _, kept := range []int{0, 1} { // requests answered whole before
				t.Run(fmt.Sprintf("%s_after_%d", name, kept), func(t *testing.T) {
					var at atomic.Int32
					r := serve(t, secure, func(conn net.Conn, plain *net.TCPConn, nth int) bool {
						if nth < kept {
							io.WriteString(conn, answer)
							return true
						}
						io.WriteString(conn, answer[:at.Load()])
						end(plain)
						return false
					})
					s := r.sender(t)
					for cut := range len(answer) {
						at.Store(int32(cut))
						before := r.requests.Load()
						for range kept {
							if exchange := s.Send(t.Context(), messageTo(t, r.url)); exchange.Cause != "" || string(exchange.ResponseBody) != content {
								t.Fatalf("cut at %d: the answer before it: %+v", cut, exchange)
							}
						}
						exchange := s.Send(t.Context(), messageTo(t, r.url))
						if got := r.requests.Load() - before; int(got) != kept+1 || exchange.Requests != 1 {
							t.Errorf("cut at %d: %d requests came, %d begun by the record", cut, got, exchange.Requests)
						}
						if cut < len(head) {
							if exchange.StatusCode != 0 || exchange.Cause != CauseReset && exchange.Cause != CauseProtocol {
								t.Errorf("cut at %d: got %d %q", cut, exchange.StatusCode, exchange.Cause)
							}
							if cut == 0 && exchange.Cause != CauseReset {
								t.Errorf("without a byte: got %q: %s", exchange.Cause, exchange.Error)
							}
						} else if exchange.StatusCode != 200 || exchange.Note == "" || string(exchange.ResponseBody) != content[:cut-len(head)] {
							t.Errorf("cut at %d: got %d, body %q, note %q", cut, exchange.StatusCode, exchange.ResponseBody, exchange.Note)
						}
					}
				})
			}
		}
	})
}

// What comes while nothing was asked is the answer to nothing.
func TestSender_takes_no_answer_that_was_not_asked_for(t *testing.T) {
	protocols(t, func(t *testing.T, secure bool) {
		for name, said := range map[string]string{"an_answer": smuggled, "a_byte": "H", "the_end": ""} {
			t.Run(name, func(t *testing.T) {
				speak, spoken := make(chan struct{}), make(chan struct{})
				r := serve(t, secure, func(conn net.Conn, _ *net.TCPConn, _ int) bool {
					io.WriteString(conn, ok+"Content-Length: 0\r\n\r\n")
					<-speak
					io.WriteString(conn, said)
					if said == "" {
						conn.Close()
					}
					spoken <- struct{}{}
					return said != ""
				})
				t.Cleanup(func() { close(speak); <-spoken })
				s := r.sender(t)
				if exchange := s.Send(t.Context(), messageTo(t, r.url)); exchange.StatusCode != 200 {
					t.Fatalf("%+v", exchange)
				}
				speak <- struct{}{}
				<-spoken
				exchange := s.Send(t.Context(), messageTo(t, r.url))
				if exchange.StatusCode != 200 || exchange.Requests != 1 || r.connections.Load() != 2 {
					t.Errorf("got %d, %d requests begun, %d connections", exchange.StatusCode, exchange.Requests, r.connections.Load())
				}
			})
		}
	})
}

// With TLS a second answer may come in one packet with the first, and be decrypted
// only later.
func TestSender_finds_an_answer_behind_another_in_one_packet(t *testing.T) {
	made := certificate(t, "127.0.0.1", time.Now().Add(time.Hour))
	var connections atomic.Int32
	url := secured(listen(t, func(plain net.Conn) {
		connections.Add(1)
		held := &packet{}
		conn, in := held.server(plain, made)
		for {
			if _, err := readRequest(in); err != nil {
				return
			}
			held.hold(func() {
				io.WriteString(conn, ok+"Content-Length: 0\r\n\r\n")
				io.WriteString(conn, smuggled)
			})
		}
	}))
	s := newTestSender(t, made.Leaf)
	for range 3 {
		if exchange := s.Send(t.Context(), messageTo(t, url)); exchange.StatusCode != 200 {
			t.Errorf("got %d: %s", exchange.StatusCode, exchange.Error)
		}
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections; want 3", n)
	}
}

// A receiver that speaks before it is asked has answered, if that is HTTP, and is
// asked the next time on another connection.
func TestSender_takes_what_comes_before_the_request(t *testing.T) {
	for name, test := range map[string]struct {
		said  string
		cause Cause
	}{
		"an_answer":        {"HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n", CauseStatus},
		"another_protocol": {"220 mail.example ESMTP\r\n", CauseProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			var connections atomic.Int32
			said := make(chan struct{}, 4)
			url := listen(t, func(conn net.Conn) {
				connections.Add(1)
				io.WriteString(conn, test.said)
				said <- struct{}{}
				stay(conn)
			})
			s := newTestSender(t, nil)
			calls := 0
			s.now = func() time.Time {
				if calls++; calls == 2 { // the request is not written yet
					select {
					case <-said:
					case <-time.After(5 * time.Second):
						t.Error("the connection is one that was kept")
					}
				}
				return time.Now()
			}
			for n := range int32(2) {
				calls = 0
				if exchange := s.Send(t.Context(), messageTo(t, url)); exchange.Cause != test.cause {
					t.Errorf("got %d %q: %s", exchange.StatusCode, exchange.Cause, exchange.Error)
				}
				if got := connections.Load(); got != n+1 {
					t.Errorf("%d connections after %d messages", got, n+1)
				}
			}
		})
	}
}

// An answer that comes while the rest of the request can't be written is read,
// though the receiver neither reads on nor closes.
func TestSender_reads_the_answer_of_a_receiver_that_reads_nothing(t *testing.T) {
	made := certificate(t, "127.0.0.1", time.Now().Add(time.Hour))
	protocols(t, func(t *testing.T, secure bool) {
		ended := make(chan struct{})
		url := listen(t, func(plain net.Conn) {
			conn := plain
			if secure {
				conn, _ = (&packet{}).server(plain, made)
			}
			conn.Read(make([]byte, 1))
			io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
			<-ended
		})
		t.Cleanup(func() { close(ended) })
		if secure {
			url = secured(url)
		}
		m := messageTo(t, url)
		m.Body = make([]byte, 8<<20)
		exchange := newTestSender(t, made.Leaf).Send(t.Context(), m)
		if exchange.StatusCode != 413 || string(exchange.ResponseBody) != "big" || exchange.Note != "" {
			t.Errorf("got %d, body %q, note %q: %s", exchange.StatusCode, exchange.ResponseBody, exchange.Note, exchange.Error)
		}
	})
}

func TestSender_ends_writing_with_the_exchange(t *testing.T) {
	for name, test := range map[string]struct {
		timeout time.Duration
		cause   Cause
	}{"timeout": {brief, CauseTimeout}, "interrupted": {time.Minute, CauseInterrupted}} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			url := listen(t, func(conn net.Conn) {
				conn.Read(make([]byte, 1))
				if test.cause == CauseInterrupted {
					cancel()
				}
				<-ended
			})
			t.Cleanup(func() { close(ended) })
			m := messageTo(t, url)
			m.Body, m.Timeout = make([]byte, 8<<20), test.timeout
			if exchange := newTestSender(t, nil).Send(ctx, m); exchange.Cause != test.cause || exchange.Requests != 1 {
				t.Errorf("got %q: %s", exchange.Cause, exchange.Error)
			}
		})
	}
}

// A receiver that lets only so many connections in gets all over those that it
// has, since whoever waits for a new one takes what another gives back.
func TestSender_takes_a_connection_that_another_gives_back(t *testing.T) {
	protocols(t, func(t *testing.T, secure bool) {
		arrived, answer := make(chan struct{}, 2), make(chan struct{})
		r := serve(t, secure, func(conn net.Conn, _ *net.TCPConn, _ int) bool {
			arrived <- struct{}{}
			<-answer
			io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
			return true
		})
		s := r.sender(t)
		dialling := make(chan struct{})
		var dials atomic.Int32
		s.dialer.ControlContext = func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
			if dials.Add(1) == 1 {
				return nil
			}
			close(dialling)
			<-ctx.Done() // as a firewall that drops what comes
			return ctx.Err()
		}
		var sending sync.WaitGroup
		send := func() {
			if exchange := s.Send(t.Context(), messageTo(t, r.url)); exchange.Cause != "" || exchange.Requests != 1 {
				t.Errorf("got %q: %s", exchange.Cause, exchange.Error)
			}
		}
		sending.Go(send)
		<-arrived
		sending.Go(send)
		<-dialling
		close(answer)
		sending.Wait()
		s.Close() // ends the dial
		if n := r.connections.Load(); n != 1 {
			t.Errorf("%d connections; want 1", n)
		}
	})
}

// The answers of many exchanges at once, over connections that receivers close
// and spoil, are each their own.
func TestSender_gives_each_message_its_own_answer(t *testing.T) {
	protocols(t, func(t *testing.T, secure bool) {
		made := certificate(t, "127.0.0.1", time.Now().Add(time.Hour))
		url := listen(t, func(plain net.Conn) {
			conn, in := plain, bufio.NewReader(plain)
			if secure {
				conn, in = (&packet{}).server(plain, made)
			}
			for nth := 0; ; nth++ {
				r, err := readRequest(in)
				if err != nil {
					return
				}
				id := r.Header.Get("Webhook-Id")
				switch nth % 4 {
				case 0:
					fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(id), id)
				case 1:
					fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(id), id)
				case 2:
					behind := "" // in one write: what comes later, nobody could tell from the next answer
					if strings.HasSuffix(id, "7") {
						behind = smuggled
					}
					fmt.Fprintf(conn, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s", len(id), id, behind)
				case 3:
					fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%s", id)
					return
				}
			}
		})
		if secure {
			url = secured(url)
		}
		s := newTestSender(t, made.Leaf)
		var sending sync.WaitGroup
		for from := range 16 {
			sending.Go(func() {
				for n := range 50 {
					m := messageTo(t, url)
					m.EventID = fmt.Sprintf("evt_%d_%d", from, n)
					if n%10 == 0 {
						m.Body = make([]byte, 64<<10)
					}
					if exchange := s.Send(t.Context(), m); exchange.StatusCode != 200 || !strings.HasPrefix(string(exchange.ResponseBody), m.EventID) {
						t.Errorf("%s: got %d %q: %s", m.EventID, exchange.StatusCode, exchange.ResponseBody, exchange.Error)
					}
				}
			})
		}
		sending.Wait()
	})
}

func TestSender_keeps_connections_by_origin(t *testing.T) {
	answering := func(status string) *serving {
		return serve(t, false, func(conn net.Conn, _ *net.TCPConn, _ int) bool {
			io.WriteString(conn, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n")
			return true
		})
	}
	one, other := answering("201 Created"), answering("202 Accepted")
	s := newTestSender(t, nil)
	for range 2 {
		for url, status := range map[string]int{one.url: 201, other.url: 202, one.url + "/path?a=b": 201, strings.Replace(other.url, "127.0.0.1", "127.0.0.2", 1): 0} {
			if exchange := s.Send(t.Context(), messageTo(t, url)); exchange.StatusCode != status {
				t.Errorf("%s: got %d; want %d: %s", url, exchange.StatusCode, status, exchange.Error)
			}
		}
	}
	if a, b := one.connections.Load(), other.connections.Load(); a != 1 || b != 1 {
		t.Errorf("%d and %d connections; want 1 each", a, b)
	}
}
