package webhook

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
)

func TestCheckHeader(t *testing.T) {
	for name, header := range map[string]Header{
		"authorization":         {"Authorization", "Bearer abc.def"},
		"lower_case":            {"x-tenant", "7"},
		"longest_value":         {"X-Long", strings.Repeat("v", 1024)},
		"like_ours_but_another": {"X-Webhook-Token", "abc"},
		"text_beyond_ASCII":     {"X-Name", "Zoë"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := CheckHeader(header.Name, header.Value); err != nil {
				t.Error(err)
			}
		})
	}
	const value = "s3cret-value"
	for name, header := range map[string]Header{
		"no_name":              {"", value},
		"space_in_name":        {"X Y", value},
		"colon_in_name":        {"X:Y", value},
		"line_break_in_name":   {"X\r\nHost", value},
		"name_beyond_ASCII":    {"X-Ü", value},
		"long_name":            {strings.Repeat("x", 129), value},
		"no_value":             {"X-A", ""},
		"long_value":           {"X-A", strings.Repeat("v", 1025)},
		"CRLF_in_value":        {"X-A", value + "\r\nHost: evil"},
		"LF_in_value":          {"X-A", value + "\nx"},
		"NUL_in_value":         {"X-A", value + "\x00"},
		"space_around_value":   {"X-A", " " + value},
		"host":                 {"Host", value},
		"content_length":       {"content-length", value},
		"signature":            {"Webhook-Signature", value},
		"any_of_the_standard":  {"webhook-new", value},
		"our_signature":        {"X-WEBHOOK-SIGNATURE", value},
		"our_test_mark":        {"x-webhook-test", value},
		"cookie":               {"Cookie", value},
		"hop_by_hop":           {"Connection", value},
		"transfer_encoding":    {"Transfer-Encoding", value},
		"proxy_authorization":  {"Proxy-Authorization", value},
		"user_agent":           {"User-Agent", value},
		"net/http_would_retry": {"Idempotency-Key", value},
	} {
		t.Run(name+"_is_refused", func(t *testing.T) {
			err := CheckHeader(header.Name, header.Value)
			if err == nil {
				t.Fatal("accepted")
			}
			if strings.Contains(err.Error(), value) || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("the error shows the value: %q", err)
			}
		})
	}
}

// Whatever reaches the writer, nothing ends a line or adds a header.
func TestMessage_control_characters_end_no_line(t *testing.T) {
	to, err := parseTarget("https://example.com/hook?a=b")
	if err != nil {
		t.Fatal(err)
	}
	m := Message{EventID: "evt_1\r\nX-Evil: 1", EventType: "a\nb", DeliveryID: "dlv\x00\x7f\t1",
		Headers: []Header{{"X-Own", "v\r\nX-Evil: 2"}}, Body: []byte("{}")}
	out, _ := m.appendHead(nil, to, vectorTime)
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(out) + "{}")))
	if err != nil {
		t.Fatalf("the head can't be read: %v\n%s", err, out)
	}
	for name, want := range map[string]string{"X-Evil": "", "X-Own": "", "Webhook-Id": "evt_1  X-Evil: 1", "X-Webhook-Event": "a b", "X-Webhook-Delivery-Id": "dlv  \t1"} {
		if got := request.Header.Get(name); got != want {
			t.Errorf("%s arrives as %q; want %q", name, got, want)
		}
	}
	if request.Host != "example.com" || request.RequestURI != "/hook?a=b" || request.ContentLength != 2 {
		t.Errorf("the request is for %s%s with %d bytes", request.Host, request.RequestURI, request.ContentLength)
	}
}
