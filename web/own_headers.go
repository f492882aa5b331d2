package web

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
	"hookwell/webhook"
)

// headerNames returns the names of the endpoint's own headers. Those that the vault
// does not open keep no page from being shown: what needs a person is on it.
func (s *Server) headerNames(c *fiber.Ctx, e *models.Endpoint) []string {
	names, err := s.tenant(c).HeaderNames(e)
	if err != nil {
		s.Log.Error("reading the names of headers", "endpoint", e.ID, "error", err)
	}
	return names
}

// typedHeaders is what a form says of an endpoint's own headers, by its rows. A
// row's number is its place among the names.
type typedHeaders struct {
	names, values []string
	edit          models.HeaderEdit
}

// readHeaders reads the rows, and shows them in the form without their values.
// Those of kept are headers that the endpoint has.
func readHeaders(c *fiber.Ctx, form *views.EndpointForm, kept []string) typedHeaders {
	t := typedHeaders{names: fields(c, "headerName"), values: fields(c, "headerValue")}
	t.edit.Remove = fields(c, "headerRemove")
	if len(t.names) == 0 {
		return t
	}
	form.Headers = nil
	for i, name := range t.names {
		name = strings.TrimSpace(name)
		t.names[i] = name
		row := views.HeaderRow{Name: name, Kept: slices.Contains(kept, name), Remove: slices.Contains(t.edit.Remove, name)}
		if form.Headers = append(form.Headers, row); row.Remove {
			continue
		}
		// An empty value leaves a header as it is; a new one without is refused.
		if value := t.value(i); value != "" || name != "" && !row.Kept {
			t.edit.Set = append(t.edit.Set, webhook.Header{Name: name, Value: value})
		}
	}
	return t
}

func (t *typedHeaders) value(row int) string {
	if row < len(t.values) {
		return t.values[row]
	}
	return ""
}

// place moves the faults of headers to their rows, and asks again for values
// that were typed in the others: no page repeats them.
func (t *typedHeaders) place(faults webhook.Faults) webhook.Faults {
	placed := make(webhook.Faults, 0, len(faults))
	wrong := map[int]bool{}
	for _, fault := range faults {
		if name, ok := strings.CutPrefix(fault.Field, "headers."); ok {
			if row := t.row(name); row >= 0 {
				wrong[row], fault.Field = true, views.HeaderField(row)
			} else {
				fault.Field = "headers"
			}
		}
		placed = append(placed, fault)
	}
	for i, name := range t.names {
		if t.value(i) != "" && !wrong[i] && !slices.Contains(t.edit.Remove, name) {
			placed.Add(views.HeaderField(i), fmt.Sprintf("Enter the value of %s again: no page repeats it.", name))
		}
	}
	return placed
}

// row returns the last with that name: of two, the second is the one too many.
func (t *typedHeaders) row(name string) int {
	for i := len(t.names) - 1; i >= 0; i-- {
		if t.names[i] == name && (name != "" || t.value(i) != "") {
			return i
		}
	}
	return -1
}
