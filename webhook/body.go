package webhook

import (
	"bufio"
	"errors"
	"io"
	"net/http/httputil"
	"strings"

	"golang.org/x/net/http/httpguts"
)

const maxTrailers = 4 << 10

// body reads the body of a response that came by HTTP/1.1, and no byte beyond it.
type body struct {
	in     *bufio.Reader
	chunks io.Reader // nil if the body isn't chunked
	left   int64     // of a Content-Length; -1 to the end of the connection
	whole  bool      // it was read to its end, and the end is known
}

func (h *head) body(in *bufio.Reader) *body {
	b := &body{in: in, left: h.length}
	switch {
	case h.bodiless():
		b.left = 0
	case h.chunked:
		b.chunks = httputil.NewChunkedReader(in)
	}
	b.whole = b.left == 0 && b.chunks == nil
	return b
}

func (b *body) Read(p []byte) (int, error) {
	switch {
	case b.whole:
		return 0, io.EOF
	case b.chunks != nil:
		return b.readChunks(p)
	case b.left < 0:
		return b.in.Read(p)
	}
	n, err := b.in.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if b.left == 0 {
		b.whole = true
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (b *body) readChunks(p []byte) (int, error) {
	n, err := b.chunks.Read(p)
	if !errors.Is(err, io.EOF) { // one of the connection is io.ErrUnexpectedEOF here
		return n, err
	}
	if err := passTrailers(b.in); err != nil {
		return n, err
	}
	b.whole = true
	return n, io.EOF
}

// passTrailers reads what follows the last chunk up to its blank line. Nothing of
// it is kept.
func passTrailers(in *bufio.Reader) error {
	for budget := maxTrailers; ; {
		line, err := readLine(in, budget)
		if err != nil {
			return err
		}
		budget -= len(line)
		text, ok := strings.CutSuffix(line, "\r\n")
		if ok && text == "" {
			return nil
		}
		name, value, colon := strings.Cut(text, ":")
		if !ok || !colon || !httpguts.ValidHeaderFieldName(name) || !validValue(value) {
			return errMalformed
		}
	}
}
