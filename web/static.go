package web

import (
	"io/fs"
	"mime"
	"path"

	"github.com/gofiber/fiber/v2"

	"hookwell/static"
)

// file is one of the embedded files, with all that its answer needs.
type file struct {
	content []byte
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
		files[name] = file{content, mime.TypeByExtension(path.Ext(name)), static.Path(name)}
	}
	return files
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
	return c.Send(f.content)
}
