package web

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/webhook"
)

// problemBody is an error as RFC 9457 has it. Type stays "about:blank", so
// Title is the status's own phrase; Code tells programs which problem it is and
// never changes its meaning. Errors names every field to mend.
type problemBody struct {
	Type      string         `json:"type" jsonschema:"Always about:blank: see code."`
	Title     string         `json:"title" jsonschema:"The status's phrase."`
	Status    int            `json:"status" jsonschema:"The HTTP status."`
	Code      string         `json:"code" jsonschema:"Which problem it is, for programs. Its meaning never changes."`
	Detail    string         `json:"detail" jsonschema:"What happened and what to do, for people."`
	Errors    []problemField `json:"errors" jsonschema:"Every field that needs a change."`
	RequestID string         `json:"requestId,omitzero" jsonschema:"The request's id, which the server's log knows."`
}

type problemField struct {
	Field   string `json:"field" jsonschema:"The field's path in the body, the parameter's name, or Idempotency-Key."`
	Message string `json:"message" jsonschema:"What is wrong with it."`
}

func newProblem(status int, e *models.Error) problemBody {
	body := problemBody{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: e.Code, Detail: e.Message,
		Errors: make([]problemField, len(e.Fields))}
	for i, fault := range e.Fields {
		body.Errors[i] = problemField(fault)
	}
	return body
}

// problem answers an error of the API.
func problem(c *fiber.Ctx, status int, e *models.Error) error {
	body := newProblem(status, named(c, status, e))
	if v, ok := c.Locals(visitKey{}).(*visit); ok {
		body.RequestID = v.id
	}
	switch {
	case status == fiber.StatusUnauthorized:
		c.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	case (status == fiber.StatusTooManyRequests || status == fiber.StatusServiceUnavailable) && c.GetRespHeader(fiber.HeaderRetryAfter) == "":
		c.Set(fiber.HeaderRetryAfter, "1")
	}
	return answer(c, status, "application/problem+json", body)
}

// named adds the field to the one fault that is found before any field is
// read: a report that no body of its route may be as long as.
func named(c *fiber.Ctx, status int, e *models.Error) *models.Error {
	if status != fiber.StatusRequestEntityTooLarge || len(e.Fields) > 0 || c.Path() != eventsPath {
		return e
	}
	told := *e
	told.Fields = webhook.Faults{{Field: "data", Message: "Send at most 256 KiB of data."}}
	return &told
}
