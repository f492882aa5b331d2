// Package refusal turns a handler's error into a response, for pages and the API
// alike: refusal.go has the status, the sentence that the client may see, and
// what is logged; audit.go records in the audit log that somebody lacked a right;
// fields.go makes errors of fields. Start with Report.
package refusal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
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

// Of returns an error's status and the sentence that the client may see. An error
// that is not meant for people is a plain 500.
func Of(err error) (int, *models.Error) {
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

// Report does what Of does, and sets Retry-After. It logs an internal error under
// the request's id, which the client gets too.
func Report(c *fiber.Ctx, log *slog.Logger, requestID string, err error) (int, *models.Error) {
	status, told := Of(err)
	if status >= fiber.StatusInternalServerError && told.Code != CodeBusy {
		log.Error("request failed", "error", err, "request", requestID, "method", c.Method(), "route", c.Route().Path, "status", status)
		if told.Code == "internal" {
			told.Message += " The fault is logged under the id " + requestID + "."
		}
	}
	SetRetryAfter(c, told)
	return status, told
}

// SetRetryAfter sets the header that says when another try may succeed, if that
// is known.
func SetRetryAfter(c *fiber.Ctx, told *models.Error) {
	if told.RetryAfter > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(int((told.RetryAfter+time.Second-1)/time.Second)))
	}
}

// Next calls the next handler and returns its error. It turns a panic into an
// error.
func Next(c *fiber.Ctx) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v\n%s", fault, debug.Stack())
		}
	}()
	return c.Next()
}

// CodeBusy is the code of the error for a body that there is no memory for. The
// budget logs it, once for many.
const CodeBusy = "server_busy"
