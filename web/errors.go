package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
)

// statuses is the one place where a kind of refusal becomes a status code.
var statuses = map[models.Kind]int{
	models.Invalid:      fiber.StatusUnprocessableEntity,
	models.NotFound:     fiber.StatusNotFound,
	models.Conflict:     fiber.StatusConflict,
	models.Forbidden:    fiber.StatusForbidden,
	models.Unauthorized: fiber.StatusUnauthorized,
	models.TooLarge:     fiber.StatusRequestEntityTooLarge,
	models.Malformed:    fiber.StatusBadRequest,
	models.Unavailable:  fiber.StatusServiceUnavailable,
	models.TooMany:      fiber.StatusTooManyRequests,
	models.Outdated:     fiber.StatusPreconditionFailed,
}

// sentences say what Fiber and fasthttp mean by a status.
var sentences = map[int]models.Error{
	fiber.StatusBadRequest:                  {Code: "malformed", Message: "The request can’t be read."},
	fiber.StatusNotFound:                    {Code: "not_found", Message: "There is nothing at this address."},
	fiber.StatusMethodNotAllowed:            {Code: "method_not_allowed", Message: "This address takes another method."},
	fiber.StatusRequestTimeout:              {Code: "request_timeout", Message: "The request took too long to arrive."},
	fiber.StatusRequestEntityTooLarge:       {Code: "too_large", Message: "The request is larger than this address takes."},
	fiber.StatusMisdirectedRequest:          {Code: "misdirected", Message: "This server does not answer for that host name. Use the address that it was set up with."},
	fiber.StatusRequestHeaderFieldsTooLarge: {Code: "headers_too_large", Message: "The request’s headers are too large."},
}

// slowRetry is when to come again after a request that took too long.
const slowRetry = 5 * time.Second

// refusal is an error as its status and what may be told of it. Whatever is
// not meant for people is a plain 500.
func refusal(err error) (int, *models.Error) {
	var known *models.Error
	if errors.As(err, &known) {
		if status, ok := statuses[known.Kind]; ok {
			return status, known
		}
	}
	if told := store.StorageRefusal(err); told != nil {
		return statuses[told.Kind], told
	}
	var fault *fiber.Error
	if errors.As(err, &fault) && fault.Code < fiber.StatusInternalServerError {
		told, ok := sentences[fault.Code]
		if !ok {
			told = models.Error{Code: "refused", Message: http.StatusText(fault.Code) + "."}
		}
		return fault.Code, &told
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fiber.StatusServiceUnavailable, &models.Error{Code: "timeout", Message: "The answer took too long. Try again in a minute.", RetryAfter: slowRetry}
	}
	return fiber.StatusInternalServerError, &models.Error{Code: "internal", Message: "Something failed on our side."}
}

// boundary is where every error of a handler, and every panic, becomes an
// answer.
func (s *Server) boundary(c *fiber.Ctx) error {
	if err := next(c); err != nil {
		return s.answerError(c, err)
	}
	return nil
}

// next goes on to the handler and turns a panic into an error.
func next(c *fiber.Ctx) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v\n%s", fault, debug.Stack())
		}
	}()
	return c.Next()
}

// answerError answers an error: a problem for the API, a sentence for htmx, a
// page for everybody else. Fiber calls it itself for requests that reached no
// handler.
func (s *Server) answerError(c *fiber.Ctx, err error) error {
	v := s.visit(c)
	status, told := refusal(err)
	if status >= fiber.StatusInternalServerError && told.Code != codeBusy {
		s.Log.Error("request failed", "error", err, "request", v.id, "method", c.Method(), "route", c.Route().Path, "status", status)
		if told.Code == "internal" {
			told.Message += " The fault is logged under the id " + v.id + "."
		}
	}
	retryAfter(c, told)
	switch {
	case isAPI(c):
		return problem(c, status, told)
	case isHTMX(c):
		return c.Status(status).Type("txt", "utf-8").SendString(told.Message)
	}
	return s.failurePage(c, status, told)
}

// retryAfter says in the header when trying again may work.
func retryAfter(c *fiber.Ctx, told *models.Error) {
	if told.RetryAfter > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(int((told.RetryAfter+time.Second-1)/time.Second)))
	}
}

// failurePage draws the page inside the organization if the request got that
// far, at the door otherwise, and in plain text when not even that works.
func (s *Server) failurePage(c *fiber.Ctx, status int, told *models.Error) error {
	failure := views.Failure{Status: status, Title: failureTitle(told.Code), Message: told.Message, RequestID: s.visit(c).id}
	if status == fiber.StatusNotFound && told.Code != "link_ended" || told.Code == "internal" {
		failure.Message = "" // the page has better words for these, and the id
	}
	page, err := s.page(c)
	if err != nil {
		page = s.pagePart(c)
		page.Organization = nil
	}
	if err = s.render(c, status, views.FailurePage(page, failure)); err == nil {
		return nil
	}
	s.Log.Error("the failure's page failed too", "error", err, "request", failure.RequestID)
	return c.Status(status).Type("txt", "utf-8").SendString(told.Message + "\n")
}

// failureTitle is the heading for what a status alone says too little about.
func failureTitle(code string) string {
	switch code {
	case "role":
		return "Not for your role"
	case "signup_closed":
		return "No sign-up here"
	case "link_ended":
		return "This link has ended"
	case store.CodeUnknownIdentity, "email_taken", "identity_taken", "provider_email", "provider_refused", "provider_state", "provider_away":
		return "Not signed in"
	case models.CodeStorageFull:
		return "No room left"
	case models.CodeStorageReadOnly:
		return "Nothing can be saved"
	case codeCSRF:
		return "The form was not taken"
	}
	return ""
}

func isAPI(c *fiber.Ctx) bool { return strings.HasPrefix(c.Path(), "/api/") || c.Path() == "/api" }

func isHTMX(c *fiber.Ctx) bool {
	return c.Get("HX-Request") == "true" && c.Get("HX-History-Restore-Request") != "true"
}
