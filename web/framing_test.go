package web

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// exchange sends the bytes of a request, with our Host after its first line,
// and answers the status and whether the server hangs up.
func (s *site) exchange(t *testing.T, line, rest string) (status int, ends bool) {
	t.Helper()
	conn, err := net.Dial("tcp", s.BaseURL.Host)
	must(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "%s\r\nHost: %s\r\n%s", line, s.BaseURL.Host, rest)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	response.Body.Close()
	return response.StatusCode, response.Close
}

// A proxy in front may see another end of the request than we do, and take what
// comes behind for somebody else's.
func TestRequests_of_unclear_length_are_refused(t *testing.T) {
	s := newSite(t, nil)
	const behind = "0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n"
	for name, r := range map[string][2]string{
		"two_lengths":          {"POST /login HTTP/1.1", "Content-Length: 5\r\nContent-Length: 0\r\n\r\n" + behind},
		"chunks_and_a_length":  {"POST /login HTTP/1.1", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + behind},
		"a_length_and_chunks":  {"POST /api/v1/events HTTP/1.1", "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n" + behind},
		"chunks_in_an_old_one": {"POST /login HTTP/1.0", "Transfer-Encoding: chunked\r\n\r\n" + behind},
	} {
		t.Run(name, func(t *testing.T) {
			if status, ends := s.exchange(t, r[0], r[1]); status != http.StatusBadRequest || !ends {
				t.Errorf("status %d, hangs up: %t; want 400 and the end", status, ends)
			}
		})
	}
	t.Run("and_chunks_alone_are_not", func(t *testing.T) {
		status, ends := s.exchange(t, "POST /api/v1/events HTTP/1.1", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
		if status != http.StatusUnauthorized || ends {
			t.Errorf("status %d, hangs up: %t", status, ends)
		}
	})
}

func TestForms_of_too_many_fields_are_413(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser(t)
	form := url.Values{"a": make([]string, maxFields)}
	wantStatus(t, b.post(t, "/login", form), http.StatusRequestEntityTooLarge)
	form["a"] = form["a"][:maxFields/2]
	wantStatus(t, b.post(t, "/login", form), http.StatusUnprocessableEntity)
	// Only forms have fields: an event may have any text.
	request := b.request(t, http.MethodPost, "/api/v1/events", url.Values{"data": {strings.Repeat("&", maxFields)}})
	wantStatus(t, b.do(t, request), http.StatusUnauthorized)
}
