package views

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"hookwell/views/ui"
)

// body is what was sent or received, ready to be shown as text.
type body struct {
	lines []string
	json  bool   // lines hold JSON and are coloured
	raw   string // what the copy button copies
	size  int
	note  string
}

// Beyond these a body is shown as it came: laying out what nests deeply would
// make its text grow with the square of its depth.
const (
	maxLaidOut = 64 << 10
	maxNesting = 64
	base64Line = 76
)

// showBody prepares bytes for a page. JSON is laid out on lines with every
// value's text kept; what is not UTF-8 is shown as base64.
func showBody(content []byte, truncated bool) body {
	b := body{size: len(content), raw: string(content)}
	switch {
	case len(content) == 0:
	case !utf8.Valid(content):
		b.raw = base64.StdEncoding.EncodeToString(content)
		b.lines = foldText(b.raw, base64Line)
		b.note = "Not UTF-8, shown as base64."
	case laidOut(content):
		b.lines, b.json = strings.Split(indentJSON(content), "\n"), true
	default:
		b.lines = strings.Split(visible(b.raw), "\n")
	}
	if truncated {
		b.note = strings.TrimSpace(b.note + " Cut at " + ui.FormatSize(len(content)) + "; the receiver sent more.")
	}
	return b
}

// visible shows control characters by their pictures instead of leaving them
// to the browser.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return -1
		case r < ' ':
			return 0x2400 + r
		case r == 0x7f:
			return 0x2421
		default:
			return r
		}
	}, text)
}

func foldText(text string, width int) []string {
	var lines []string
	for len(text) > width {
		lines = append(lines, text[:width])
		text = text[width:]
	}
	return append(lines, text)
}

// laidOut reports whether the bytes look like JSON that can be shown on lines.
func laidOut(content []byte) bool {
	trimmed := bytes.TrimSpace(content)
	if len(trimmed) == 0 || len(content) > maxLaidOut || trimmed[0] != '{' && trimmed[0] != '[' {
		return false
	}
	return indentable(trimmed)
}
