package acceptance

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// hostileLimit is the memory that the embedded default may take under attack.
const hostileLimit = 256 << 20

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
	made := here.run(t, "a passphrase that is long enough\n", "user", "create", "--email", "ada@example.com", "--name", "Ada", "--org", "Acme")
	var ids struct {
		Organization string `json:"organizationId"`
	}
	if err := json.Unmarshal([]byte(made), &ids); err != nil {
		t.Fatal(err)
	}
	key := here.run(t, "", "key", "create", "--org", ids.Organization, "--name", "k", "--scopes", "events:write")
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
