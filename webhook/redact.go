package webhook

import (
	"bytes"
	"regexp"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// address is what looks like somebody's mail address in a text, the @ as text,
// queries, pages and JSON write it. It finds more than is valid.
var address = regexp.MustCompile(`[\pL\pN\pM._'+\-]+(?:@|%40|\\u0040|&#64;|&#x40;|&commat;)[\pL\pN\-]+(?:\.[\pL\pN\-]+)+`)

// Redaction removes people's addresses from an event, and from its receivers'
// responses, for readers who may not see them.
type Redaction struct{ mask *mask }

// RedactBody removes the addresses from every string of an event's body, however
// they are escaped, and keeps all other bytes. The returned Redaction removes the
// same addresses from what receivers echo.
func RedactBody(body []byte) ([]byte, *Redaction) {
	var out bytes.Buffer
	hidden, copied := map[string]bool{}, int64(0)
	decoder := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		if decoder.PeekKind() != '"' {
			if _, err := decoder.ReadToken(); err != nil {
				break
			}
			continue
		}
		raw, err := decoder.ReadValue()
		if err != nil {
			break
		}
		text, err := jsontext.AppendUnquote(nil, raw)
		found := address.FindAllString(string(text), -1)
		if err != nil || len(found) == 0 {
			continue
		}
		if written := string(raw[1 : len(raw)-1]); written != string(text) {
			found = append(found, written) // with its escapes, as the receiver got it
		}
		for _, one := range found {
			hideText(hidden, one)
			hideBytes(hidden, []byte(one))
			hideWithin(hidden, []byte(one))
		}
		end := decoder.InputOffset()
		quoted, err := jsontext.AppendQuote(nil, address.ReplaceAllString(string(text), masked))
		if err != nil {
			continue
		}
		out.Write(body[copied : end-int64(len(raw))])
		out.Write(quoted)
		copied = end
	}
	out.Write(body[copied:])
	return out.Bytes(), newRedaction(hidden)
}

func newRedaction(found map[string]bool) *Redaction {
	m := &mask{hidden: []string{}}
	for text := range found {
		if len(text) >= minMasked {
			m.hidden = append(m.hidden, text)
		}
	}
	slices.SortFunc(m.hidden, func(a, b string) int { return len(b) - len(a) })
	return &Redaction{m}
}

// Text returns the text without the addresses. A nil Redaction removes only what
// looks like an address.
func (r *Redaction) Text(text string) string { return string(r.Bytes([]byte(text))) }

// Bytes does what Text does, for bytes.
func (r *Redaction) Bytes(text []byte) []byte {
	if r != nil {
		text = r.mask.bytes(text)
	}
	return address.ReplaceAll(text, []byte(masked))
}
