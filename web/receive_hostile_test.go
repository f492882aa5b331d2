package web

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hookwell/inbound"
	"hookwell/models"
)

// signed returns a request that GitHub has signed.
func signed(body []byte, more ...inbound.Header) *inbound.Request {
	mac := hmac.New(sha256.New, []byte(githubSecret))
	mac.Write(body)
	return &inbound.Request{Method: http.MethodPost, Body: body, Headers: append(more,
		inbound.Header{Name: "X-Hub-Signature-256", Value: "sha256=" + hex.EncodeToString(mac.Sum(nil))},
		inbound.Header{Name: "X-GitHub-Event", Value: "push"})}
}

// TestReceive_beside_slow_senders has a thousand connections that send a byte a
// second to a source, and everybody else's requests beside them.
func TestReceive_beside_slow_senders(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		attacked := d.github(t, func(in *models.SourceInput) { in.Slug, in.RateLimitPerSecond = "attacked", models.MaxSourceRate })
		other := d.github(t, func(in *models.SourceInput) { in.Slug = "other" })
		host := strings.TrimPrefix(d.base, "http://")
		var conns []net.Conn
		for n := range 10 {
			head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\n\r\n", attacked.Path, host)
			conns = append(conns, holdBodies(t, 100, fmt.Sprintf("127.0.7.%d", n+1), host, head, []byte("{"))...)
		}
		open := func() (n int) {
			for _, conn := range conns {
				if _, err := conn.Write([]byte(" ")); err == nil {
					n++
				}
			}
			return n
		}
		client := &http.Client{Timeout: 10 * time.Second}
		second := time.NewTicker(time.Second)
		defer second.Stop()
		const rounds = 3
		for round := range rounds {
			t.Logf("round %d: %d connections take another byte", round, open())
			for _, s := range []*models.Source{attacked, other} {
				in := signed(fmt.Appendf(nil, `{"round":%d,"source":%q}`, round, s.Slug), inbound.Header{Name: "X-GitHub-Delivery", Value: fmt.Sprint(round)})
				request, err := http.NewRequestWithContext(t.Context(), in.Method, d.base+s.Path, bytes.NewReader(in.Body))
				must(t, err)
				for _, h := range in.Headers {
					request.Header.Add(h.Name, h.Value)
				}
				response, err := client.Do(request)
				if err != nil {
					t.Fatalf("a request to the source %s beside slow ones got no answer: %v", s.Slug, err)
				}
				response.Body.Close()
				if response.StatusCode != http.StatusOK {
					t.Errorf("a request to the source %s beside slow ones returned %s, want 200", s.Slug, response.Status)
				}
			}
			response, err := client.Get(d.base + "/login")
			if err != nil {
				t.Fatalf("a page beside slow requests got no answer: %v", err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("a page beside slow requests returned %s, want 200", response.Status)
			}
			<-second.C
		}
		for _, s := range []*models.Source{attacked, other} {
			n := len(slices.DeleteFunc(d.requests(t, s), func(r models.Request) bool { return r.State != inbound.Verified }))
			if n != rounds {
				t.Errorf("the source %s has %d verified requests on record, want %d", s.Slug, n, rounds)
			}
		}
	})
}

// raw sends bytes on a connection of their own and returns the status of the answer.
func (d *door) raw(t *testing.T, request []byte) int {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(d.base, "http://"))
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	go func() { _, _ = conn.Write(request) }() // a refusal may come before its end
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer to %d bytes: %v", len(request), err)
	}
	response.Body.Close()
	return response.StatusCode
}

// TestReceive_many_headers sends up to 10,000 headers. More than a source reads are
// refused; none of it is an error of ours, and nothing is accepted.
func TestReceive_many_headers(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		s := d.github(t, nil)
		in := signed([]byte(`{"zen":"Keep it logically awesome."}`))
		head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\n%s: %s\r\nContent-Length: %d\r\n", s.Path, strings.TrimPrefix(d.base, "http://"), in.Headers[0].Name, in.Headers[0].Value, len(in.Body))
		for count, want := range map[int][]int{0: {200}, 400: {200}, 600: {401}, 2000: {401}, 10_000: {http.StatusRequestHeaderFieldsTooLarge}} {
			request := []byte(head + strings.Repeat("a:b\r\n", count) + "\r\n" + string(in.Body))
			if status := d.raw(t, request); !slices.Contains(want, status) {
				t.Errorf("a request with %d more headers returned %d, want %d", count, status, want)
			}
		}
		signatures := strings.Repeat(in.Headers[0].Name+": "+in.Headers[0].Value+"\r\n", 100)
		if status := d.raw(t, []byte(head+signatures+"\r\n"+string(in.Body))); status != http.StatusUnauthorized {
			t.Errorf("a request with 101 signature headers returned %d, want 401", status)
		}
		for _, r := range d.requests(t, s) {
			if r.State != inbound.Verified && r.State != inbound.Refused {
				t.Errorf("%s is %s, want verified or refused", r.ID, r.State)
			}
		}
		if log := d.log.text(); strings.Contains(log, "level=ERROR") {
			t.Errorf("the log has an error: %s", log)
		}
	})
}

// TestReceive_body_limit sends bodies of a source's limit, and of a byte more, with
// and without their length.
func TestReceive_body_limit(t *testing.T) {
	const limit = 100_000
	eachDoor(t, func(t *testing.T, d *door) {
		s := d.github(t, func(in *models.SourceInput) { in.MaxBodyBytes = limit })
		for _, chunked := range []bool{false, true} {
			for _, over := range []int{0, 1} {
				body := []byte(`"` + strings.Repeat(fmt.Sprint(chunked)[:1], limit+over-2) + `"`)
				want := http.StatusOK
				if over > 0 {
					want = http.StatusRequestEntityTooLarge
				}
				response := d.send(t, signed(body), s.Path, chunked)
				if response.StatusCode != want {
					t.Errorf("a body of %d bytes, chunked %v, returned %s; want %d with a limit of %d", len(body), chunked, response.Status, want, limit)
				}
				list := d.requests(t, s)
				kept, err := d.tenant.Receiving().Request(t.Context(), list[0].ID)
				must(t, err)
				if over == 0 && !bytes.Equal(kept.Body, body) {
					t.Errorf("of a body of %d bytes, chunked %v, %d are on record", len(body), chunked, len(kept.Body))
				}
				if over > 0 && (kept.Cause != inbound.CauseTooLarge || !bytes.Equal(kept.Body, body[:16<<10]) || kept.BodyBytes != limit+1) {
					t.Errorf("a body that is too long, chunked %v, is on record as %s with %d bytes of %d; want the first 16 KiB of %d", chunked, kept.Cause, len(kept.Body), kept.BodyBytes, limit+1)
				}
			}
		}
	})
}

// TestReceive_compressed holds that a compressed body stays as it came: the signature
// is of those bytes, and nobody unpacks what a stranger sends.
func TestReceive_compressed(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		s := d.github(t, nil)
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, err := io.Copy(w, io.LimitReader(zeros{}, 64<<20)) // which would be 64 times the limit
		must(t, err)
		must(t, w.Close())
		body := packed.Bytes()
		for _, encoding := range []string{"gzip", "br", "deflate", "zstd", "gzip, gzip"} {
			in := signed(body, inbound.Header{Name: "Content-Encoding", Value: encoding}, inbound.Header{Name: "X-GitHub-Delivery", Value: encoding})
			if encoding != "gzip" {
				in = signed(append(bytes.Clone(body), encoding...), in.Headers[:2]...)
			}
			if response := d.send(t, in, s.Path, encoding == "br"); response.StatusCode != http.StatusOK {
				t.Fatalf("a body with Content-Encoding %q returned %s, want 200", encoding, response.Status)
			}
			list := d.requests(t, s)
			kept, err := d.tenant.Receiving().Request(t.Context(), list[0].ID)
			must(t, err)
			if kept.State != inbound.Verified || !bytes.Equal(kept.Body, in.Body) {
				t.Errorf("a body with Content-Encoding %q is on record as %s with %d bytes, want verified with %d", encoding, kept.State, len(kept.Body), len(in.Body))
			}
		}
		for n := 1; n > 0; {
			n, err = d.Engine().ProcessRequests(context.Background())
			must(t, err)
		}
		for _, r := range d.requests(t, s) {
			if r.Processing == models.ProcessingWaiting {
				t.Errorf("%s still waits", r.ID)
			}
		}
	})
}

// zeros is a stream of nothing but zeros.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestReceive_rate_beside_strangers has somebody who knows the URL, but no secret, send
// from many networks: the provider's own limit stays its own.
func TestReceive_rate_beside_strangers(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		const limit = 5
		s := d.github(t, func(in *models.SourceInput) { in.RateLimitPerSecond = limit })
		d.wantAnswer(t, signed([]byte(`{"first":true}`)), s.Path, 200, "") // its network is known from here
		d.clock.Advance(time.Minute)
		counts := map[int]int{}
		for n := range 40 {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
				DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 8, byte(n+1))}}).DialContext}}
			response, err := client.Post(d.base+s.Path, "application/json", strings.NewReader("{}"))
			must(t, err)
			response.Body.Close()
			counts[response.StatusCode]++
		}
		if counts[http.StatusUnauthorized] == 0 || counts[http.StatusTooManyRequests] == 0 {
			t.Errorf("40 strangers got %v; want some 401 and then 429", counts)
		}
		for n := range limit - 1 {
			d.wantAnswer(t, signed(fmt.Appendf(nil, `{"n":%d}`, n)), s.Path, 200, "")
		}
	})
}
