package webhook

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// parsedResponse is what a response was read as.
type parsedResponse struct {
	status int
	failed bool // no response
	body   string
	cut    bool   // the body
	lasts  bool   // the connection
	rest   string // what follows on it
}

func readOurs(source io.Reader) parsedResponse {
	in := bufio.NewReaderSize(source, 4<<10)
	h, err := readHead(in, maxResponseHeaders)
	if err != nil {
		return parsedResponse{failed: true}
	}
	b := h.body(in)
	content, err := io.ReadAll(b)
	got := parsedResponse{status: h.status, body: string(content), cut: err != nil, lasts: h.lasts && b.whole}
	if got.lasts {
		rest, _ := io.ReadAll(in)
		got.rest = string(rest)
	}
	return got
}

// readTheirs reads a response as the client of net/http does.
func readTheirs(raw string) parsedResponse {
	in := bufio.NewReaderSize(strings.NewReader(raw), 4<<10)
	for {
		response, err := http.ReadResponse(in, &http.Request{Method: http.MethodPost})
		if err != nil {
			return parsedResponse{failed: true}
		}
		if response.StatusCode >= 100 && response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		content, err := io.ReadAll(response.Body)
		got := parsedResponse{status: response.StatusCode, body: string(content), cut: err != nil, lasts: !response.Close && err == nil}
		if got.lasts {
			rest, _ := io.ReadAll(in)
			got.rest = string(rest)
		}
		return got
	}
}

// stricter reports whether we refuse on purpose what net/http takes.
func stricter(raw string) bool {
	return len(raw) > maxResponseHeaders || // it bounds the connection, not ReadResponse
		strings.Contains(raw, " +") || strings.Contains(raw, " 0") || strings.Contains(raw, " -0") // a status with a sign, or below 100
}

// looser reports whether net/http may refuse what we take: names of trailers that
// can be none. All trailers are passed over.
func looser(raw string) bool { return strings.Contains(strings.ToLower(raw), "trailer") }

// compare reports how a reading differs from that of net/http: it may fail or cut
// the body short where that doesn't, and end the connection sooner. It never finds
// another status, another body or another end.
func compare(t *testing.T, raw string) {
	t.Helper()
	ours, theirs := readOurs(strings.NewReader(raw)), readTheirs(raw)
	switch {
	case ours.failed != theirs.failed:
		if ours.failed && !stricter(raw) || theirs.failed && !looser(raw) {
			t.Errorf("%q failed: %v; with net/http: %v", raw, ours.failed, theirs.failed)
		}
	case ours.failed:
	case ours.status != theirs.status || ours.body != theirs.body:
		t.Errorf("%q is %d %q; with net/http %d %q", raw, ours.status, ours.body, theirs.status, theirs.body)
	case theirs.cut && !ours.cut:
		t.Errorf("%q is whole; with net/http it is cut short", raw)
	case ours.lasts && (!theirs.lasts || ours.rest != theirs.rest):
		t.Errorf("%q leaves %q to the next response; with net/http the connection lasts: %v, and leaves %q", raw, ours.rest, theirs.lasts, theirs.rest)
	}
}

func TestReadHead_reads_what_net_http_reads(t *testing.T) {
	for name, test := range hostileResponses() {
		t.Run(name, func(t *testing.T) {
			for cut := range min(len(test.said), 300) + 1 {
				compare(t, test.said[:cut])
			}
			compare(t, test.said)
			compare(t, test.said+smuggled)
		})
	}
}

// comparePieces reports whether a response is read otherwise if it comes in small
// pieces.
func comparePieces(t *testing.T, raw string, size int) {
	t.Helper()
	whole, got := readOurs(strings.NewReader(raw)), readOurs(&pieces{raw, size})
	if got != whole {
		t.Errorf("%q in pieces of %d is %+v; want %+v", raw, size, got, whole)
	}
}

func TestReadHead_reads_pieces(t *testing.T) {
	for name, test := range hostileResponses() {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1, 7, 1460} {
				comparePieces(t, test.said, size)
				comparePieces(t, test.said+smuggled, size)
			}
		})
	}
}

// pieces is a reader that gives no more than size bytes at a time.
type pieces struct {
	left string
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.left == "" {
		return 0, io.EOF
	}
	n := copy(b, p.left[:min(p.size, len(p.left))])
	p.left = p.left[n:]
	return n, nil
}

func TestReadHead_bounds_the_heads_of_all_responses(t *testing.T) {
	last := "HTTP/1.1 200 OK\r\nX-A: "
	room := maxResponseHeaders - len(last) - len("\r\n\r\n")
	for extra, want := range map[int]error{0: nil, 1: errHeadersTooLarge} {
		in := bufio.NewReaderSize(strings.NewReader(last+strings.Repeat("a", room+extra)+"\r\n\r\n"), 4<<10)
		if _, err := readHead(in, maxResponseHeaders); !errors.Is(err, want) {
			t.Errorf("readHead() of %d bytes more than fit: %v; want %v", extra, err, want)
		}
	}
	endless := io.MultiReader(strings.NewReader(ok), &repeating{"X-A: a\r\n"})
	if _, err := readHead(bufio.NewReaderSize(endless, 4<<10), maxResponseHeaders); !errors.Is(err, errHeadersTooLarge) {
		t.Errorf("readHead() of endless headers: %v", err)
	}
	if _, err := readHead(bufio.NewReaderSize(&repeating{"HTTP/1.1 100 Continue\r\n\r\n"}, 4<<10), maxResponseHeaders); !errors.Is(err, errHeadersTooLarge) {
		t.Errorf("readHead() of endless informational responses: %v", err)
	}
}

type repeating struct{ text string }

func (r *repeating) Read(b []byte) (int, error) { return copy(b, r.text), nil }

func FuzzReadHead(f *testing.F) {
	for _, test := range hostileResponses() {
		if len(test.said) < 4<<10 {
			f.Add(test.said)
			f.Add(test.said + smuggled)
		}
	}
	f.Fuzz(func(t *testing.T, raw string) {
		compare(t, raw)
		comparePieces(t, raw, 3)
	})
}

func BenchmarkReadHead(b *testing.B) {
	const raw = "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 30 Nov 2026 11:16:26 GMT\r\nContent-Type: application/json\r\nContent-Length: 15\r\nConnection: keep-alive\r\nX-Request-Id: 4f1c\r\n\r\n{\"status\":\"ok\"}"
	source := strings.NewReader(raw)
	in := bufio.NewReaderSize(source, 4<<10)
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			source.Reset(raw)
			in.Reset(source)
			in.Peek(1) // as the exchange does, for the time of the first byte
			h, err := readHead(in, maxResponseHeaders)
			if err != nil {
				b.Fatal(err)
			}
			io.Copy(io.Discard, h.body(in))
		}
	})
	b.Run("net_http", func(b *testing.B) {
		request := &http.Request{Method: http.MethodPost}
		b.ReportAllocs()
		for b.Loop() {
			source.Reset(raw)
			in.Reset(source)
			in.Peek(1)
			response, err := http.ReadResponse(in, request)
			if err != nil {
				b.Fatal(err)
			}
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
	})
}
