package web

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hookwell/internal/apitest"
	"hookwell/models"
)

// raw sends bytes and returns the first answer's status, its body, and whether
// the server closes the connection behind it.
func raw(t *testing.T, host, request string) (status int, body string, ends bool) {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, request)
	must(t, err)
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	must(t, err)
	content, err := io.ReadAll(response.Body)
	must(t, err)
	if response.Close {
		_, err = reader.ReadByte()
		ends = errors.Is(err, io.EOF)
	}
	return response.StatusCode, string(content), ends
}

// A proxy in front may see another end of the request than we do, and take what
// comes behind for somebody else's.
func TestRequests_framed_unclearly_are_refused(t *testing.T) {
	f := newAPIFixture(t)
	host := strings.TrimPrefix(f.Base, "http://")
	behind := "0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
	// LINE stands for the lines that every right request has.
	lines := "Host: " + host + "\r\nAuthorization: Bearer " + f.Key + "\r\nContent-Type: application/json\r\n"
	const post = "POST /api/v1/events HTTP/1.1\r\n"
	const inChunks = post + "LINES" + "Transfer-Encoding: chunked\r\n\r\n"
	for name, request := range map[string]string{
		"two_lengths":                        post + "LINES" + "Content-Length: 5\r\nContent-Length: 0\r\n\r\n",
		"the_same_length_twice":              post + "LINES" + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
		"a_list_of_lengths":                  post + "LINES" + "Content-Length: 5, 5\r\n\r\n",
		"a_length_with_a_plus":               post + "LINES" + "Content-Length: +5\r\n\r\n",
		"a_negative_length":                  post + "LINES" + "Content-Length: -5\r\n\r\n",
		"a_hexadecimal_length":               post + "LINES" + "Content-Length: 0x5\r\n\r\n",
		"a_length_beyond_all":                post + "LINES" + "Content-Length: 18446744073709551621\r\n\r\n",
		"an_empty_length":                    post + "LINES" + "Content-Length:\r\n\r\n",
		"chunks_and_a_length":                post + "LINES" + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		"a_length_and_chunks":                post + "LINES" + "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n",
		"chunks_in_an_old_request":           "POST /api/v1/events HTTP/1.0\r\n" + "LINES" + "Transfer-Encoding: chunked\r\n\r\n",
		"xchunked":                           post + "LINES" + "Transfer-Encoding: xchunked\r\n\r\n",
		"gzip_and_chunked":                   post + "LINES" + "Transfer-Encoding: gzip, chunked\r\n\r\n",
		"chunked_twice":                      post + "LINES" + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		"chunked_twice_in_a_line":            post + "LINES" + "Transfer-Encoding: chunked, chunked\r\n\r\n",
		"an_empty_coding":                    post + "LINES" + "Transfer-Encoding:\r\n\r\n",
		"identity":                           post + "LINES" + "Transfer-Encoding: identity\r\n\r\n",
		"identity_and_a_length":              post + "LINES" + "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n",
		"chunked_with_a_vertical_tab":        post + "LINES" + "Transfer-Encoding: \x0bchunked\r\n\r\n",
		"a_space_before_the_colon":           post + "LINES" + "Transfer-Encoding : chunked\r\n\r\n",
		"a_space_before_a_length_s_colon":    post + "LINES" + "Content-Length : 5\r\n\r\n",
		"a_folded_line":                      post + "LINES" + "X-A: a\r\n b\r\nContent-Length: 5\r\n\r\n",
		"a_folded_coding":                    post + "LINES" + "Transfer-Encoding:\r\n chunked\r\n\r\n",
		"a_first_line_that_is_folded":        post + " X-A: a\r\n" + "LINES" + "Content-Length: 5\r\n\r\n",
		"a_line_without_a_colon":             post + "LINES" + "X-A\r\nContent-Length: 5\r\n\r\n",
		"a_bare_CR_in_a_value":               post + "LINES" + "X-A: a\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
		"a_bare_LF_at_a_line_s_end":          post + "LINES" + "X-A: a\nContent-Length: 5\r\n\r\n",
		"a_NUL_in_a_value":                   post + "LINES" + "X-A: a\x00b\r\nContent-Length: 5\r\n\r\n",
		"a_NUL_in_a_name":                    post + "LINES" + "X\x00A: b\r\nContent-Length: 5\r\n\r\n",
		"two_hosts":                          post + "LINES" + "Host: other.example\r\nContent-Length: 5\r\n\r\n",
		"the_same_host_twice":                post + "LINES" + "Host: " + host + "\r\nContent-Length: 5\r\n\r\n",
		"no_host":                            "GET /api/v1/events HTTP/1.1\r\n\r\n",
		"an_absolute_target_of_another_host": "GET http://other.example/api/v1/events HTTP/1.1\r\n" + "LINES" + "\r\n",
		"an_absolute_target_with_a_user":     "GET http://ada@" + host + "/api/v1/events HTTP/1.1\r\n" + "LINES" + "\r\n",
		"a_target_without_a_slash":           "GET api/v1/events HTTP/1.1\r\n" + "LINES" + "\r\n",
		"a_tunnel":                           "CONNECT other.example:443 HTTP/1.1\r\n" + "LINES" + "\r\n",
		"HTTP_0.9":                           "GET /api/v1/events\r\n\r\n",
		"HTTP_2":                             "GET /api/v1/events HTTP/2.0\r\n" + "LINES" + "\r\n",
		"a_version_of_its_own":               "GET /api/v1/events HTTP/1.10\r\n" + "LINES" + "\r\n",
		"LF_in_a_chunk_s_extension":          inChunks + "2;\nxx\r\n{}\r\n0\r\n\r\n",
		"LF_after_a_chunk_s_size":            inChunks + "2\n{}\r\n0\r\n\r\n",
		"a_chunk_of_0zzz":                    inChunks + "2\r\n{}\r\n0zzz\r\n\r\n",
		"a_chunk_of_0x0":                     inChunks + "2\r\n{}\r\n0x0\r\n\r\n",
		"a_chunk_of_0x2":                     inChunks + "0x2\r\n{}\r\n0\r\n\r\n",
		"a_chunk_of_no_size":                 inChunks + "\r\n{}\r\n0\r\n\r\n",
		"a_chunk_of_a_negative_size":         inChunks + "-2\r\n{}\r\n0\r\n\r\n",
		"a_chunk_with_a_plus":                inChunks + "+2\r\n{}\r\n0\r\n\r\n",
		"a_chunk_beyond_all":                 inChunks + "10000000000000002\r\n{}\r\n0\r\n\r\n",
		"a_chunk_longer_than_it_says":        inChunks + "2\r\n{}}\r\n0\r\n\r\n",
		"a_chunk_without_its_end":            inChunks + "2\r\n{}0\r\n\r\n",
		"a_chunk_that_ends_in_a_bare_LF":     inChunks + "2\r\n{}\n0\r\n\r\n",
		"a_forbidden_trailer":                inChunks + "2\r\n{}\r\n0\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n",
		"a_last_chunk_that_ends_in_LF":       inChunks + "2\r\n{}\r\n0\r\n\n",
		"LF_after_the_last_chunk_s_size":     inChunks + "2\r\n{}\r\n0\n\r\n",
		"a_trailer_that_ends_in_a_bare_LF":   inChunks + "2\r\n{}\r\n0\r\nX: a\n\r\n",
		"trailers_that_end_in_a_bare_LF":     inChunks + "2\r\n{}\r\n0\r\nX: a\r\n\n",
		"a_folded_trailer":                   inChunks + "2\r\n{}\r\n0\r\nX: a\r\n b\r\n\r\n",
		"a_first_trailer_that_is_folded":     inChunks + "2\r\n{}\r\n0\r\n X: a\r\n\r\n",
		"a_space_before_a_trailer_s_colon":   inChunks + "2\r\n{}\r\n0\r\nX : a\r\n\r\n",
		"a_tab_before_a_trailer_s_colon":     inChunks + "2\r\n{}\r\n0\r\nX\t: a\r\n\r\n",
		"a_trailer_without_a_colon":          inChunks + "2\r\n{}\r\n0\r\nX\r\n\r\n",
		"a_trailer_without_a_name":           inChunks + "2\r\n{}\r\n0\r\n: a\r\n\r\n",
		"a_NUL_in_a_trailer":                 inChunks + "2\r\n{}\r\n0\r\nX: a\x00b\r\n\r\n",
		"a_bare_CR_in_a_trailer":             inChunks + "2\r\n{}\r\n0\r\nX: a\rb\r\n\r\n",
		"a_NUL_in_a_chunk_s_extension":       inChunks + "2;a\x00b\r\n{}\r\n0\r\n\r\n",
		"an_escape_in_a_chunk_s_extension":   inChunks + "2;a=\x1b\r\n{}\r\n0\r\n\r\n",
		"DEL_in_the_last_chunk_s_extension":  inChunks + "2\r\n{}\r\n0;\x7f\r\n\r\n",
		"a_bare_CR_in_a_chunk_s_extension":   inChunks + "2;a\rb\r\n{}\r\n0\r\n\r\n",
		"a_space_after_a_chunk_s_size":       inChunks + "2 \r\n{}\r\n0\r\n\r\n",
		"a_space_before_a_chunk_s_size":      inChunks + " 2\r\n{}\r\n0\r\n\r\n",
		"a_chunk_s_extension_without_end":    inChunks + "2;" + strings.Repeat("a", 1<<20) + "\r\n{}\r\n0\r\n\r\n",
		"a_chunk_s_extension_without_name":   inChunks + "2;=b\r\n{}\r\n0\r\n\r\n",
		"an_empty_chunk_s_extension":         inChunks + "2;\r\n{}\r\n0\r\n\r\n",
		"an_empty_extension_at_the_end":      inChunks + "2\r\n{}\r\n0;\r\n\r\n",
		"an_extension_and_an_empty_one":      inChunks + "2;a;\r\n{}\r\n0\r\n\r\n",
		"an_extension_without_its_value":     inChunks + "2;a=\r\n{}\r\n0\r\n\r\n",
		"an_extension_s_quote_left_open":     inChunks + "2;a=\"b\r\n{}\r\n0\r\n\r\n",
		"an_extension_s_quote_quoted":        inChunks + "2;a=\"b\\\"\r\n{}\r\n0\r\n\r\n",
		"an_extension_behind_a_quote":        inChunks + "2;a=\"b\"c\r\n{}\r\n0\r\n\r\n",
		"an_extension_of_two_words":          inChunks + "2;a b\r\n{}\r\n0\r\n\r\n",
		"a_space_behind_an_extension":        inChunks + "2;a \r\n{}\r\n0\r\n\r\n",
		"an_extension_of_20_kB":              inChunks + "2;a=" + strings.Repeat("b", 20_000) + "\r\n{}\r\n0\r\n\r\n",
		"an_extension_of_2_kB":               inChunks + "2;a=" + strings.Repeat("b", 2_000) + "\r\n{}\r\n0\r\n\r\n",
		"a_last_extension_of_20_kB":          inChunks + "2\r\n{}\r\n0;a=" + strings.Repeat("b", 20_000) + "\r\n\r\n",
		"a_bare_LF_before_the_request_line":  "\n" + post + "LINES" + "Content-Length: 2\r\n\r\n{}",
		"LF_behind_an_empty_line":            "\r\n\n" + post + "LINES" + "Content-Length: 2\r\n\r\n{}",
		"a_bare_LF_behind_the_request_line":  "POST /api/v1/events HTTP/1.1\n" + "LINES" + "Content-Length: 2\r\n\r\n{}",
		"a_head_that_ends_in_a_bare_LF":      post + "LINES" + "Content-Length: 2\r\n\n{}",
		"a_header_s_name_in_parentheses":     post + "LINES" + "X(a): b\r\nContent-Length: 2\r\n\r\n{}",
		"a_user_in_the_host":                 post + strings.Replace("LINES", "LINES", "Host: ada@"+host+"\r\n"+lines[strings.Index(lines, "Authorization"):], 1) + "Content-Length: 2\r\n\r\n{}",
		"two_users_in_the_host":              "GET /login HTTP/1.1\r\nHost: a:b@c@" + host + "\r\n\r\n",
		"a_path_in_the_host":                 "GET /login HTTP/1.1\r\nHost: " + host + "/a\r\n\r\n",
		"a_list_of_hosts":                    "GET /login HTTP/1.1\r\nHost: " + host + ", " + host + "\r\n\r\n",
	} {
		request := strings.Replace(request, "LINES", lines, 1) + behind
		t.Run(name, func(t *testing.T) {
			if status, body, ends := raw(t, host, request); status != http.StatusBadRequest || !ends {
				t.Errorf("status %d, closes: %t; want 400 and the end: %s", status, ends, body)
			}
		})
		t.Run(name+"_behind_another_request", func(t *testing.T) { wantSecondRefused(t, host, request) })
		t.Run(name+"_byte_by_byte", func(t *testing.T) {
			if len(request) < 4<<10 {
				wantPiecesRefused(t, host, request)
			}
		})
	}
	for name, request := range map[string]string{
		"chunks":                           inChunks + "2\r\n{}\r\n0\r\n\r\n",
		"chunks_with_extensions":           inChunks + "2;a=b\r\n{}\r\n0;c\r\n\r\n",
		"chunks_with_trailers":             inChunks + "2\r\n{}\r\n0\r\nX: a\r\nX-B:\tb \r\n\r\n",
		"chunks_with_quoted_extensions":    inChunks + "02;a=\"b; c\"\r\n{}\r\n000\r\n\r\n",
		"chunks_with_blanks_in_extensions": inChunks + "2;\ta = b ; c=\"\\\"\"\r\n{}\r\n0; d\r\n\r\n",
		"empty_lines_before":               "\r\n\r\n" + inChunks + "2\r\n{}\r\n0\r\n\r\n",
		"chunks_in_capitals":               post + "LINES" + "Transfer-Encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"a_length":                         post + "LINES" + "Content-Length: 2\r\n\r\n{}",
		"an_absolute_target_of_this_host":  strings.Replace(post, "/", "http://"+strings.ToUpper(host)+"/", 1) + "LINES" + "Content-Length: 2\r\n\r\n{}",
	} {
		t.Run("and_"+name+"_are_not", func(t *testing.T) {
			if status, body, ends := raw(t, host, strings.Replace(request, "LINES", lines, 1)); status != http.StatusUnprocessableEntity || ends {
				t.Errorf("status %d, closes: %t; want 422: %s", status, ends, body)
			}
		})
	}
}

// exchange sends pieces, each by itself, and reads answers until the server
// closes the connection.
func exchange(t *testing.T, host string, pieces ...string) (statuses []int) {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	go func() {
		for _, piece := range pieces {
			if _, err := io.WriteString(conn, piece); err != nil {
				return // the server closed the connection, which is for it to do
			}
		}
	}()
	for reader := bufio.NewReader(conn); ; {
		response, err := http.ReadResponse(reader, nil)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
			return statuses
		}
		must(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		must(t, err)
		statuses = append(statuses, response.StatusCode)
	}
}

// wantSecondRefused sends a right request before the other, along with it and
// on its own.
func wantSecondRefused(t *testing.T, host, request string) {
	t.Helper()
	first := "GET /healthz HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
	if got := exchange(t, host, first+request); !slices.Equal(got, []int{http.StatusOK, http.StatusBadRequest}) {
		t.Errorf("statuses %v; want 200 and 400", got)
	}
	withBody := "POST /healthz HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 5\r\n\r\nhello"
	if got := exchange(t, host, withBody+request); !slices.Equal(got, []int{http.StatusMethodNotAllowed, http.StatusBadRequest}) {
		t.Errorf("statuses %v; want 405 and 400", got)
	}
	conn, err := net.Dial("tcp", host)
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	reader := bufio.NewReader(conn)
	for i, want := range []int{http.StatusOK, http.StatusBadRequest} {
		_, err = io.WriteString(conn, []string{first, request}[i])
		must(t, err)
		response, err := http.ReadResponse(reader, nil)
		must(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		must(t, err)
		if response.StatusCode != want || response.Close != (want == http.StatusBadRequest) {
			t.Errorf("of a kept connection: status %d, closes: %t; want %d", response.StatusCode, response.Close, want)
		}
	}
}

func wantPiecesRefused(t *testing.T, host, request string) {
	t.Helper()
	if got := exchange(t, host, strings.Split(request, "")...); !slices.Equal(got, []int{http.StatusBadRequest}) {
		t.Errorf("statuses %v; want 400 alone", got)
	}
}

// A report whose body ends unclearly was not made, however right its JSON is.
func TestReports_framed_unclearly_at_their_end_are_not_accepted(t *testing.T) {
	f := newAPIFixture(t)
	host := strings.TrimPrefix(f.Base, "http://")
	body := apitest.Report(t, "org.created")
	head := "POST /api/v1/events HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + f.Key + "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, end := range []string{"0\r\n\n", "0\n\r\n", "0;\x00\r\n\r\n", "0\r\nX: a\n\r\n", "0\r\nX : a\r\n\r\n", "0\r\nX: a\r\n b\r\n\r\n", "0\r\nX: a\r\n\n"} {
		if status, answer, ends := raw(t, host, head+fmt.Sprintf("%x\r\n%s\r\n", len(body), body)+end); status != http.StatusBadRequest || !ends {
			t.Errorf("%q: status %d, closes: %t; want 400 and the end: %s", end, status, ends, answer)
		}
	}
	var events int
	must(t, f.Database.QueryRow(`SELECT count(*) FROM events`).Scan(&events))
	if events != 0 {
		t.Errorf("%d events were accepted", events)
	}
}

// What stands behind the chunks of a body was sent by the client, whatever a
// proxy between says in the head.
func TestTrailers_are_no_headers(t *testing.T) {
	f := newAPIFixture(t)
	host := strings.TrimPrefix(f.Base, "http://")
	body := apitest.Report(t, "org.created")
	send := func(t *testing.T, head, trailers string) (int, string) {
		t.Helper()
		status, answer, _ := raw(t, host, "POST /api/v1/events HTTP/1.1\r\nHost: "+host+"\r\nAuthorization: Bearer "+f.Key+
			"\r\nContent-Type: application/json\r\n"+head+"Transfer-Encoding: chunked\r\n\r\n"+
			fmt.Sprintf("%x\r\n%s\r\n0\r\n%s\r\n", len(body), body, trailers))
		return status, answer
	}
	t.Run("that_could_be_mistaken_for_ours_are_400", func(t *testing.T) {
		for _, name := range []string{"X-Forwarded-For", "x-forwarded-host", "X-Real-IP", "X_Forwarded_For", "x_forwarded-proto", "X-Forwarded_Host", "X_Real_IP", "Forwarded", "True_Client_IP", "CF-Connecting-IP", "X-Original-Forwarded-For", "Via", "Host", "Cookie", "Authorization", "Content-Type", "Content-Encoding",
			"Content-Length", "Transfer-Encoding", "Connection", "Expect", "Proxy-Authorization"} {
			if status, answer := send(t, "", name+": 1\r\n"); status != http.StatusBadRequest {
				t.Errorf("%s: status %d: %s", name, status, answer)
			}
		}
	})
	t.Run("that_are_taken_are_not_read", func(t *testing.T) {
		for _, announced := range []string{"", "Trailer: Idempotency-Key\r\n"} {
			ids := map[string]bool{}
			for range 2 {
				status, answer := send(t, announced, "Idempotency-Key: chosen\r\nX-Client: 6.6.6.6\r\n")
				if status != http.StatusAccepted {
					t.Fatalf("status %d: %s", status, answer)
				}
				ids[answer] = true
			}
			if len(ids) != 2 {
				t.Error("the trailer was taken for the header Idempotency-Key")
			}
		}
	})
	t.Run("leave_headers_of_their_name_alone", func(t *testing.T) {
		head := "Idempotency-Key: of the head\r\n"
		_, first := send(t, head, "Idempotency-Key: 1\r\n")
		status, second := send(t, head, "Idempotency-Key: 2\r\nUser-Agent: x\r\n")
		if status != http.StatusAccepted || first != second {
			t.Errorf("status %d: %s, then %s", status, first, second)
		}
	})
	t.Run("have_no_part_in_an_address", func(t *testing.T) {
		s := newSite(t, func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
		b, org := s.member(t, "Acme", models.RoleOwner)
		form := url.Values{"_csrf": {b.token(t)}, "name": {"k"}, "scopes": {"read"}}.Encode()
		request := b.request(t, http.MethodPost, "/o/"+org.Slug+"/keys", nil)
		head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Forwarded-For: 198.51.100.7\r\n", request.URL.Path, s.BaseURL.Host, b.cookies(t))
		for trailer, want := range map[string]int{"X-Forwarded-For: 6.6.6.6": http.StatusBadRequest, "Forwarded: for=6.6.6.6": http.StatusBadRequest, "X-Client: 6.6.6.6": http.StatusCreated} {
			status, _, _ := raw(t, s.BaseURL.Host, head+fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n%s\r\n\r\n", len(form), form, trailer))
			if status != want {
				t.Errorf("%s: status %d, want %d", trailer, status, want)
			}
		}
		var addresses string
		must(t, s.db.QueryRow(`SELECT group_concat(remote_address) FROM audit_entries WHERE action = 'key.created'`).Scan(&addresses))
		if addresses != "198.51.100.7" {
			t.Errorf("the audit rows say %s", addresses)
		}
	})
}

// cookies is the browser's Cookie header.
func (b *browser) cookies(t *testing.T) string {
	t.Helper()
	address, err := url.Parse(b.site.url)
	must(t, err)
	var pairs []string
	for _, cookie := range b.client.Jar.Cookies(address) {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(pairs, "; ")
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
