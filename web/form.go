package web

import (
	"errors"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/web/refusal"
	"hookwell/webhook"
)

// field returns a form's value. Fiber's FormValue would take it from the query too.
func field(c *fiber.Ctx, name string) string { return string(c.Context().PostArgs().Peek(name)) }

// hasField reports whether a form was sent with a field of that name.
func hasField(c *fiber.Ctx, name string) bool { return c.Context().PostArgs().Has(name) }

// queryOf reads the query string, as filters take it.
func queryOf(c *fiber.Ctx) func(key string) string {
	return func(key string) string { return c.Query(key) }
}

// atCursor reads the page of a list that a query names. A cursor that is of no
// page of it, which the read tells by an Invalid error, counts as none: it is
// taken out of the query, and the first page is read.
func atCursor(cursor *string, read func(models.Page) error) error {
	err := read(models.Page{Cursor: *cursor})
	if *cursor != "" && models.IsKind(err, models.Invalid) {
		*cursor = ""
		err = read(models.Page{})
	}
	return err
}

// fields returns all of a form's values of that name.
func fields(c *fiber.Ctx, name string) []string {
	var values []string
	for _, value := range c.Context().PostArgs().PeekMulti(name) {
		values = append(values, string(value))
	}
	return values
}

// refusedForm reports whether an error is one that its form shows, and the status
// of the answer: what was typed is wrong, or was tried too often.
func refusedForm(c *fiber.Ctx, err error) (status int, told bool) {
	var refused *models.Error
	if !errors.As(err, &refused) {
		return 0, false
	}
	switch refused.Kind {
	case models.Invalid, models.Unauthorized:
		return fiber.StatusUnprocessableEntity, true
	case models.TooMany:
		refusal.SetRetryAfter(c, refused)
		return fiber.StatusTooManyRequests, true
	}
	return 0, false
}

// faultsOf returns the faults that an error has for a form's fields.
func faultsOf(err error) webhook.Faults {
	var told *models.Error
	if !errors.As(err, &told) {
		return nil
	}
	if len(told.Fields) == 0 {
		return webhook.Faults{{Message: told.Message}}
	}
	return told.Fields
}

// faultsAtField returns an error's faults; what names no field stands at this one.
func faultsAtField(err error, field string) webhook.Faults {
	faults := faultsOf(err)
	for i := range faults {
		if faults[i].Field == "" {
			faults[i].Field = field
		}
	}
	return faults
}
