package webhook

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"strings"
)

const (
	maxResponseHeaders = 64 << 10
	maxResponseRead    = 64 << 10
	maxResponseKept    = 16 << 10
)

// takeBody reads the body as far as it is of use, and notes what is wrong with
// it. The status has decided by then.
func (e *Exchange) takeBody(ctx context.Context, r *response, mask *mask) {
	content, cut, err := readBody(r)
	if err != nil {
		e.Note = bodyNote(ctx, err)
	}
	content = inUTF8(get(r.headers, "Content-Type"), content) // before it is masked, so that no encoding hides a secret
	if err != nil || cut {
		content = mask.cutBytes(withoutHalf(content))
	} else {
		content = mask.bytes(content)
	}
	// It is masked before it is cut here, so that no half of a secret stays.
	e.Truncated = cut || len(content) > maxResponseKept
	e.ResponseBody = cutText(content, maxResponseKept)
}

// readBody reads at most 64 KiB, both as it comes and as it is decompressed:
// the first bounds a stream of empty gzip members, the second a gzip bomb.
func readBody(r *response) (content []byte, cut bool, err error) {
	limited := &io.LimitedReader{R: r.body, N: maxResponseRead + 1}
	body, err := decoded(r.headers, limited)
	if err == nil {
		content, err = io.ReadAll(io.LimitReader(body, maxResponseRead+1))
	}
	if limited.N > 0 && len(content) <= maxResponseRead {
		return content, false, err
	}
	return content[:min(len(content), maxResponseRead)], true, nil // the limit looks like an early end to gzip
}

// errGzip tells a body that is not the gzip it claims to be from one that ended
// early on the way.
var errGzip = errors.New("invalid gzip")

func decoded(headers []Header, body io.Reader) (io.Reader, error) {
	if !strings.EqualFold(get(headers, "Content-Encoding"), "gzip") {
		return body, nil
	}
	buffered := bufio.NewReader(body)
	if _, err := buffered.Peek(1); err != nil {
		return buffered, nil // an empty body is none, and a failing one fails again
	}
	inflated, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, gzipFault(err)
	}
	return gzipReader{inflated}, nil
}

type gzipReader struct{ *gzip.Reader }

func (r gzipReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	return n, gzipFault(err)
}

func gzipFault(err error) error {
	var corrupt flate.CorruptInputError
	if errors.As(err, &corrupt) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) {
		return errGzip
	}
	return err
}

const bodyTimeout = "The body of the response did not end within the timeout."

func bodyNote(ctx context.Context, err error) string {
	switch {
	case errors.Is(context.Cause(ctx), errTimeout):
		return bodyTimeout
	case ctx.Err() != nil:
		return "Hookwell was stopped before the body of the response ended."
	case errors.Is(err, os.ErrDeadlineExceeded):
		return bodyTimeout
	case errors.Is(err, errGzip):
		return "The body of the response is not the gzip that its headers announce."
	}
	return "The body of the response was cut short."
}
