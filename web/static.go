package web

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"mime"
	"path"

	"github.com/gofiber/fiber/v2"

	"hookwell/static"
)

// file is one of the embedded files, with all that its answer needs.
type file struct {
	content []byte
	zipped  []byte // compressed once; nil when that saves nothing
	kind    string
	url     string // with the content's hash
}

func staticFiles() map[string]file {
	files := map[string]file{}
	names, _ := fs.Glob(static.Files, "*")
	for _, name := range names {
		content, err := static.Files.ReadFile(name)
		if err != nil {
			continue
		}
		files[name] = file{content, compress(content), mime.TypeByExtension(path.Ext(name)), static.Path(name)}
	}
	return files
}

func compress(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil || w.Close() != nil || b.Len() >= len(content) {
		return nil
	}
	return b.Bytes()
}

// staticFile answers one embedded file. Under the address with its hash it may
// be kept for ever: other content would have another address.
func (s *Server) staticFile(c *fiber.Ctx) error {
	f, ok := s.files[c.Params("file")]
	if !ok {
		return fiber.ErrNotFound
	}
	c.Set(fiber.HeaderCacheControl, "no-cache")
	if c.OriginalURL() == f.url {
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	}
	c.Set(fiber.HeaderContentType, f.kind)
	c.Vary(fiber.HeaderAcceptEncoding)
	if f.zipped != nil && c.AcceptsEncodings("gzip") == "gzip" {
		c.Set(fiber.HeaderContentEncoding, "gzip")
		return s.sendShared(c, f.zipped)
	}
	return s.sendShared(c, f.content)
}
