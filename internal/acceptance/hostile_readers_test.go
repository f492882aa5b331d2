package acceptance

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	readers   = 2500 // connections with one key
	pipelined = 20   // requests on each of them
	longEvent = 240_000
)

// storeLong reports as many long events as a list shows, and more than the server
// keeps in memory.
func (h *hostile) storeLong(t *testing.T, n int) {
	t.Helper()
	one := `{"type":"payment.failed","data":{"paymentId":"pay_1","amount":1,"currency":"usd","status":"failed","errorMessage":"` + strings.Repeat("x", longEvent) + `"}}`
	for ; n > 0; n -= 25 {
		body := `{"events":[` + strings.TrimSuffix(strings.Repeat(one+",", 25), ",") + `]}`
		r, err := http.NewRequestWithContext(t.Context(), "POST", h.server.url+"/api/v1/events/batch", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+h.key)
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusOK || strings.Contains(string(text), `"error"`) {
			t.Fatalf("a batch of long events got %d: %.300s", response.StatusCode, text)
		}
	}
}

// reading opens n connections from as many addresses, each with a buffer for next to
// nothing, and sends the same on each. It reads nothing.
func (h *hostile) reading(t *testing.T, n int, requests string) {
	t.Helper()
	host := strings.TrimPrefix(h.server.url, "http://")
	small := func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) { set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2048) })
		if err != nil {
			return err
		}
		return set
	}
	var mu sync.Mutex
	var opening sync.WaitGroup
	turn := make(chan struct{}, 100)
	for i := range n {
		turn <- struct{}{}
		opening.Go(func() {
			defer func() { <-turn }()
			dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+i/250), byte(1+i%250))}, Control: small, Timeout: 10 * time.Second}
			conn, err := dialer.Dial("tcp", host)
			if err != nil {
				return // the server has as many as it takes
			}
			mu.Lock()
			defer mu.Unlock()
			t.Cleanup(func() { conn.Close() })
			h.conns = append(h.conns, conn)
		})
	}
	opening.Wait()
	h.all(func(conn net.Conn) { _, _ = io.WriteString(conn, requests) })
}

// settle returns once the process has taken no more memory than before for a while.
func (h *hostile) settle(t *testing.T) {
	t.Helper()
	const looks = 40
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for most, still := 0, 0; still < looks; still++ {
		<-tick.C
		if now := h.peak(t); now > most {
			most, still = now, 0
		}
	}
}

// TestHostileReaders has one key's readers, and before them a crowd without a key,
// ask for long answers and take none.
func TestHostileReaders(t *testing.T) {
	h := newHostile(t)
	h.storeLong(t, 200)
	host := strings.TrimPrefix(h.server.url, "http://")
	h.reading(t, 3000, "GET /login HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
	h.settle(t)
	t.Logf("%d MiB with %d connections without a key", h.peak(t)>>20, len(h.conns))
	h.leave()
	h.answers(t, http.StatusOK)
	list := fmt.Sprintf("GET /api/v1/events?limit=200 HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", host, h.key)
	for range 2 {
		h.reading(t, readers, strings.Repeat(list, pipelined))
		h.settle(t)
		t.Logf("%d MiB with %d readers", h.peak(t)>>20, len(h.conns))
		h.leave()
		h.answers(t, http.StatusOK)
	}
	if status := h.report(t); status != http.StatusAccepted {
		t.Errorf("a report after them got %d", status)
	}
	h.wantModest(t)
}
