package web

import (
	"bufio"
	"context"
	"errors"

	"github.com/gofiber/fiber/v2"
)

// requestsExport streams all that the organization's sources received as JSON, a
// thing on each line.
func (s *Server) requestsExport(c *fiber.Ctx) error {
	tenant, id := s.tenant(c), s.visit(c).ID
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentType, "application/x-ndjson")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="requests-`+tenant.Organization().Slug+`.ndjson"`)
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		ctx, cancel := context.WithTimeout(context.Background(), exportLimit)
		defer cancel()
		var err error
		for line, failed := range tenant.Receiving().Export(ctx) {
			if err = failed; err != nil {
				break
			}
			var text []byte
			if text, err = s.api.ExportLine(line); err != nil {
				break
			}
			if _, err = w.Write(append(text, '\n')); err != nil {
				break
			}
		}
		if err = errors.Join(err, w.Flush()); err != nil {
			// The status is sent; a line that says so keeps half an export from passing for a whole one.
			w.WriteString(`{"error":"The export ended early. Repeat it."}` + "\n")
			s.Log.Warn("an export ended early", "error", err, "request", id)
		}
	})
	return nil
}
