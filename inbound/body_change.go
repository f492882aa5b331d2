package inbound

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// bodyChange is something that a proxy, a framework or a person does to a body on
// the way. undo returns the body as it may have been signed, or nil if this can't
// have happened to it.
type bodyChange struct {
	reason Reason
	text   string
	undo   func(body []byte) []byte
}

const (
	textTrimmed   = "The signature fits the body with another end: something on the way removed or added a line break or spaces. Let the request pass as it is."
	textReencoded = "The signature fits the same JSON in another notation: something on the way parsed the body and wrote it anew. Let the request pass as it is."
	textCharset   = "The signature fits the body in another charset: something on the way changed it. Let the request pass as it is."
	textLines     = "The signature fits the body with other line breaks: something on the way changed them. Let the request pass as it is."
)

// bodyChanges lists what is tried, the cheap and frequent ones first.
var bodyChanges = []bodyChange{
	{ReasonBodyTrimmed, textTrimmed, ending("\n")},
	{ReasonBodyTrimmed, textTrimmed, ending("\r\n")},
	{ReasonBodyTrimmed, textTrimmed, ending(" ")},
	{ReasonBodyTrimmed, textTrimmed, ending("\n\n")},
	{ReasonBodyTrimmed, textTrimmed, without("\n")},
	{ReasonBodyTrimmed, textTrimmed, without("\r\n")},
	{ReasonBodyTrimmed, textTrimmed, bytes.TrimSpace},
	{ReasonBodyTrimmed, textTrimmed, func(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }},
	{ReasonBodyReencoded, textLines, unixLines},
	{ReasonBodyReencoded, textLines, func(body []byte) []byte { return bytes.ReplaceAll(unixLines(body), []byte("\n"), []byte("\r\n")) }},
	{ReasonBodyReencoded, textCharset, latin1},
	{ReasonBodyReencoded, textCharset, utf8Of},
	{ReasonBodyReencoded, textReencoded, ofJSON(same)},
	{ReasonBodyReencoded, textReencoded, ofJSON(htmlEscaped)},
	{ReasonBodyReencoded, textReencoded, ofJSON(asciiJSON)},
	{ReasonBodyReencoded, textReencoded, ofJSON(unescapedJSON)},
	{ReasonBodyReencoded, textReencoded, ofJSON(slashEscaped)},
	{ReasonBodyReencoded, textReencoded, ofJSON(func(compact []byte) []byte { return asciiJSON(slashEscaped(compact)) })},
	{ReasonBodyReencoded, textReencoded, ofJSON(func(compact []byte) []byte { return bytes.ReplaceAll(compact, []byte(`\/`), []byte("/")) })},
	{ReasonBodyReencoded, textReencoded, ofJSON(spacing(same, ", "))},
	{ReasonBodyReencoded, textReencoded, ofJSON(spacing(asciiJSON, ", "))},
	{ReasonBodyReencoded, textReencoded, ofJSON(spacing(unescapedJSON, ", "))},
	{ReasonBodyReencoded, textReencoded, ofJSON(spacing(same, ","))},
	{ReasonBodyReencoded, textReencoded, ofJSON(indent("  ", ""))},
	{ReasonBodyReencoded, textReencoded, ofJSON(indent("  ", "\n"))},
	{ReasonBodyReencoded, textReencoded, ofJSON(indent("    ", ""))},
	{ReasonBodyReencoded, textReencoded, ofJSON(indent("    ", "\n"))},
	{ReasonBodyReencoded, textReencoded, ofJSON(indent("\t", ""))},
}

func ending(end string) func([]byte) []byte {
	return func(body []byte) []byte { return append(bytes.Clone(body), end...) }
}

func without(end string) func([]byte) []byte {
	return func(body []byte) []byte {
		cut, ok := bytes.CutSuffix(body, []byte(end))
		if !ok {
			return nil
		}
		return cut
	}
}

func unixLines(body []byte) []byte { return bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")) }

// ofJSON applies a change to a body of compact JSON, and gives nil for any other.
func ofJSON(change func(compact []byte) []byte) func([]byte) []byte {
	return func(body []byte) []byte {
		var compact bytes.Buffer
		if !jsontext.Value(body).IsValid() || json.Compact(&compact, body) != nil {
			return nil
		}
		return change(compact.Bytes())
	}
}

func same(compact []byte) []byte { return compact }

func htmlEscaped(compact []byte) []byte {
	var out bytes.Buffer
	json.HTMLEscape(&out, compact)
	return out.Bytes()
}

func slashEscaped(compact []byte) []byte {
	return bytes.ReplaceAll(compact, []byte("/"), []byte(`\/`))
}

func indent(with, end string) func([]byte) []byte {
	return func(compact []byte) []byte {
		var out bytes.Buffer
		if json.Indent(&out, compact, "", with) != nil {
			return nil
		}
		return append(out.Bytes(), end...)
	}
}

// spacing writes JSON with a space after each colon, as Python does.
func spacing(change func([]byte) []byte, comma string) func([]byte) []byte {
	return func(compact []byte) []byte { return spacedJSON(change(compact), ": ", comma) }
}

// spacedJSON writes compact JSON with other separators.
func spacedJSON(compact []byte, colon, comma string) []byte {
	out := make([]byte, 0, len(compact)+len(compact)/8)
	inside := false
	for i := 0; i < len(compact); i++ {
		switch c := compact[i]; {
		case c == '\\' && inside:
			out = append(out, c, compact[i+1])
			i++
			continue
		case c == '"':
			inside = !inside
		case c == ':' && !inside:
			out = append(out, colon...)
			continue
		case c == ',' && !inside:
			out = append(out, comma...)
			continue
		}
		out = append(out, compact[i])
	}
	return out
}

// asciiJSON escapes every character beyond ASCII, as Python and PHP do.
func asciiJSON(compact []byte) []byte {
	var out bytes.Buffer
	for _, r := range string(compact) {
		switch {
		case r < utf8.RuneSelf:
			out.WriteByte(byte(r))
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes()
}

// unescapedJSON writes characters in place of escapes, as JavaScript does.
func unescapedJSON(compact []byte) []byte {
	value := jsontext.Value(bytes.Clone(compact))
	if err := value.Format(jsontext.PreserveRawStrings(false)); err != nil {
		return nil
	}
	return value
}

// latin1 returns UTF-8 text in ISO 8859-1, or nil if it has other characters.
func latin1(body []byte) []byte {
	if !utf8.Valid(body) {
		return nil
	}
	out := make([]byte, 0, len(body))
	for _, r := range string(body) {
		if r > 0xff {
			return nil
		}
		out = append(out, byte(r))
	}
	return out
}

// utf8Of returns ISO 8859-1 text in UTF-8.
func utf8Of(body []byte) []byte {
	out := make([]rune, len(body))
	for i, b := range body {
		out[i] = rune(b)
	}
	return []byte(string(out))
}
