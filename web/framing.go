package web

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// framing follows where the requests on a connection begin and end (RFC 9112,
// sections 2 to 7). fasthttp reads requests by itself and is lenient in places:
// it takes a bare LF for the end of a line, joins folded lines, passes over a
// coding called identity, takes chunks beside a length and anything behind a
// chunk's size. A proxy in front may read the same bytes differently and take
// what comes behind for somebody else's request. So fasthttp gets to see only
// what nobody can read in two ways.
type framing struct {
	part  framingPart
	heads int    // that have ended
	line  []byte // what has come of a line whose end is yet to come
	left  uint64 // bytes of the body, or of the chunk, that are yet to come

	// Of the head that is being read.
	old     bool // HTTP/1.0, which has no chunks
	lengths int  // lines with Content-Length
	length  uint64
	codings int // lines with Transfer-Encoding, each of which says chunked
}

// framingPart is what the next line is part of.
type framingPart int

const (
	requestLine framingPart = iota
	headLine
	chunkSize
	chunkEnd
	trailerLine
)

// longestLine bounds what is kept of a line. A head of that length is refused
// before, by the buffer that it is read into.
const longestLine = maxHeaders

// longestChunkLine bounds the line before a chunk, extensions and all, however it
// arrives.
const longestChunkLine = 1 << 10

// follow takes what came next on the connection. It returns how many bytes of
// it are clear, and errFraming if the line behind them isn't.
func (f *framing) follow(p []byte) (clear int, fault *fiber.Error) {
	for clear < len(p) {
		if f.left > 0 {
			n := min(f.left, uint64(len(p)-clear))
			f.left -= n
			clear += int(n)
			continue
		}
		end := bytes.IndexByte(p[clear:], '\n') + 1
		if end == 0 {
			if len(f.line)+len(p)-clear > f.longest() {
				return clear, f.tooLong()
			}
			f.line = append(f.line, p[clear:]...)
			return len(p), nil
		}
		line := p[clear : clear+end]
		if len(f.line) > 0 {
			line = append(f.line, line...)
			f.line = nil
		}
		text, ok := bytes.CutSuffix(line, []byte("\r\n"))
		if !ok || !f.take(text) {
			return clear, errFraming
		}
		clear += end
	}
	return clear, nil
}

// longest returns how long a line may be, with its end.
func (f *framing) longest() int {
	if f.part == chunkSize || f.part == chunkEnd {
		return longestChunkLine + len("\r\n")
	}
	return longestLine
}

// tooLong returns a line whose end is too far off.
func (f *framing) tooLong() *fiber.Error {
	if f.inHead() {
		return fiber.ErrRequestHeaderFieldsTooLarge
	}
	return errFraming
}

// take reports whether a line may stand where it does.
func (f *framing) take(line []byte) bool {
	if hasControl(line) {
		return false
	}
	switch f.part {
	case requestLine:
		return len(line) == 0 || f.begin(line)
	case headLine:
		if len(line) == 0 {
			return f.endHead()
		}
		return f.field(line)
	case chunkSize:
		return f.chunk(line)
	case chunkEnd:
		f.part = chunkSize
		return len(line) == 0
	default: // trailerLine
		if len(line) == 0 {
			f.part = requestLine
			return true
		}
		name, _, ok := bytes.Cut(line, []byte(":"))
		return ok && isToken(name) && !forwards(name)
	}
}

// begin takes the request line.
func (f *framing) begin(line []byte) bool {
	old := bytes.HasSuffix(line, []byte(" HTTP/1.0"))
	*f = framing{part: headLine, old: old, heads: f.heads}
	return old || bytes.HasSuffix(line, []byte(" HTTP/1.1"))
}

// field takes a header line.
func (f *framing) field(line []byte) bool {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || !isToken(name) {
		return false
	}
	switch {
	case bytes.EqualFold(name, []byte(fiber.HeaderContentLength)):
		f.lengths++
		f.length, ok = decimal(bytes.Trim(value, " \t"))
		return ok && f.lengths == 1
	case bytes.EqualFold(name, []byte(fiber.HeaderTransferEncoding)):
		f.codings++
		return f.codings == 1 && bytes.EqualFold(bytes.Trim(value, " \t"), []byte("chunked"))
	}
	return true
}

// endHead finds what follows the head.
func (f *framing) endHead() bool {
	if f.codings > 0 && (f.lengths > 0 || f.old) {
		return false
	}
	f.heads++
	f.part, f.left = requestLine, f.length
	if f.codings > 0 {
		f.part = chunkSize
	}
	return true
}

// inHead reports whether what comes next belongs to a head.
func (f *framing) inHead() bool {
	return f.left == 0 && (f.part == requestLine || f.part == headLine)
}

// chunk takes the line before a chunk: its size and extensions, which nobody reads.
func (f *framing) chunk(line []byte) bool {
	digits, extensions := line, []byte(nil)
	if end := bytes.IndexAny(line, "; \t"); end >= 0 {
		digits, extensions = line[:end], line[end:]
	}
	if len(line) > longestChunkLine || !areExtensions(extensions) {
		return false
	}
	size, err := strconv.ParseUint(string(digits), 16, 60) // knows neither 0x nor a sign
	if err != nil || len(digits) > 15 {
		return false
	}
	f.part, f.left = chunkEnd, size
	if size == 0 {
		f.part = trailerLine
	}
	return true
}

// areExtensions reports whether the text can be a chunk's extensions (RFC 9112,
// section 7.1.1): each a semicolon and a name, which may have a value, a token or
// a quoted string. White space stands before and after a semicolon and an equals
// sign alone.
func areExtensions(text []byte) bool {
	for len(text) > 0 {
		after, ok := bytes.CutPrefix(skipBlank(text), []byte(";"))
		if !ok {
			return false
		}
		name, rest := cutToken(skipBlank(after))
		if len(name) == 0 {
			return false
		}
		if value, ok := bytes.CutPrefix(skipBlank(rest), []byte("=")); ok {
			if rest, ok = cutValue(skipBlank(value)); !ok {
				return false
			}
		}
		text = rest
	}
	return true
}

// cutValue cuts the value that a text begins with off. It reports false if it
// begins with none.
func cutValue(text []byte) (rest []byte, ok bool) {
	if !bytes.HasPrefix(text, []byte(`"`)) {
		token, rest := cutToken(text)
		return rest, len(token) > 0
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return text[i+1:], true
		case '\\':
			i++ // what is quoted may be a quotation mark
		}
	}
	return nil, false
}

func cutToken(text []byte) (token, rest []byte) {
	end := 0
	for end < len(text) && isToken(text[end:end+1]) {
		end++
	}
	return text[:end], text[end:]
}

func skipBlank(text []byte) []byte { return bytes.TrimLeft(text, " \t") }

// decimal reads a length. It reports false for what isn't digits alone, or is
// longer than any body.
func decimal(text []byte) (n uint64, ok bool) {
	n, err := strconv.ParseUint(string(text), 10, 62) // knows no sign
	return n, err == nil
}

// forwards reports whether a field's name is one by which proxies tell whom they
// speak for. Some servers read an underscore as a hyphen.
func forwards(name []byte) bool {
	plain := strings.ToLower(strings.ReplaceAll(string(name), "_", "-"))
	return strings.HasPrefix(plain, "x-forwarded") || slices.Contains(forwarding, plain)
}

// forwarding are the names beside X-Forwarded and what begins with it.
var forwarding = []string{"forwarded", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-forwarded-for", "x-original-host", "x-original-url", "x-rewrite-url",
	"true-client-ip", "client-ip", "cf-connecting-ip", "cf-connecting-ipv6", "fastly-client-ip", "fly-client-ip", "x-envoy-external-address", "x-appengine-user-ip", "via"}

// hasControl reports whether a line has a character that none may have.
func hasControl(line []byte) bool {
	for _, c := range line {
		if c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// isToken reports whether the name of a field can be one (RFC 9110, section 5.6.2).
func isToken(name []byte) bool {
	for _, c := range name {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return len(name) > 0
}
