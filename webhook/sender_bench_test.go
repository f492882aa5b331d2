package webhook

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// answering is a receiver of requests of one length that allocates nothing for
// any of them: what a benchmark counts is the sender's.
func answering(answer string) func(net.Conn) {
	return func(conn net.Conn) {
		in, length := bufio.NewReaderSize(conn, 16<<10), -1
		said := []byte(answer)
		for {
			line, err := in.ReadSlice('\n')
			switch {
			case err != nil:
				return
			case len(line) > 2:
				if length < 0 {
					length = contentLength(string(line))
				}
				continue
			}
			if _, err := in.Discard(length); err != nil {
				return
			}
			if _, err := conn.Write(said); err != nil {
				return
			}
		}
	}
}

func contentLength(line string) int {
	name, value, _ := strings.Cut(line, ":")
	length, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil || !strings.EqualFold(name, "content-length") {
		return -1
	}
	return length
}

// spent is the processor time of this process so far: on a machine that does
// other things, it says more than the clock.
func spent(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkSend_raw(b *testing.B) {
	const (
		empty = "HTTP/1.1 204 No Content\r\nDate: Mon, 30 Nov 2026 11:16:26 GMT\r\n\r\n"
		usual = "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 30 Nov 2026 11:16:26 GMT\r\nContent-Type: application/json\r\nContent-Length: 15\r\nConnection: keep-alive\r\nX-Request-Id: 4f1c\r\n\r\n{\"status\":\"ok\"}"
	)
	made := certificate(b, "127.0.0.1", time.Now().Add(time.Hour))
	config := &tls.Config{Certificates: []tls.Certificate{made}}
	for name, answer := range map[string]string{"204": empty, "200": usual} {
		serve := answering(answer)
		for protocol, url := range map[string]string{
			"plain": listen(b, serve),
			"TLS":   secured(listen(b, func(conn net.Conn) { serve(tls.Server(conn, config)) })),
		} {
			b.Run(protocol+"/"+name, func(b *testing.B) {
				s, m := newTestSender(b, made.Leaf), messageTo(b, url)
				m.Prepare()
				ctx, cancel := context.WithCancel(b.Context()) // as a worker's, it can end
				defer cancel()
				b.ReportAllocs()
				before := spent(b)
				for b.Loop() {
					if exchange := s.Send(ctx, m); exchange.Cause != "" {
						b.Fatal(exchange.Error)
					}
				}
				b.ReportMetric(float64(spent(b)-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}
