package webhook

import (
	"bytes"
	"mime"
	"unicode/utf8"

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
	_, parameters, _ := mime.ParseMediaType(contentType) // its parameters are there even if one is wrong
	if name := parameters["charset"]; name != "" {
		named, err := htmlindex.Get(name)
		if err != nil || named == unicode.UTF8 || named == encoding.Replacement {
			return nil
		}
		return named
	}
	if bytes.HasPrefix(body, []byte{0xff, 0xfe}) || bytes.HasPrefix(body, []byte{0xfe, 0xff}) {
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	}
	return nil
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
