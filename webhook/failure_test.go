package webhook

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// brief is the timeout of exchanges that are meant to run into it.
const brief = 150 * time.Millisecond

func TestSender_failures_without_a_status(t *testing.T) {
	names := startNameServer(t, map[string]string{"private.test": "10.1.2.3", "public.test": "1.1.1.1", "mixed.test": "127.0.0.1 10.1.2.3"})
	closed := httptestAddress(t)
	manyHeaders := "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Padding: padding\r\n", 10_000) + "\r\n"
	slow := func(conn net.Conn) {
		for range time.Tick(brief / 10) {
			if _, err := io.WriteString(conn, "x"); err != nil {
				return
			}
		}
	}
	cases := map[string]struct {
		url   string
		cause Cause
		said  string
	}{
		"NXDOMAIN":                     {"https://nowhere.test/", CauseDNS, "The name does not resolve."},
		"SERVFAIL":                     {"https://servfail.test/", CauseDNS, "The name servers failed to answer."},
		"DNS_that_hangs":               {"https://hang.test/", CauseDNS, "The name servers did not answer in time."},
		"refused":                      {"http://" + closed, CauseRefused, "The receiver refused the connection."},
		"connect_that_hangs":           {"http://" + deafAddress(t), CauseTimeout, "The receiver did not take the connection within 0.15 s."},
		"TLS_handshake_that_hangs":     {secured(listen(t, stay)), CauseTimeout, "The receiver did not finish the TLS handshake within 0.15 s."},
		"TLS_handshake_cut":            {secured(listen(t, cut)), CauseTLS, "The TLS handshake failed. TLS 1.2 or later is needed."},
		"reset_before_the_headers":     {rawReceiver(t, "", reset), CauseReset, "The receiver closed the connection before it answered."},
		"closed_before_the_headers":    {rawReceiver(t, "", leave), CauseReset, "The receiver closed the connection before it answered."},
		"closed_within_the_headers":    {rawReceiver(t, "HTTP/1.1 200 OK\r\nX-", leave), CauseProtocol, "The receiver did not answer with valid HTTP."},
		"no_answer":                    {rawReceiver(t, "", stay), CauseTimeout, "The receiver did not answer within 0.15 s."},
		"headers_byte_by_byte":         {rawReceiver(t, "HTTP/1.1 200 OK\r\nX-Slow: ", slow), CauseTimeout, "The receiver did not finish the headers of its response within 0.15 s."},
		"no_HTTP":                      {rawReceiver(t, "SSH-2.0-OpenSSH_9.6\r\n", stay), CauseProtocol, "The receiver did not answer with valid HTTP."},
		"garbage_Content-Length":       {rawReceiver(t, "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", stay), CauseProtocol, "The receiver did not answer with valid HTTP."},
		"10,000_headers":               {rawReceiver(t, manyHeaders, stay), CauseResponseTooLarge, "The response had more than 64 KiB of headers."},
		"endless_1xx":                  {rawReceiver(t, strings.Repeat("HTTP/1.1 103 Early Hints\r\nX-A: "+strings.Repeat("a", 999)+"\r\n\r\n", 200), stay), CauseResponseTooLarge, "The response had more than 64 KiB of headers."},
		"private_address":              {"https://private.test/", CauseBlocked, "The URL leads to an address that may not be called."},
		"one_of_two_addresses_private": {"https://mixed.test/", CauseBlocked, "The URL leads to an address that may not be called."},
		"http_to_a_public_address":     {"http://public.test/", CauseBlocked, string(faultHTTPS)},
		"literal_private_address":      {"https://192.168.7.8/", CauseBlocked, "The URL leads to an address that may not be called."},
		"plain_HTTP_at_an_https_URL":   {secured(receiver(t, func(http.ResponseWriter, *http.Request) {}).URL), CauseTLS, "The receiver does not speak TLS at this port."},
		"https_server_at_an_http_URL":  {rawReceiver(t, "\x15\x03\x01\x00\x02\x02\x46", leave), CauseProtocol, "The receiver did not answer with valid HTTP."},
	}
	s := senderWith(t, names.guard("127.0.0.0/8"), nil)
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			m := messageTo(t, test.url)
			if strings.Contains(name, "hang") || test.cause == CauseTimeout {
				m.Timeout = brief
			}
			exchange := s.Send(t.Context(), m)
			if exchange.Cause != test.cause || exchange.Error != test.said {
				t.Errorf("got %q: %s", exchange.Cause, exchange.Error)
			}
			if exchange.StatusCode != 0 || len(exchange.RequestHeaders) == 0 {
				t.Errorf("%+v", exchange)
			}
			if test.cause == CauseBlocked && strings.Contains(fmt.Sprintf("%+v", exchange), "10.1.2.3") {
				t.Errorf("the address is told: %+v", exchange)
			}
		})
	}
}

func secured(url string) string { return strings.Replace(url, "http://", "https://", 1) }

// httptestAddress is an address at which nothing listens any more.
func httptestAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestSender_headers_too_large_over_HTTP2(t *testing.T) {
	for n, want := range map[int]Cause{2_000: CauseResponseTooLarge, 10_000: CauseProtocol} {
		server := secureReceiver(t, func(w http.ResponseWriter, r *http.Request) {
			for i := range n {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("padding", n/2_000))
			}
		})
		exchange := newTestSender(t, server.Certificate()).Send(t.Context(), messageTo(t, server.URL))
		if exchange.Cause != want {
			t.Errorf("%d headers: %q: %s", n, exchange.Cause, exchange.Error)
		}
	}
}

func TestSender_reset_over_HTTP2(t *testing.T) {
	server := secureReceiver(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	exchange := newTestSender(t, server.Certificate()).Send(t.Context(), messageTo(t, server.URL))
	if exchange.Cause != CauseReset {
		t.Errorf("%q: %s", exchange.Cause, exchange.Error)
	}
}

func gzipped(t testing.TB, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(content)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestSender_body_never_changes_the_outcome(t *testing.T) {
	const stalled = "The body of the response did not end within the timeout."
	const cut = "The body of the response was cut short."
	const noGzip = "The body of the response is not the gzip that its headers announce."
	forever := func(chunk []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}
	}
	encoded := func(body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(body)
		}
	}
	endlessGzip := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		forever(gzipped(t, nil))(w, r)
	}
	raw := func(answer string, end func(net.Conn)) string { return rawReceiver(t, answer, end) }
	const head = "HTTP/1.1 200 OK\r\n"
	big, xs := strings.Repeat("x", maxResponseKept), strings.Repeat("x", maxResponseKept+1)
	cases := map[string]struct {
		url, body string
		truncated bool
		note      string
	}{
		"empty":                      {raw(head+"Content-Length: 0\r\n\r\n", stay), "", false, ""},
		"16_KiB":                     {raw(head+"Content-Length: 16384\r\n\r\n"+big, stay), big, false, ""},
		"one_byte_more":              {raw(head+"Content-Length: 16385\r\n\r\n"+xs, stay), big, true, ""},
		"stall":                      {raw(head+"Content-Length: 10\r\n\r\nabc", stay), "abc", false, stalled},
		"reset_within":               {raw(head+"Content-Length: 10\r\n\r\nabc", leave), "abc", false, cut},
		"too_long_a_Content-Length":  {raw(head+"Content-Length: 99\r\n\r\nabc", leave), "abc", false, cut},
		"too_short_a_Content-Length": {raw(head+"Content-Length: 3\r\n\r\nabcdef", stay), "abc", false, ""},
		"bad_chunk":                  {raw(head+"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", stay), "abc", false, cut},
		"NUL_and_invalid_UTF-8":      {raw(head+"Content-Length: 4\r\n\r\n\x00\xff<\xc3", stay), "\x00\xff<\xc3", false, ""},
		"script_is_kept_as_it_is":    {raw(head+"Content-Length: 17\r\n\r\n<script>x</script", stay), "<script>x</script", false, ""},
		"endless_chunks":             {receiver(t, forever([]byte(big))).URL, big, true, ""},
		"1_GB":                       {raw(head+"Content-Length: 1073741824\r\n\r\n"+strings.Repeat("x", 1<<20), stay), big, true, ""},
		"gzip":                       {receiver(t, encoded(gzipped(t, []byte("hello")))).URL, "hello", false, ""},
		"gzip_bomb":                  {receiver(t, encoded(gzipped(t, bytes.Repeat([]byte("x"), 64<<20)))).URL, big, true, ""},
		"endless_empty_gzip":         {receiver(t, endlessGzip).URL, "", true, ""},
		"no_gzip_at_all":             {receiver(t, encoded([]byte("hello, this is plain"))).URL, "", false, noGzip},
		"gzip_cut_short":             {receiver(t, encoded(gzipped(t, []byte("hello"))[:15])).URL, "hel", false, cut},
		"empty_gzip":                 {receiver(t, encoded(nil)).URL, "", false, ""},
	}
	s := newTestSender(t, nil)
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			m := messageTo(t, test.url)
			if test.note == stalled {
				m.Timeout = brief
			}
			exchange := s.Send(t.Context(), m)
			if exchange.Cause != "" {
				t.Errorf("%q: %s", exchange.Cause, exchange.Error)
			}
			if !strings.HasPrefix(string(exchange.ResponseBody), test.body) || len(exchange.ResponseBody) > maxResponseKept || exchange.Truncated != test.truncated || exchange.Note != test.note {
				t.Errorf("%d bytes %.20q, truncated %v, note %q", len(exchange.ResponseBody), exchange.ResponseBody, exchange.Truncated, exchange.Note)
			}
		})
	}
	t.Run("500_that_stalls_stays_a_status", func(t *testing.T) {
		m := messageTo(t, raw("HTTP/1.1 500 Oh\r\nContent-Length: 10\r\n\r\nabc", stay))
		m.Timeout = brief
		if exchange := s.Send(t.Context(), m); exchange.Cause != CauseStatus || exchange.Note != stalled {
			t.Errorf("%+v", exchange)
		}
	})
}

func TestSender_name_that_changes_between_check_and_dial_is_refused(t *testing.T) {
	server := receiver(t, func(http.ResponseWriter, *http.Request) { t.Error("reached") })
	names := startNameServer(t, map[string]string{"rebound.test": "1.1.1.1"})
	guard := names.guard()
	url := secured(strings.Replace(server.URL, "127.0.0.1", "rebound.test", 1))
	if _, fault := guard.CheckURL(t.Context(), url); fault != nil {
		t.Fatal(fault)
	}
	names.set("rebound.test", "127.0.0.1")
	if exchange := senderWith(t, guard, nil).Send(t.Context(), messageTo(t, url)); exchange.Cause != CauseBlocked {
		t.Errorf("%+v", exchange)
	}
}

func TestSender_kept_connection_is_no_way_round_the_guard(t *testing.T) {
	server := receiver(t, func(http.ResponseWriter, *http.Request) {})
	names := startNameServer(t, map[string]string{"inside.test": "127.0.0.1", "other.test": "10.1.2.3"})
	s := senderWith(t, names.guard("127.0.0.0/8"), nil)
	at := func(host string) Message { return messageTo(t, strings.Replace(server.URL, "127.0.0.1", host, 1)) }
	if exchange := s.Send(t.Context(), at("inside.test")); exchange.Cause != "" {
		t.Fatalf("%+v", exchange)
	}
	if exchange := s.Send(t.Context(), at("other.test")); exchange.Cause != CauseBlocked {
		t.Errorf("another name: %+v", exchange)
	}
	names.set("inside.test", "10.1.2.3")
	s.pool.drop()
	if exchange := s.Send(t.Context(), at("inside.test")); exchange.Cause != CauseBlocked {
		t.Errorf("the same name without its connection: %+v", exchange)
	}
}

func TestSender_tries_the_next_address(t *testing.T) {
	server := receiver(t, func(http.ResponseWriter, *http.Request) {})
	for name, addrs := range map[string]string{"after_a_refusal": "127.9.9.9 127.0.0.1", "with_both_families": "::1 127.0.0.1"} {
		t.Run(name, func(t *testing.T) {
			names := startNameServer(t, map[string]string{"two.test": addrs})
			s := senderWith(t, names.guard("127.0.0.0/8", "::1/128"), nil)
			exchange := s.Send(t.Context(), messageTo(t, strings.Replace(server.URL, "127.0.0.1", "two.test", 1)))
			if exchange.Cause != "" || exchange.Timings.DNS == 0 {
				t.Errorf("%+v", exchange)
			}
		})
	}
}
