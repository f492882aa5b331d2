package webhook

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

var (
	errMalformed       = errors.New("malformed response")
	errHeadersTooLarge = errors.New("response headers too large")
)

// head is what a response says before its body (RFC 9112).
type head struct {
	status  int
	headers []Header // names in canonical form, in the order in which they came
	length  int64    // of the body by Content-Length; -1 without it
	chunked bool
	// lasts tells that the connection may carry another request after this
	// response. What is framed in a way that others may read differently ends it.
	lasts bool

	current bool   // HTTP/1.1, which knows chunks and keeps connections
	started bool   // the status line has come
	fold    []byte // the value of the last header, while lines continue it
}

// readHead reads the head of the response, and passes over those of status 1xx
// that come before it, but for 101. All of them together have at most as many
// bytes as budget.
func readHead(in *bufio.Reader, budget int) (*head, error) {
	for lasts := true; ; {
		h := &head{length: -1, lasts: lasts}
		left, err := h.read(in, budget)
		if err != nil {
			return nil, err
		}
		if h.status >= 200 || h.status == 101 {
			return h, nil
		}
		budget, lasts = left, h.lasts
	}
}

// read takes the lines of one head. What is malformed fails at its line, for the
// rest may never come.
func (h *head) read(in *bufio.Reader, budget int) (left int, err error) {
	if end := buffered(in, min(budget, in.Buffered())); end > 0 {
		peeked, _ := in.Peek(end)
		text := string(peeked) // all at once: one allocation for all values
		in.Discard(end)
		for ended := false; !ended; {
			at := strings.IndexByte(text, '\n') + 1
			if ended, err = h.take(text[:at]); err != nil {
				return 0, err
			}
			text = text[at:]
		}
		return budget - end, nil
	}
	for {
		line, err := readLine(in, budget)
		if err != nil {
			return 0, err
		}
		budget -= len(line)
		if ended, err := h.take(line); ended || err != nil {
			return budget, err
		}
	}
}

// buffered returns where a head ends of which the reader has all; 0 if it hasn't.
func buffered(in *bufio.Reader, most int) int {
	peeked, _ := in.Peek(most)
	for at := 0; ; {
		n := bytes.IndexByte(peeked[at:], '\n') + 1
		if n == 0 {
			return 0
		}
		at += n
		if n == 1 || n == 2 && peeked[at-2] == '\r' {
			return at
		}
	}
}

// readLine returns a line with its end. It has no end where the connection was
// closed within it, which the next call says.
func readLine(in *bufio.Reader, most int) (string, error) {
	var whole []byte
	for {
		part, err := in.ReadSlice('\n')
		if len(whole)+len(part) > most {
			return "", errHeadersTooLarge
		}
		switch {
		case err == nil && whole == nil:
			return string(part), nil
		case errors.Is(err, bufio.ErrBufferFull), err == nil:
			whole = append(whole, part...)
			if err == nil {
				return string(whole), nil
			}
		case errors.Is(err, io.EOF) && len(whole)+len(part) > 0:
			return string(append(whole, part...)), nil
		case errors.Is(err, io.EOF):
			return "", io.ErrUnexpectedEOF
		default:
			return "", err
		}
	}
}

// take reads a line, and reports whether it ends the head.
func (h *head) take(line string) (ended bool, err error) {
	text, whole := strings.CutSuffix(line, "\n")
	if whole {
		var usual bool
		if text, usual = strings.CutSuffix(text, "\r"); !usual {
			h.lasts = false // a bare line feed
		}
	}
	switch {
	case !h.started:
		h.started = true
		return false, h.takeStatus(text)
	case text == "":
		h.unfold()
		return true, h.frame()
	case text[0] == ' ' || text[0] == '\t':
		return false, h.takeFold(text)
	}
	h.unfold()
	return false, h.takeHeader(text)
}

// takeStatus reads the status line. Whatever version it names is read as one of
// HTTP/1, as net/http does.
func (h *head) takeStatus(line string) error {
	version, rest, ok := strings.Cut(line, " ")
	digits, isHTTP := strings.CutPrefix(version, "HTTP/")
	if !ok || !isHTTP || len(digits) != 3 || !digit(digits[0]) || digits[1] != '.' || !digit(digits[2]) {
		return errMalformed
	}
	code, _, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if len(code) != 3 || code[0] == '0' || !digit(code[0]) || !digit(code[1]) || !digit(code[2]) {
		return errMalformed
	}
	h.status, _ = strconv.Atoi(code)
	h.current = digits >= "1.1"
	h.lasts = h.lasts && digits[0] == '1'
	return nil
}

func digit(b byte) bool { return '0' <= b && b <= '9' }

func (h *head) takeHeader(line string) error {
	name, value, ok := strings.Cut(line, ":")
	value = strings.Trim(value, " \t")
	if !ok || !validValue(value) {
		return errMalformed
	}
	if !httpguts.ValidHeaderFieldName(name) {
		// A space before the colon is sent by some, and taken as net/http takes it:
		// as a part of a name that means nothing.
		if name == "" || !httpguts.ValidHeaderFieldName(strings.ReplaceAll(name, " ", "_")) {
			return errMalformed
		}
		h.lasts = false
	} else {
		name = textproto.CanonicalMIMEHeaderKey(name)
	}
	if h.headers == nil {
		h.headers = make([]Header, 0, 8)
	}
	h.headers = append(h.headers, Header{name, value})
	return nil
}

// takeFold continues the value of the last header (RFC 9112, section 5.2).
func (h *head) takeFold(line string) error {
	if len(h.headers) == 0 || !validValue(line) {
		return errMalformed
	}
	h.lasts = false
	if h.fold == nil {
		h.fold = []byte(h.headers[len(h.headers)-1].Value)
	}
	h.fold = append(append(h.fold, ' '), strings.Trim(line, " \t")...)
	return nil
}

func (h *head) unfold() {
	if h.fold != nil {
		h.headers[len(h.headers)-1].Value = strings.Trim(string(h.fold), " \t")
		h.fold = nil
	}
}

func validValue(value string) bool {
	for i := range len(value) {
		if b := value[i]; b < ' ' && b != '\t' || b == 0x7f {
			return false
		}
	}
	return true
}

// get returns the first value of a header, whose name is in canonical form.
func get(headers []Header, name string) string {
	for _, h := range headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// frame reads from the headers where the body ends (RFC 9112, section 6.3).
func (h *head) frame() error {
	var closes, keeps, coded bool
	for _, header := range h.headers {
		switch header.Name {
		case "Content-Length":
			n, err := strconv.ParseUint(header.Value, 10, 63)
			if err != nil || h.length >= 0 && h.length != int64(n) {
				return errMalformed
			}
			h.lasts = h.lasts && h.length < 0
			h.length = int64(n)
		case "Transfer-Encoding":
			if h.current && (coded || !strings.EqualFold(header.Value, "chunked")) {
				return errMalformed
			}
			coded, h.chunked = true, h.current
		case "Connection":
			closes = closes || httpguts.HeaderValuesContainsToken([]string{header.Value}, "close")
			keeps = keeps || httpguts.HeaderValuesContainsToken([]string{header.Value}, "keep-alive")
		}
	}
	if coded && (h.length >= 0 || !h.current) { // two framings, of which a proxy may have taken the other
		h.lasts = false
	}
	if closes || !h.current && !keeps || !h.bodiless() && !h.chunked && h.length < 0 {
		h.lasts = false
	}
	// What is announced here and not read may still come, and would be taken for the
	// answer to the next request.
	if (h.bodiless() || h.status == http.StatusResetContent) && (coded || h.length > 0) {
		h.lasts = false
	}
	return nil
}

// bodiless reports whether no body follows, whatever the headers say.
func (h *head) bodiless() bool {
	return h.status < 200 || h.status == http.StatusNoContent || h.status == http.StatusNotModified
}
