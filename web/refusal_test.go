package web

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/web/api"
	"hookwell/web/request"
)

// A client that writes its whole request before it reads gets every refusal,
// and not a reset connection, which would have it try the same again for ever.
func TestRefusals_reach_who_writes_all_first(t *testing.T) {
	const long = 12 << 20
	for name, test := range map[string]struct {
		prepare      func(*testing.T, *apiFixture)
		rate         int // requests a second of each key; 0 is no limit
		method, path string
		head         string // KEY is one that may report and write, READER one that may read
		size         int
		want         int
	}{
		"413_of_an_event":           {method: "POST", path: "/api/v1/events", head: "Authorization: Bearer KEY\r\n", size: long, want: 413},
		"413_of_a_batch":            {method: "POST", path: api.BatchPath, head: "Authorization: Bearer KEY\r\n", size: long, want: 413},
		"413_of_a_batch_of_9_MB":    {method: "POST", path: api.BatchPath, head: "Authorization: Bearer KEY\r\n", size: api.MaxBatchBytes + 1, want: 413},
		"413_of_a_form":             {method: "POST", path: "/login", size: long, want: 413},
		"401_without_a_key":         {method: "POST", path: api.BatchPath, size: api.MaxBatchBytes, want: 401},
		"401_of_an_unknown_key":     {method: "POST", path: api.BatchPath, head: "Authorization: Bearer hwk_unknown\r\n", size: api.MaxBatchBytes, want: 401},
		"403_of_a_scope":            {method: "POST", path: api.BatchPath, head: "Authorization: Bearer READER\r\n", size: api.MaxBatchBytes, want: 403},
		"403_of_a_form":             {method: "POST", path: "/login", size: request.MaxBody, want: 403},
		"404_of_no_route":           {method: "POST", path: "/api/v1/nothing", head: "Authorization: Bearer KEY\r\n", size: request.MaxBody, want: 404},
		"404_of_no_page":            {method: "POST", path: "/nothing", size: request.MaxBody, want: 404},
		"405_of_a_method":           {method: "PUT", path: "/api/v1/events", head: "Authorization: Bearer KEY\r\n", size: request.MaxBody, want: 405},
		"303_of_a_form_of_nobody":   {method: "POST", path: "/orgs", size: request.MaxBody, want: 303},
		"415_of_a_media_type":       {method: "POST", path: api.BatchPath, head: "Authorization: Bearer KEY\r\nContent-Encoding: gzip\r\n", size: api.MaxBatchBytes, want: 415},
		"421_of_another_host":       {method: "POST", path: api.BatchPath, head: "OTHERHOST", size: api.MaxBatchBytes, want: 421},
		"400_of_two_hosts":          {method: "POST", path: api.BatchPath, head: "Host: other.example\r\n", size: api.MaxBatchBytes, want: 400},
		"400_of_two_lengths":        {method: "POST", path: api.BatchPath, head: "Content-Length: 1\r\n", size: api.MaxBatchBytes, want: 400},
		"431_of_headers":            {method: "POST", path: api.BatchPath, head: "X-Large: " + strings.Repeat("a", maxHeaders) + "\r\n", size: api.MaxBatchBytes, want: 431},
		"429_of_a_rate":             {prepare: spendRate, rate: 1, method: "POST", path: api.BatchPath, head: "Authorization: Bearer KEY\r\n", size: api.MaxBatchBytes, want: 429},
		"503_of_too_many_bodies":    {prepare: spendBodies, method: "POST", path: api.BatchPath, head: "Authorization: Bearer KEY\r\n", size: api.MaxBatchBytes, want: 503},
		"503_of_too_many_clients":   {prepare: spendConnections, method: "POST", path: api.BatchPath, head: "Authorization: Bearer KEY\r\n", size: api.MaxBatchBytes, want: 503},
		"200_of_what_needs_no_body": {method: "GET", path: "/healthz", size: request.MaxBody, want: 200},
	} {
		for _, inChunks := range []bool{false, true} {
			if inChunks && strings.Contains(test.head, "Content-Length") {
				continue
			}
			t.Run(fmt.Sprintf("%s/chunks=%t", name, inChunks), func(t *testing.T) {
				f := newAPIFixtureOn(t, store.Options{}, func(o *Options) { o.APIRateLimit = test.rate })
				_, reader, err := f.Own.CreateKey(t.Context(), models.NewKey{Name: "reader", Scopes: []string{"read"}})
				must(t, err)
				if test.prepare != nil {
					test.prepare(t, f)
				}
				host := strings.TrimPrefix(f.Base, "http://")
				shown := host
				head := strings.NewReplacer("KEY", f.Key, "READER", reader).Replace(test.head)
				if head == "OTHERHOST" {
					head, shown = "", "other.example"
				}
				if !strings.HasPrefix(test.path, "/api") {
					head += "Content-Type: application/x-www-form-urlencoded\r\n"
				} else {
					head += "Content-Type: application/json\r\n"
				}
				framing := fmt.Sprintf("Content-Length: %d\r\n\r\n", test.size)
				if inChunks {
					framing = fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", test.size)
				}
				response := writeAllThenRead(t, host, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%s%s", test.method, test.path, shown, head, framing), test.size)
				want := test.want
				if inChunks && test.path == "/login" {
					want = 403 // how long it is would be known by reading alone
				}
				if response.StatusCode != want || !response.Close {
					t.Errorf("status %d, closes: %t; want %d and the end", response.StatusCode, response.Close, want)
				}
				if retry := response.Header.Get("Retry-After"); (want == 429 || want == 503) && retry == "" {
					t.Error("Retry-After is missing")
				}
			})
		}
	}
}

// spendRate uses up what the key may ask for in this second.
func spendRate(t *testing.T, f *apiFixture) {
	f.Call(t, f.Key, "GET", "/api/v1/event-types", "")
	f.Call(t, f.Key, "POST", "/api/v1/events", "{}")
}

func spendBodies(t *testing.T, f *apiFixture) {
	left := f.server.bodies.limit - f.server.bodies.limit/4
	for i := 0; left > 0; i++ {
		part := min(left, maxBatchBody)
		if !f.server.bodies.change(request.Owner{ID: strconv.Itoa(i)}, claim{}, claim{part, true}) {
			t.Fatal("the budget is not free")
		}
		left -= part
	}
}

func spendConnections(t *testing.T, f *apiFixture) {
	f.server.connections.limits.Total = 1
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.Base, "http://"))
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	must(t, err)
	_, err = http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
}

// writeAllThenRead sends a head and size bytes behind it before it reads.
func writeAllThenRead(t *testing.T, host, head string, size int) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = io.WriteString(conn, head)
	must(t, err)
	body := append(bytes.Repeat([]byte("a"), size), "\r\n0\r\n\r\n"...) // the chunks' end; behind a length it is of nobody
	if n, err := conn.Write(body); err != nil {
		t.Fatalf("after %d bytes of the body: %v", n, err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	body, err = io.ReadAll(response.Body)
	must(t, err)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response
}

func TestRefusals_reach_Go_s_client(t *testing.T) {
	f := newAPIFixture(t)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 15 {
		for _, path := range []string{"/api/v1/events", api.BatchPath} {
			request, err := http.NewRequest("POST", f.Base+path, bytes.NewReader(make([]byte, 12<<20)))
			must(t, err)
			request.Header.Set("Authorization", "Bearer "+f.Key)
			request.Header.Set("Content-Type", "application/json")
			response, err := client.Do(request)
			must(t, err)
			response.Body.Close()
			if response.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: status %d", path, response.StatusCode)
			}
		}
	}
}

// Requests that were sent behind a refused one are answered, or the connection
// closes: none is read from the middle of a body.
func TestRequests_behind_a_refusal(t *testing.T) {
	f := newAPIFixture(t)
	host := strings.TrimPrefix(f.Base, "http://")
	smuggled := "GET /healthz HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
	for name, length := range map[string]string{"of_a_length": fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(smuggled), smuggled),
		"of_chunks": fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(smuggled), smuggled)} {
		for _, key := range []string{"", "Authorization: Bearer hwk_unknown\r\n"} {
			t.Run(name, func(t *testing.T) {
				conn, err := net.Dial("tcp", host)
				must(t, err)
				defer conn.Close()
				must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
				_, err = io.WriteString(conn, "POST /api/v1/events HTTP/1.1\r\nHost: "+host+"\r\n"+key+length+"GET /openapi HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
				must(t, err)
				content, err := io.ReadAll(conn)
				must(t, err)
				if answers := strings.Count(string(content), "HTTP/1.1 "); strings.Contains(string(content), "alive") || !strings.HasPrefix(string(content), "HTTP/1.1 401 ") ||
					answers != 1 && !(answers == 2 && strings.Contains(string(content), "HTTP/1.1 404 ")) {
					t.Errorf("got %s", content)
				}
			})
		}
	}
}
