package webhook

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serving is a raw receiver, with and without TLS.
type serving struct {
	url         string
	trusted     *tls.Certificate // nil without TLS
	connections atomic.Int32
	requests    atomic.Int32
}

func (r *serving) sender(t testing.TB) *Sender {
	if r.trusted == nil {
		return newTestSender(t, nil)
	}
	return newTestSender(t, r.trusted.Leaf)
}

// serve starts a receiver that reads requests, and calls answer for each with its
// number on the connection, from 0. It hangs up once answer reports false.
func serve(t testing.TB, secure bool, answer func(conn net.Conn, plain *net.TCPConn, nth int) bool) *serving {
	t.Helper()
	r := &serving{}
	config := &tls.Config{}
	if secure {
		made := certificate(t, "127.0.0.1", time.Now().Add(time.Hour))
		r.trusted, config.Certificates = &made, []tls.Certificate{made}
	}
	r.url = listen(t, func(plain net.Conn) {
		r.connections.Add(1)
		conn := plain
		if secure {
			conn = tls.Server(plain, config)
		}
		in := bufio.NewReader(conn)
		for nth := 0; ; nth++ {
			if _, err := readRequest(in); err != nil {
				return
			}
			r.requests.Add(1)
			if !answer(conn, plain.(*net.TCPConn), nth) {
				return
			}
		}
	})
	if secure {
		r.url = secured(r.url)
	}
	return r
}

// protocols runs a test over plain HTTP and over TLS.
func protocols(t *testing.T, run func(t *testing.T, secure bool)) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) { run(t, secure) })
	}
}

// hostile is what a receiver says, and what is made of it.
type hostile struct {
	said   string
	ends   bool // the receiver hangs up behind it
	status int
	cause  Cause // of no status, or of one that is no success
	body   string
	cut    bool // the body is noted as cut short
	kept   bool // the connection carries the next request
}

const (
	ok       = "HTTP/1.1 200 OK\r\n"
	smuggled = "HTTP/1.1 299 Smuggled\r\nContent-Length: 0\r\n\r\n"
)

// hostileResponses are the cases, which the differential test and the fuzzing
// begin with too.
func hostileResponses() map[string]hostile {
	long := strings.Repeat("a", 70<<10)
	padding := func(n int) string { return strings.Repeat("X-Padding: padding\r\n", n) }
	return map[string]hostile{
		"no_content":       {said: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, kept: true},
		"empty":            {said: ok + "Content-Length: 0\r\n\r\n", status: 200, kept: true},
		"length":           {said: ok + "Content-Length: 3\r\n\r\nabc", status: 200, body: "abc", kept: true},
		"without_reason":   {said: "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", status: 200, body: "abc", kept: true},
		"empty_reason":     {said: "HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nabc", status: 200, body: "abc", kept: true},
		"to_the_end":       {said: ok + "\r\nabc", ends: true, status: 200, body: "abc"},
		"closes":           {said: ok + "Content-Length: 3\r\nConnection: close\r\n\r\nabc", status: 200, body: "abc"},
		"closes_in_a_list": {said: ok + "Content-Length: 3\r\nConnection: keep-alive, Close\r\n\r\nabc", status: 200, body: "abc"},
		"failure_is_kept":  {said: "HTTP/1.1 503 Busy\r\nContent-Length: 3\r\n\r\nabc", status: 503, cause: CauseStatus, body: "abc", kept: true},

		"chunks":                   {said: ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", status: 200, body: "abcde", kept: true},
		"chunks_in_capitals":       {said: ok + "transfer-encoding: CHUNKED\r\n\r\n3\r\nabc\r\n0\r\n\r\n", status: 200, body: "abc", kept: true},
		"chunk_extensions":         {said: ok + "Transfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0;c\r\n\r\n", status: 200, body: "abc", kept: true},
		"chunk_extension_too_long": {said: ok + "Transfer-Encoding: chunked\r\n\r\n3;" + long + "\r\nabc\r\n0\r\n\r\n", status: 200, cut: true},
		"trailers":                 {said: ok + "Transfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n3\r\nabc\r\n0\r\nX-A: b\r\nX-B: c\r\n\r\n", status: 200, body: "abc", kept: true},
		"trailers_too_long":        {said: ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-A: " + long + "\r\n\r\n", status: 200, body: "abc", cut: true},
		"trailer_with_NUL":         {said: ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-A: \x00\r\n\r\n", status: 200, body: "abc", cut: true},
		"trailer_without_colon":    {said: ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nabc\r\n\r\n", status: 200, body: "abc", cut: true},
		"chunk_of_a_huge_size":     {said: ok + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc", status: 200, cut: true},
		"chunk_of_a_large_size":    {said: ok + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nabc", ends: true, status: 200, body: "abc", cut: true},
		"chunk_of_a_negative_size": {said: ok + "Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n", status: 200, cut: true},
		"chunk_with_0x":            {said: ok + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", status: 200, cut: true},
		"chunk_longer_than_said":   {said: ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", status: 200, body: "abc", cut: true},
		"chunk_with_a_line_feed":   {said: ok + "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", status: 200, cut: true},
		"chunks_without_an_end":    {said: ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", ends: true, status: 200, body: "abc", cut: true},

		"smuggled_behind_a_length":            {said: ok + "Content-Length: 3\r\n\r\nabc" + smuggled, status: 200, body: "abc"},
		"smuggled_behind_chunks":              {said: ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + smuggled, status: 200, body: "abc"},
		"smuggled_behind_204":                 {said: "HTTP/1.1 204 No Content\r\n\r\n" + smuggled, status: 204},
		"smuggled_as_body_of_204":             {said: "HTTP/1.1 204 No Content\r\nContent-Length: 46\r\n\r\n" + smuggled, status: 204},
		"smuggled_as_body_of_304":             {said: "HTTP/1.1 304 Not Modified\r\nContent-Length: 46\r\n\r\n" + smuggled, status: 304, cause: CauseStatus},
		"smuggled_behind_chunks_and_a_length": {said: ok + "Content-Length: 13\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + smuggled, status: 200, body: "abc"},
		"garbage_behind_a_length":             {said: ok + "Content-Length: 3\r\n\r\nabcdef", status: 200, body: "abc"},
		"chunks_and_a_length":                 {said: ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n", status: 200, body: "abcd"},

		"length_at_204":        {said: "HTTP/1.1 204 No Content\r\nContent-Length: 46\r\n\r\n", status: 204},
		"length_of_0_at_204":   {said: "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", status: 204, kept: true},
		"chunked_204":          {said: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", status: 204},
		"length_at_205":        {said: "HTTP/1.1 205 Reset Content\r\nContent-Length: 3\r\n\r\nabc", status: 205, body: "abc"},
		"length_of_0_at_205":   {said: "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", status: 205, kept: true},
		"chunked_205":          {said: "HTTP/1.1 205 Reset Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", status: 205},
		"205_without_a_length": {said: "HTTP/1.1 205 Reset Content\r\n\r\n", ends: true, status: 205},
		"length_at_304":        {said: "HTTP/1.1 304 Not Modified\r\nContent-Length: 46\r\n\r\n", status: 304, cause: CauseStatus},
		"chunked_304":          {said: "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", status: 304, cause: CauseStatus},
		"304":                  {said: "HTTP/1.1 304 Not Modified\r\n\r\n", status: 304, cause: CauseStatus, kept: true},
		"length_at_103":        {said: "HTTP/1.1 103 Early Hints\r\nContent-Length: 46\r\n\r\n" + smuggled, status: 299},
		"chunked_100":          {said: "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled, status: 299},
		"closing_100":          {said: "HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n" + smuggled, status: 299},
		"line_feeds_in_a_100":  {said: "HTTP/1.1 100 Continue\n\n" + smuggled, status: 299},
		"length_of_0_at_a_103": {said: "HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\n" + smuggled, status: 299, kept: true},

		"informational":             {said: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok + "Content-Length: 3\r\n\r\nabc", status: 200, body: "abc", kept: true},
		"informational_flood":       {said: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 10_000), cause: CauseResponseTooLarge},
		"informational_and_no_more": {said: "HTTP/1.1 100 Continue\r\n\r\n", ends: true, cause: CauseReset},
		"informational_with_a_body": {said: "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello" + ok + "\r\n", cause: CauseProtocol},
		"switching":                 {said: "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", status: 101, cause: CauseStatus},
		"switching_and_going_on":    {said: "HTTP/1.1 101 Switching Protocols\r\n\r\n" + smuggled, status: 101, cause: CauseStatus},

		"HTTP/1.0":            {said: "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", status: 200, body: "abc"},
		"HTTP/1.0_keep-alive": {said: "HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: Keep-Alive\r\n\r\nabc", status: 200, body: "abc", kept: true},
		"HTTP/1.0_chunks":     {said: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", ends: true, status: 200, body: "3\r\nabc\r\n0\r\n\r\n"},
		"HTTP/2.0":            {said: "HTTP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", status: 200, body: "abc"},

		"line_feeds":            {said: "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", status: 200, body: "abc"},
		"one_line_feed":         {said: ok + "X-A: b\nContent-Length: 3\r\n\r\nabc", status: 200, body: "abc"},
		"carriage_return":       {said: ok + "X-A: b\rX-B: c\r\n\r\n", cause: CauseProtocol},
		"folded":                {said: ok + "X-A: b\r\n  c\r\n\td\r\nContent-Length: 3\r\n\r\nabc", status: 200, body: "abc"},
		"folded_length":         {said: ok + "Content-Length:\r\n 3\r\n\r\nabc", status: 200, body: "abc"},
		"folded_from_the_start": {said: ok + " X-A: b\r\n\r\n", cause: CauseProtocol},
		"space_before_colon":    {said: ok + "X-A : b\r\nContent-Length: 3\r\n\r\nabc", status: 200, body: "abc"},
		"length_before_space":   {said: ok + "Content-Length : 3\r\n\r\nabc", ends: true, status: 200, body: "abc"},
		"no_name":               {said: ok + ": b\r\n\r\n", cause: CauseProtocol},
		"no_colon":              {said: ok + "X-A\r\n\r\n", cause: CauseProtocol},
		"NUL_in_a_value":        {said: ok + "X-A: b\x00c\r\n\r\n", cause: CauseProtocol},
		"NUL_in_a_name":         {said: ok + "X-\x00A: b\r\n\r\n", cause: CauseProtocol},
		"DEL_in_a_value":        {said: ok + "X-A: b\x7f\r\n\r\n", cause: CauseProtocol},
		"ESC_folded":            {said: ok + "X-A: b\r\n \x1b[31m\r\n\r\n", cause: CauseProtocol},

		"length_negative":     {said: ok + "Content-Length: -1\r\n\r\n", cause: CauseProtocol},
		"length_with_a_plus":  {said: ok + "Content-Length: +3\r\n\r\nabc", cause: CauseProtocol},
		"length_in_hex":       {said: ok + "Content-Length: 0x3\r\n\r\nabc", cause: CauseProtocol},
		"length_empty":        {said: ok + "Content-Length: \r\n\r\n", cause: CauseProtocol},
		"length_over_2^63":    {said: ok + "Content-Length: 9223372036854775808\r\n\r\n", cause: CauseProtocol},
		"length_of_2^63-1":    {said: ok + "Content-Length: 9223372036854775807\r\n\r\nabc", ends: true, status: 200, body: "abc", cut: true},
		"length_twice":        {said: ok + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", status: 200, body: "abc"},
		"length_in_a_list":    {said: ok + "Content-Length: 3, 3\r\n\r\nabc", cause: CauseProtocol},
		"lengths_that_differ": {said: ok + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", cause: CauseProtocol},
		"length_wrong_at_204": {said: "HTTP/1.1 204 No Content\r\nContent-Length: x\r\n\r\n", cause: CauseProtocol},

		"coding_gzip":         {said: ok + "Transfer-Encoding: gzip\r\n\r\nabc", cause: CauseProtocol},
		"coding_gzip_chunked": {said: ok + "Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", cause: CauseProtocol},
		"coding_identity":     {said: ok + "Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc", cause: CauseProtocol},
		"coding_xchunked":     {said: ok + "Transfer-Encoding: xchunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", cause: CauseProtocol},
		"coding_twice":        {said: ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", cause: CauseProtocol},

		"status_of_two_digits":  {said: "HTTP/1.1 20 OK\r\n\r\n", cause: CauseProtocol},
		"status_of_four_digits": {said: "HTTP/1.1 2000 OK\r\n\r\n", cause: CauseProtocol},
		"status_with_a_sign":    {said: "HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n", cause: CauseProtocol},
		"status_below_100":      {said: "HTTP/1.1 020 OK\r\nContent-Length: 0\r\n\r\n", cause: CauseProtocol},
		"no_status":             {said: "HTTP/1.1\r\n\r\n", cause: CauseProtocol},
		"version_without_a_dot": {said: "HTTP/11 200 OK\r\n\r\n", cause: CauseProtocol},
		"version_in_small":      {said: "http/1.1 200 OK\r\n\r\n", cause: CauseProtocol},
		"version_of_two_digits": {said: "HTTP/1.10 200 OK\r\n\r\n", cause: CauseProtocol},
		"another_protocol":      {said: "ICY 200 OK\r\n\r\n", cause: CauseProtocol},
		"blank_line_first":      {said: "\r\n" + ok + "\r\n", cause: CauseProtocol},

		"headers_under_the_limit": {said: ok + padding(3_000) + "Content-Length: 3\r\n\r\nabc", status: 200, body: "abc", kept: true},
		"headers_over_the_limit":  {said: ok + padding(4_000) + "Content-Length: 3\r\n\r\nabc", cause: CauseResponseTooLarge},
		"a_header_over_the_limit": {said: ok + "X-A: " + long + "\r\nContent-Length: 3\r\n\r\nabc", cause: CauseResponseTooLarge},
		"a_status_over_the_limit": {said: "HTTP/1.1 200 " + long + "\r\n\r\n", cause: CauseResponseTooLarge},
		"folded_over_the_limit":   {said: ok + "X-A: b\r\n" + strings.Repeat(" c\r\n", 20_000) + "\r\n", cause: CauseResponseTooLarge},
	}
}

func TestSender_reads_hostile_responses(t *testing.T) {
	protocols(t, func(t *testing.T, secure bool) {
		for name, test := range hostileResponses() {
			t.Run(name, func(t *testing.T) {
				r := serve(t, secure, func(conn net.Conn, _ *net.TCPConn, _ int) bool {
					io.WriteString(conn, test.said)
					return !test.ends
				})
				s := r.sender(t)
				for range 2 { // on a new connection, and on one that is kept or isn't
					m := messageTo(t, r.url)
					exchange := s.Send(t.Context(), m)
					if exchange.StatusCode != test.status || exchange.Cause != test.cause || string(exchange.ResponseBody) != test.body || (exchange.Note != "") != test.cut {
						t.Errorf("Send() got %d %q, body %q, note %q; want %d %q, %q, cut %v", exchange.StatusCode, exchange.Cause, exchange.ResponseBody, exchange.Note, test.status, test.cause, test.body, test.cut)
					}
					if exchange.Requests != 1 {
						t.Errorf("Send() began %d requests; want 1", exchange.Requests)
					}
				}
				want := int32(2)
				if test.kept {
					want = 1
				}
				if connections, requests := r.connections.Load(), r.requests.Load(); connections != want || requests != 2 {
					t.Errorf("%d connections and %d requests came; want %d and 2", connections, requests, want)
				}
			})
		}
	})
}

// What a response has is on record as it came.
func TestSender_records_headers_as_they_came(t *testing.T) {
	url := rawReceiver(t, ok+"x-b: 1\r\nX-A: a\r\n b\r\nX-B: 2\r\nX C: d\r\nContent-Length: 0\r\n\r\n", stay)
	exchange := newTestSender(t, nil).Send(t.Context(), messageTo(t, url))
	var got []string
	for _, h := range exchange.ResponseHeaders {
		got = append(got, h.Name+"="+h.Value)
	}
	if want := "Content-Length=0 X C=d X-A=a b X-B=1 X-B=2"; strings.Join(got, " ") != want {
		t.Errorf("recorded %q; want %q", strings.Join(got, " "), want)
	}
}
