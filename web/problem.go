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
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Code      string         `json:"code"`
	Detail    string         `json:"detail"`
	Errors    []problemField `json:"errors"`
	RequestID string         `json:"requestId,omitzero"`
}

type problemField struct {
	Field   string `json:"field"`
	Message string `json:"message"`
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
