package web

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

// audit answers the page of the audit log.
func (s *Server) audit(c *fiber.Ctx) error {
	view := views.AuditView{Query: views.ParseAuditQuery(queryOf(c))}
	wanted, faults := view.Query.Filter(s.Store.Now())
	if view.Faults = faults; len(faults) > 0 {
		return show(s, c, fiber.StatusUnprocessableEntity, views.AuditPage, view)
	}
	err := atCursor(&view.Query.Cursor, func(page models.Page) (err error) {
		view.Rows, view.Older, err = s.tenant(c).Audit(c.UserContext(), wanted, page)
		return err
	})
	if err != nil {
		return err
	}
	return show(s, c, fiber.StatusOK, views.AuditPage, view)
}

// exportLimit is how long an export may take; each piece of it has the limit of
// every write.
const exportLimit = 10 * time.Minute

// auditExport streams what the filter chooses as CSV, a page of rows at a time.
func (s *Server) auditExport(c *fiber.Ctx) error {
	query := views.ParseAuditQuery(queryOf(c))
	wanted, faults := query.Filter(s.Store.Now())
	if len(faults) > 0 {
		return models.NewInvalid(faults)
	}
	tenant, id := s.tenant(c), s.visit(c).ID
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentType, "text/csv; charset=utf-8; header=present")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="audit-`+tenant.Organization().Slug+`.csv"`)
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		ctx, cancel := context.WithTimeout(context.Background(), exportLimit)
		defer cancel()
		out := csv.NewWriter(w)
		err := out.Write([]string{"time", "id", "actor kind", "actor id", "actor", "action", "what happened", "target id", "target", "details", "address", "request"})
		for entry, failed := range tenant.AuditAll(ctx, wanted) {
			if err = errors.Join(err, failed); err != nil {
				break
			}
			err = out.Write(auditCells(entry))
		}
		if out.Flush(); err == nil {
			err = out.Error()
		}
		if err != nil {
			// The status is sent; a line that says so keeps half a log from passing for a whole one.
			w.WriteString("\"The export ended early. Repeat it.\"\n")
			s.Log.Warn("an export ended early", "error", err, "request", id)
		}
	})
	return nil
}

func auditCells(e models.AuditEntry) []string {
	cells := []string{e.CreatedAt.UTC().Format(time.RFC3339Nano), e.ID, string(e.ActorKind), e.ActorID, e.ActorName, e.Action,
		views.AuditSentence(e.Action, e.TargetName), e.TargetID, e.TargetName, e.Details, e.RemoteAddress, e.RequestID}
	for i, cell := range cells {
		cells[i] = harmless(cell)
	}
	return cells
}

// harmless keeps a spreadsheet from running a cell as a formula, by the
// apostrophe that marks text there.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
