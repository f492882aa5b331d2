package views

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"io"
	"strings"

	"github.com/a-h/templ"
	"github.com/go-json-experiment/json/jsontext"
)

// indentJSON lays JSON out on lines, keeping every value's text and the order
// of keys. What is no JSON, or nests too deeply, comes back as it is.
func indentJSON(text []byte) string {
	text = bytes.TrimSpace(text)
	if !indentable(text) {
		return string(text)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return string(text)
	}
	return b.String()
}

// editableJSON lays JSON out to be edited, with every character written as itself: > and
// not \u003e. Numbers keep their text, and keys their order. What is no JSON comes back
// as it is.
func editableJSON(text []byte) string {
	laid, err := jsontext.AppendFormat(nil, text, jsontext.PreserveRawStrings(false), jsontext.AllowDuplicateNames(true), jsontext.WithIndent("  "))
	if err != nil {
		return string(text)
	}
	return string(laid)
}

func indentable(text []byte) bool { return nesting(text) <= maxNesting && json.Valid(text) }

// nesting returns how deeply objects and arrays lie in each other.
func nesting(text []byte) int {
	depth, deepest, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// rawText keeps what a copy button copies, byte for byte: a browser would make
// one character of a bare CR and LF. Only NUL, which HTML can't hold, is lost.
func rawText(id, text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		kept := strings.NewReplacer("\r", "&#13;", "\x00", "\uFFFD").Replace(html.EscapeString(text))
		_, err := io.WriteString(w, `<span id="`+html.EscapeString(id)+`" data-text="`+kept+`" hidden></span>`)
		return err
	})
}

// codeLines writes text line by line, coloured when it is JSON.
func codeLines(lines []string, coloured bool) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		for _, line := range lines {
			b.WriteString(`<span class="l">`)
			if coloured {
				colourJSON(&b, line)
			} else {
				b.WriteString(html.EscapeString(line))
			}
			b.WriteString(`</span>`)
		}
		_, err := io.WriteString(w, b.String())
		return err
	})
}

// colourJSON marks one line of indented JSON: k a key, s a string, n a number,
// b a literal. It adds spans alone; the line's text stays as it is.
func colourJSON(b *strings.Builder, line string) {
	for at := 0; at < len(line); {
		end := tokenEnd(line, at)
		token := line[at:end]
		class := ""
		switch c := token[0]; {
		case c == '"' && strings.HasPrefix(line[end:], ":"):
			class = "k"
		case c == '"':
			class = "s"
		case c == '-' || c >= '0' && c <= '9':
			class = "n"
		case c >= 'a' && c <= 'z':
			class = "b"
		}
		if class == "" {
			b.WriteString(html.EscapeString(token))
		} else {
			b.WriteString(`<span class="` + class + `">` + html.EscapeString(token) + `</span>`)
		}
		at = end
	}
}

// tokenEnd returns where the token that begins at a place ends: a whole string, a
// run of a number's or a literal's characters, or a run of anything else.
func tokenEnd(line string, at int) int {
	if line[at] == '"' {
		for i := at + 1; i < len(line); i++ {
			switch line[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
		return len(line)
	}
	end := at + 1
	for end < len(line) && line[end] != '"' && wordByte(line[end]) == wordByte(line[at]) {
		end++
	}
	return end
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E'
}
