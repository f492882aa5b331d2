package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// A receiver that refuses a body before it has read it closes the connection
// while the rest is on its way.
func TestSender_reads_what_came_before_the_reset(t *testing.T) {
	const refusal = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large"
	made := certificate(t, "127.0.0.1", time.Now().Add(time.Hour))
	early := func(secure bool) string {
		return listen(t, func(conn net.Conn) {
			plain := conn
			if secure {
				conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{made}})
			}
			if _, err := conn.Read(make([]byte, 64)); err != nil {
				return
			}
			io.WriteString(conn, refusal)
			reset(plain) // with what was not read
		})
	}
	framed := func(end func(f *http2.Framer, conn net.Conn, stream uint32)) *framed {
		return frames(t, welcome, func(f *http2.Framer, conn net.Conn, stream uint32) {
			answer(f, stream, "413")
			end(f, conn, stream)
		})
	}
	stopped := framed(func(f *http2.Framer, _ net.Conn, stream uint32) { f.WriteRSTStream(stream, http2.ErrCodeNo) })
	closed := framed(func(_ *http2.Framer, conn net.Conn, _ uint32) { reset(conn); conn.Close() })
	cases := map[string]struct {
		url     string
		trusted *x509.Certificate
		body    string
	}{
		"HTTP/1":                {early(false), nil, "too large"},
		"HTTP/1_by_TLS":         {secured(early(true)), made.Leaf, "too large"},
		"HTTP/2_stream_stopped": {stopped.url, stopped.certificate.Leaf, ""},
		"HTTP/2_closed":         {closed.url, closed.certificate.Leaf, ""},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			const tries = 200
			body, lost := make([]byte, 1<<20), map[string]int{} // more than the connection holds
			for range tries {
				m := messageTo(t, test.url)
				m.Body = body
				exchange := newTestSender(t, test.trusted).Send(t.Context(), m)
				if exchange.StatusCode != http.StatusRequestEntityTooLarge || string(exchange.ResponseBody) != test.body || exchange.Requests != 1 {
					lost[exchange.Error]++
				}
			}
			if len(lost) > 0 {
				t.Errorf("of %d: %v", tries, lost)
			}
		})
	}
}
