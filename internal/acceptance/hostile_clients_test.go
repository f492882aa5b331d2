package acceptance

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hookwell/internal/app"
)

// hostileLimit is the memory that the embedded default may take under attack.
const hostileLimit = 256 << 20

// crowd is how many connections a crowd of strangers opens: nearly as many as the
// server may hold where its memory isn't limited.
const crowd = 4900

// hostile is a client that holds connections to a server.
type hostile struct {
	server *running
	key    string
	conns  []net.Conn
}

// newHostile starts an embedded server that a thousand connections will meet.
func newHostile(t *testing.T) *hostile {
	t.Helper()
	here := embedded(t)
	// What the program sets by itself in a container of that size, and what the
	// number of connections follows from.
	here.env = append(here.env, fmt.Sprintf("GOMEMLIMIT=%d", app.RuntimeMemory(hostileLimit, true)))
	made := here.run(t, "a passphrase that is long enough\n", "user", "create", "--email", "ada@example.com", "--name", "Ada", "--org", "Acme")
	var ids struct {
		Organization string `json:"organizationId"`
	}
	if err := json.Unmarshal([]byte(made), &ids); err != nil {
		t.Fatal(err)
	}
	key := here.run(t, "", "key", "create", "--org", ids.Organization, "--name", "k", "--scopes", "events:write,read")
	return &hostile{server: here.start(t), key: strings.TrimSpace(key)}
}

// attack opens n connections at once and writes to each what it is given. What
// the server refuses to take of it is the server's affair.
func (h *hostile) attack(t *testing.T, n int, head string, body []byte) {
	t.Helper()
	host := strings.TrimPrefix(h.server.url, "http://")
	var writing sync.WaitGroup
	for range n {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		h.conns = append(h.conns, conn)
		writing.Go(func() {
			_ = conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
			_, _ = fmt.Fprintf(conn, head+"\r\n", host)
			_, _ = conn.Write(body)
		})
	}
	writing.Wait()
}

// report makes a report as any client would, while the attack lasts.
func (h *hostile) report(t *testing.T) int {
	t.Helper()
	body := `{"type":"payment.failed","data":{"paymentId":"pay_1","amount":1,"currency":"usd","status":"failed","errorMessage":"no"}}`
	r, err := http.NewRequestWithContext(t.Context(), "POST", h.server.url+"/api/v1/events", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.key)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("the server answers nobody: %v", err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// peak is the most memory that the process had resident, in bytes.
func (h *hostile) peak(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.server.PID()))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

func (h *hostile) wantModest(t *testing.T) {
	t.Helper()
	peak := h.peak(t)
	t.Logf("%d connections, at most %d MiB resident", len(h.conns), peak>>20)
	if peak > hostileLimit {
		t.Errorf("the process took %d MiB; at most %d are right", peak>>20, hostileLimit>>20)
	}
}

func TestHostileClients(t *testing.T) {
	const batch = "POST /api/v1/events/batch HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
	megabyte := []byte(`{"events":[` + strings.Repeat(" ", 1<<20))
	for name, attack := range map[string]struct {
		head string // with KEY for a right key
		body []byte
	}{
		"announce_bodies_without_a_key":    {batch + "Content-Length: 9437184\r\n", nil},
		"send_bodies_without_a_key":        {batch + "Content-Length: 9437184\r\n", megabyte},
		"send_chunks_without_a_key":        {batch + "Transfer-Encoding: chunked\r\n", append([]byte("100000\r\n"), megabyte...)},
		"announce_bodies_with_a_key":       {batch + "Authorization: Bearer KEY\r\nContent-Length: 8388608\r\n", []byte("{")},
		"send_bodies_with_a_key":           {batch + "Authorization: Bearer KEY\r\nContent-Length: 8388608\r\n", megabyte},
		"send_chunks_with_a_key":           {batch + "Authorization: Bearer KEY\r\nTransfer-Encoding: chunked\r\n", append([]byte("100000\r\n"), megabyte...)},
		"announce_forms_without_a_session": {"POST /login HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1048576\r\n", megabyte[:64<<10]},
		"expect_100":                       {batch + "Expect: 100-continue\r\nContent-Length: 9437184\r\n", nil},
	} {
		t.Run(name+"_and_the_server_stays_small", func(t *testing.T) {
			h := newHostile(t)
			h.attack(t, 1000, strings.ReplaceAll(attack.head, "KEY", h.key), attack.body)
			if status := h.report(t); status != http.StatusAccepted && !(strings.Contains(attack.head, "KEY") && status == http.StatusServiceUnavailable) {
				t.Errorf("a report beside them got %d", status)
			}
			h.wantModest(t)
		})
	}
	t.Run("send_a_byte_at_a_time_and_the_server_stays_small", func(t *testing.T) {
		h := newHostile(t)
		h.attack(t, 1000, strings.ReplaceAll(batch, "KEY", h.key)+"Authorization: Bearer "+h.key+"\r\nContent-Length: 8388608\r\n", []byte("{"))
		for range 20 {
			for _, conn := range h.conns {
				_, _ = conn.Write([]byte(" "))
			}
		}
		if status := h.report(t); status != http.StatusAccepted {
			t.Errorf("a report beside them got %d", status)
		}
		h.wantModest(t)
	})
}

// crowds opens connections from some 1,250 addresses, as many as the server
// takes, and begins a request's head on each.
func (h *hostile) crowds(t *testing.T) {
	t.Helper()
	host := strings.TrimPrefix(h.server.url, "http://")
	for i := range crowd {
		from := net.TCPAddr{IP: net.IPv4(127, 0, byte(1+i/4/250), byte(1+i/4%250))}
		dialer := net.Dialer{LocalAddr: &from}
		conn, err := dialer.Dial("tcp", host)
		if err != nil {
			continue // the server has as many as it takes
		}
		t.Cleanup(func() { conn.Close() })
		h.conns = append(h.conns, conn)
	}
	h.all(func(conn net.Conn) { _, _ = io.WriteString(conn, "GET /login HTTP/1.1\r\n") })
	h.answers(t, http.StatusOK, http.StatusServiceUnavailable)
}

// all does the same on all connections at once.
func (h *hostile) all(do func(net.Conn)) {
	var doing sync.WaitGroup
	for _, conn := range h.conns {
		doing.Go(func() {
			_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
			do(conn)
		})
	}
	doing.Wait()
}

// leave closes all connections.
func (h *hostile) leave() {
	for _, conn := range h.conns {
		conn.Close()
	}
	h.conns = nil
}

// answers waits until the server answers somebody new with one of these.
func (h *hostile) answers(t *testing.T, statuses ...int) {
	t.Helper()
	eventually(t, "an answer to somebody else", func() bool {
		response, err := http.Get(h.server.url + "/healthz")
		if err != nil {
			return false
		}
		response.Body.Close()
		return slices.Contains(statuses, response.StatusCode)
	})
}

// In each of three rounds a crowd begins as many heads as it may, and then does
// something at once.
func TestHostileClients_of_many_addresses(t *testing.T) {
	host := func(h *hostile) string { return strings.TrimPrefix(h.server.url, "http://") }
	drop := func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	for name, burst := range map[string]func(h *hostile){
		"close_with_half_a_head": func(*hostile) {},
		"send_a_broken_head": func(h *hostile) {
			h.all(func(conn net.Conn) {
				_, _ = io.WriteString(conn, "X\x00: y\r\n")
				drop(conn)
			})
		},
		"complete_their_request": func(h *hostile) {
			h.all(func(conn net.Conn) {
				_, _ = io.WriteString(conn, "Host: "+host(h)+"\r\n\r\n")
				_, _ = conn.Read(make([]byte, 4096))
			})
		},
		"complete_a_request_and_take_nothing": func(h *hostile) {
			h.all(func(conn net.Conn) {
				_, _ = io.WriteString(conn, "Host: "+host(h)+"\r\n\r\n"+strings.Repeat("GET /docs/api HTTP/1.1\r\nHost: "+host(h)+"\r\n\r\n", 10))
			})
		},
		"send_half_a_form": func(h *hostile) {
			h.all(func(conn net.Conn) {
				_, _ = io.WriteString(conn, "Host: "+host(h)+"\r\n\r\nPOST /login HTTP/1.1\r\nHost: "+host(h)+"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000\r\n\r\na=b")
			})
		},
	} {
		t.Run(name+"_and_the_server_stays_small", func(t *testing.T) {
			h := newHostile(t)
			for range 3 {
				h.crowds(t)
				t.Logf("%d MiB with %d half heads", h.peak(t)>>20, len(h.conns))
				burst(h)
				h.leave()
				h.answers(t, http.StatusOK)
				t.Logf("%d MiB after", h.peak(t)>>20)
			}
			if status := h.report(t); status != http.StatusAccepted {
				t.Errorf("a report after them got %d", status)
			}
			h.wantModest(t)
		})
	}
}
