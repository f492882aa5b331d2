package api

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/web/refusal"
	"hookwell/webhook"
)

// problemBody is an error as RFC 9457 has it. Type stays "about:blank", so
// Title is the status's own phrase; Code tells programs which problem it is and
// never changes its meaning. Errors names the fields to mend.
type problemBody struct {
	Type      string         `json:"type" jsonschema:"Always about:blank: see code."`
	Title     string         `json:"title" jsonschema:"The status's phrase."`
	Status    int            `json:"status" jsonschema:"The HTTP status."`
	Code      string         `json:"code" jsonschema:"Which problem it is, for programs. Its meaning never changes."`
	Detail    string         `json:"detail" jsonschema:"What happened and what to do, for people."`
	Errors    []problemField `json:"errors" jsonschema:"The fields that need a change, 50 at most. Of more, the last has an empty field and says how many they are."`
	RequestID string         `json:"requestId,omitzero" jsonschema:"The request's id, which the server's log knows."`
}

type problemField struct {
	Field   string `json:"field" jsonschema:"The field's path in the body, the parameter's name, or Idempotency-Key. Empty in the last one of a list that is cut."`
	Message string `json:"message" jsonschema:"What is wrong with it."`
}

// newProblem lists so many of the fields, and how many more there are.
func newProblem(status int, e *models.Error, most int) problemBody {
	faults := e.Fields.Cut(most)
	body := problemBody{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: e.Code, Detail: e.Message,
		Errors: make([]problemField, len(faults))}
	for i, fault := range faults {
		body.Errors[i] = problemField{Field: fault.Field, Message: fault.Text()}
	}
	return body
}

// Refuse responds to a request with an error as a problem.
func (a *API) Refuse(c *fiber.Ctx, err error) error {
	status, told := refusal.Report(c, a.Log, a.Request(c).ID, err)
	return a.problem(c, status, told)
}

func (a *API) problem(c *fiber.Ctx, status int, e *models.Error) error {
	body := newProblem(status, named(c, status, e), webhook.MaxFaults)
	body.RequestID = a.Request(c).ID
	switch {
	case status == fiber.StatusUnauthorized:
		c.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	case (status == fiber.StatusTooManyRequests || status == fiber.StatusServiceUnavailable) && c.GetRespHeader(fiber.HeaderRetryAfter) == "":
		c.Set(fiber.HeaderRetryAfter, "1")
	}
	return answer(c, status, ProblemType, body)
}

// named adds the field to the one fault that is found before any field is
// read: a report that no body of its route may be as long as.
func named(c *fiber.Ctx, status int, e *models.Error) *models.Error {
	if status != fiber.StatusRequestEntityTooLarge || len(e.Fields) > 0 || c.Path() != EventsPath {
		return e
	}
	told := *e
	told.Fields = webhook.Faults{{Field: "data", Message: "Send at most 256 KiB of data."}}
	return &told
}
