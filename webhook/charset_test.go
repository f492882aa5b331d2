package webhook

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSender_records_text_as_UTF8(t *testing.T) {
	const umlauts = "Zugriff verweigert: Schlüssel ungültig"
	latin := strings.NewReplacer("ü", "\xfc").Replace(umlauts)
	cases := map[string]struct{ contentType, sent, want string }{
		"UTF-8":                        {"text/plain; charset=utf-8", umlauts, umlauts},
		"none_named":                   {"text/plain", umlauts, umlauts},
		"none_named_and_not_UTF-8":     {"text/plain", latin, latin},
		"ISO-8859-1":                   {"text/plain; charset=ISO-8859-1", latin, umlauts},
		"quoted":                       {`application/json; charset="iso-8859-1"`, latin, umlauts},
		"ISO-8859-15":                  {"text/plain; charset=iso-8859-15", "\xa4", "€"},
		"windows-1252":                 {"text/html;charset=windows-1252", "\x80 \x93x\x94", "€ “x”"},
		"windows-1251":                 {"text/plain; charset=windows-1251", "\xce\xf8\xe8\xe1\xea\xe0", "Ошибка"},
		"KOI8-R":                       {"text/plain; charset=koi8-r", "\xef\xdb\xc9\xc2\xcb\xc1", "Ошибка"},
		"Shift_JIS":                    {"text/plain; charset=Shift_JIS", "\x83G\x83\x89\x81[", "エラー"},
		"EUC-JP":                       {"text/plain; charset=euc-jp", "\xa5\xa8\xa5\xe9\xa1\xbc", "エラー"},
		"ISO-2022-JP":                  {"text/plain; charset=iso-2022-jp", "\x1b$B%(%i!<\x1b(B", "エラー"},
		"GBK":                          {"text/plain; charset=GBK", "\xb4\xed\xce\xf3", "错误"},
		"GB18030":                      {"text/plain; charset=gb18030", "\xb4\xed\xce\xf3", "错误"},
		"GBK_that_could_be_UTF-8":      {"text/plain; charset=GBK", "\xd2\xbb", "一"},
		"Big5":                         {"text/plain; charset=big5", "\xbf\xf9\xbb~", "錯誤"},
		"EUC-KR":                       {"text/plain; charset=euc-kr", "\xbf\xc0\xb7\xf9", "오류"},
		"UTF-16LE":                     {"text/plain; charset=utf-16le", "h\x00\xfc\x00", "hü"},
		"UTF-16_with_a_mark":           {"text/plain; charset=utf-16", "\xfe\xff\x00h\x00\xfc", "hü"},
		"UTF-16_by_its_mark_alone":     {"text/plain", "\xff\xfeh\x00\xfc\x00", "hü"},
		"UTF-8_that_is_named_latin":    {"text/html; charset=iso-8859-1", umlauts, umlauts},
		"unknown":                      {"text/plain; charset=klingon", latin, latin},
		"one_that_browsers_refuse":     {"text/plain; charset=iso-2022-kr", latin, latin},
		"a_parameter_that_is_wrong":    {"text/plain; charset=iso-8859-1; =", latin, umlauts},
		"JSON_in_windows-1252":         {"application/json; charset=cp1252", "{\"error\":\"ung\xfcltig\"}", `{"error":"ungültig"}`},
		"single_quotes":                {"text/plain; charset='latin1'", latin, umlauts},
		"one_quote":                    {"text/plain; charset='latin1", latin, umlauts},
		"two_charsets":                 {"text/plain; charset=latin1; charset=utf-8", latin, umlauts},
		"two_types":                    {"text/plain; charset=latin1, text/html; charset=utf-8", latin, umlauts},
		"capitals_and_spaces":          {"Text/Plain ; Charset = \"Latin1\" ", latin, umlauts},
		"a_meta_tag":                   {"text/html", "<meta charset=iso-8859-1>" + latin, "<meta charset=iso-8859-1>" + umlauts},
		"a_meta_tag_as_a_header":       {"text/html", `<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">` + "\xef\xdb", `<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">` + "Ош"},
		"a_meta_tag_against_a_header":  {"text/html; charset=koi8-r", "<meta charset=iso-8859-1>\xef\xdb", "<meta charset=iso-8859-1>Ош"},
		"a_meta_tag_of_UTF-8":          {"text/html", "<meta charset=utf-8>" + latin, "<meta charset=utf-8>" + latin},
		"a_meta_tag_too_far":           {"text/html", strings.Repeat(" ", 1024) + "<meta charset=iso-8859-1>" + latin, strings.Repeat(" ", 1024) + "<meta charset=iso-8859-1>" + latin},
		"a_meta_tag_of_no_page":        {"text/plain", "<meta charset=iso-8859-1>" + latin, "<meta charset=iso-8859-1>" + latin},
		"a_page_without":               {"text/html", "<p>" + latin, "<p>" + latin},
		"UTF-8_cut_by_a_secret's_mask": {"text/plain; charset=utf-8", "ü" + vectorSecret, "ü" + masked},
		"a_secret_in_UTF-16":           {"text/plain; charset=utf-16le", wide("secret: " + vectorSecret), "secret: " + masked},
	}
	s := newTestSender(t, nil)
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			server := receiver(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", test.contentType)
				io.WriteString(w, test.sent)
			})
			exchange := s.Send(t.Context(), messageTo(t, server.URL))
			if string(exchange.ResponseBody) != test.want || exchange.Truncated || exchange.Note != "" {
				t.Errorf("recorded %q, note %q; want %q", exchange.ResponseBody, exchange.Note, test.want)
			}
		})
	}
}

// wide writes ASCII as UTF-16.
func wide(text string) string { return strings.Join(strings.Split(text, ""), "\x00") + "\x00" }

func TestSender_cuts_text_between_characters(t *testing.T) {
	long := func(first string, each string) string {
		return first + strings.Repeat(each, (maxResponseKept+100)/len(each))
	}
	for name, test := range map[string]struct {
		body string
		kept int
	}{
		"two_bytes":         {long("x", "ü"), maxResponseKept - 1},
		"two_bytes_even":    {long("", "ü"), maxResponseKept},
		"three_bytes":       {long("", "€"), maxResponseKept - maxResponseKept%3},
		"four_bytes":        {long("xx", "😀"), maxResponseKept - 2},
		"what_is_not_UTF-8": {long("", "\xff\xc3"), maxResponseKept},
	} {
		t.Run(name, func(t *testing.T) {
			server := receiver(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, test.body) })
			exchange := newTestSender(t, nil).Send(t.Context(), messageTo(t, server.URL))
			body := exchange.ResponseBody
			if !exchange.Truncated || utf8.Valid(body) != utf8.ValidString(test.body) || !strings.HasPrefix(test.body, string(body)) {
				t.Errorf("%d bytes, truncated %v, end in %q", len(body), exchange.Truncated, body[len(body)-6:])
			}
			if name != "what_is_not_UTF-8" && len(body) != test.kept {
				t.Errorf("kept %d bytes, want %d", len(body), test.kept)
			}
		})
	}
	t.Run("a_body_that_ends_early", func(t *testing.T) {
		url := rawReceiver(t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nung\xc3", leave)
		exchange := newTestSender(t, nil).Send(t.Context(), messageTo(t, url))
		if string(exchange.ResponseBody) != "ung" || exchange.Note == "" {
			t.Errorf("recorded %q, note %q", exchange.ResponseBody, exchange.Note)
		}
	})
	t.Run("64_KiB_of_UTF-16", func(t *testing.T) {
		server := receiver(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-16be")
			io.WriteString(w, strings.Repeat("N-", maxResponseRead))
		})
		exchange := newTestSender(t, nil).Send(t.Context(), messageTo(t, server.URL))
		if body := exchange.ResponseBody; !utf8.Valid(body) || !exchange.Truncated || len(body) > maxResponseKept || len(body) < maxResponseKept-2 {
			t.Errorf("%d bytes, truncated %v", len(body), exchange.Truncated)
		}
	})
}
