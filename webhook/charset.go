package webhook

import (
	"bytes"
	"strings"
	"unicode/utf8"

	html "golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// inUTF8 converts a body to UTF-8 from the character set that its Content-Type
// names, as the WHATWG reads names, or that a byte order mark of UTF-16 shows. A
// body stays as it is in a set that isn't known, and if it is UTF-8 where a set
// of one byte per character is named: servers name those by default, whatever
// they send.
func inUTF8(contentType string, body []byte) []byte {
	from := charset(contentType, body)
	if from == nil {
		return body
	}
	if _, single := from.(*charmap.Charmap); single && utf8.Valid(body) {
		return body
	}
	text, _, err := transform.Bytes(unicode.BOMOverride(from.NewDecoder()), body)
	if err != nil {
		return body
	}
	return text
}

// charset is nil for UTF-8 and where none is known.
func charset(contentType string, body []byte) encoding.Encoding {
	kind, name := mediaType(contentType)
	switch {
	case name != "":
		named, err := htmlindex.Get(name)
		if err != nil {
			return nil
		}
		return read(named)
	case bytes.HasPrefix(body, []byte{0xff, 0xfe}) || bytes.HasPrefix(body, []byte{0xfe, 0xff}):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case kind == "text/html" && bytes.Contains(bytes.ToLower(body[:min(len(body), metaWithin)]), []byte("charset")):
		named, name, _ := html.DetermineEncoding(body[:min(len(body), metaWithin)], "")
		if name != "utf-8" {
			return read(named)
		}
	}
	return nil
}

// metaWithin is how far into a page browsers look for the tag that names its
// character set.
const metaWithin = 1024

// read is nil for what needs no converting or can't be converted.
func read(named encoding.Encoding) encoding.Encoding {
	if named == unicode.UTF8 || named == encoding.Replacement {
		return nil
	}
	return named
}

// mediaType reads a Content-Type as servers write it, which is not always by the
// letter: quotes of either kind, and several character sets, of which the first
// counts.
func mediaType(contentType string) (kind, charset string) {
	kind, parameters, _ := strings.Cut(contentType, ";")
	for parameter := range strings.FieldsFuncSeq(parameters, func(r rune) bool { return r == ';' || r == ',' }) {
		if name, value, _ := strings.Cut(parameter, "="); strings.EqualFold(strings.TrimSpace(name), "charset") {
			charset = strings.Trim(value, "\"' \t")
			break
		}
	}
	return strings.ToLower(strings.TrimSpace(kind)), charset
}

// cutText returns at most so many bytes. Text is cut before the character that
// doesn't fit.
func cutText(text []byte, most int) []byte {
	if len(text) <= most {
		return text
	}
	return withoutHalf(text[:most])
}

// withoutHalf leaves out the beginning of a character at the end of text.
func withoutHalf(text []byte) []byte {
	for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
		if last := text[len(text)-back:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return text[:len(text)-back]
			}
			break
		}
	}
	return text
}
