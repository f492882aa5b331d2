package views

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// shownBody is a body's text as a reader of the page gets it.
func shownBody(t *testing.T, b body) string {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader("<pre>" + render(t, codeLines(b.lines, b.json)) + "</pre>"))
	if err != nil {
		t.Fatal(err)
	}
	lines := doc.Find("span.l").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
	if got := doc.Find("pre").Children().Not("span.l").Length(); got > 0 {
		t.Errorf("%d elements beside the lines", got)
	}
	return strings.Join(lines, "\n")
}

func TestShowBody(t *testing.T) {
	t.Run("JSON_keeps_its_text", func(t *testing.T) {
		b := showBody(sampleEvent().Body, false)
		text := shownBody(t, b)
		for _, part := range []string{"9007199254740993", "-2.5e10", `"<b>\"quoted\"</b>"`} {
			if !strings.Contains(text, part) {
				t.Errorf("%s is not in %s", part, text)
			}
		}
		if b.raw != string(sampleEvent().Body) {
			t.Error("what is copied is not what was sent")
		}
		html := render(t, codeLines(b.lines, b.json))
		for _, span := range []string{`<span class="k">&#34;amount&#34;</span>`, `<span class="n">9007199254740993</span>`, `<span class="s">&#34;usd&#34;</span>`, `<span class="b">true</span>`} {
			if !strings.Contains(html, span) {
				t.Errorf("%s is missing", span)
			}
		}
	})
	t.Run("markup_is_text", func(t *testing.T) {
		b := showBody([]byte(hostileBody), false)
		want := strings.NewReplacer("\x00", "␀", "\x1b", "␛").Replace(hostileBody)
		if got := shownBody(t, b); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	})
	t.Run("what_is_not_UTF-8_is_base64", func(t *testing.T) {
		content := bytes.Repeat([]byte{0xff, '<'}, 100)
		b := showBody(content, false)
		if got := strings.ReplaceAll(shownBody(t, b), "\n", ""); got != base64.StdEncoding.EncodeToString(content) {
			t.Errorf("shown %q", got)
		}
		if b.note != "Not UTF-8, shown as base64." {
			t.Errorf("note %q", b.note)
		}
	})
	t.Run("a_cut_is_said", func(t *testing.T) {
		if got := showBody(bytes.Repeat([]byte("a"), 16384), true).note; got != "Cut at 16 KiB; the receiver sent more." {
			t.Errorf("note %q", got)
		}
	})
	t.Run("deep_nesting_stays_small", func(t *testing.T) {
		content := []byte(strings.Repeat("[", 8000) + strings.Repeat("]", 8000))
		if b := showBody(content, false); len(b.lines) != 1 || b.json {
			t.Errorf("%d lines", len(b.lines))
		}
		if got := indentJSON(content); len(got) != len(content) {
			t.Errorf("%d bytes", len(got))
		}
	})
	t.Run("brackets_in_strings_are_no_nesting", func(t *testing.T) {
		if got := nesting([]byte(`{"a":"[[[\"{{","b":[1]}`)); got != 2 {
			t.Errorf("nesting %d", got)
		}
	})
	t.Run("lines_end_as_in_text", func(t *testing.T) {
		if got := showBody([]byte("one\r\ntwo"), false).lines; len(got) != 2 || got[0] != "one" {
			t.Errorf("%q", got)
		}
	})
	t.Run("nothing_is_nothing", func(t *testing.T) {
		if b := showBody(nil, false); len(b.lines) != 0 || b.size != 0 {
			t.Errorf("%+v", b)
		}
	})
}

func TestRawText_keeps_what_is_copied(t *testing.T) {
	text := "{\"a\": \"<&>'\",\r\n\t\"b\": 1}\r"
	doc := parse(t, rawText("raw", text))
	if got := doc.Find("#raw").AttrOr("data-text", ""); got != text {
		t.Errorf("%q", got)
	}
}

func TestDeliveryPage_shows_a_hostile_answer_as_text(t *testing.T) {
	html := render(t, DeliveryPage(samplePage(), sampleDeliveryView([]byte(hostileBody))))
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(html))
	if err != nil {
		t.Fatal(err)
	}
	if n := doc.Find("script:not([src]), img, b:contains(nginx)").Length(); n != 0 {
		t.Errorf("%d elements of the receiver's", n)
	}
	if strings.ContainsRune(html, 0) {
		t.Error("a NUL reached the page")
	}
	if got := doc.Find("#"+responseBodyRawID).AttrOr("data-text", ""); !strings.Contains(got, "</pre></code>") {
		t.Errorf("what is copied: %q", got)
	}
	if got := doc.Find(".http dd").Last().Text(); got != "<b>nginx</b>" {
		t.Errorf("header %q", got)
	}
}
