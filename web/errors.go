package web

import (
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
	"hookwell/web/refusal"
)

// boundary is where every error of a handler, and every panic, becomes an
// answer.
func (s *Server) boundary(c *fiber.Ctx) error {
	if err := refusal.Next(c); err != nil {
		return s.answerError(c, err)
	}
	return nil
}

// answerError answers an error: a problem for the API, a sentence for htmx, a
// page for everybody else. Fiber calls it itself for requests that reached no
// handler.
func (s *Server) answerError(c *fiber.Ctx, err error) error {
	v := s.visit(c)
	if isAPI(c) {
		return s.api.Refuse(c, err)
	}
	status, told := refusal.Report(c, s.Log, v.ID, err)
	if isHTMX(c) || errors.Is(err, errNoTurn) || errors.Is(err, errUnkept) {
		return c.Status(status).Type("txt", "utf-8").SendString(told.Message)
	}
	return s.failurePage(c, status, told)
}

// failurePage draws the page inside the organization if the request got that
// far, at the door otherwise, and in plain text when not even that works.
func (s *Server) failurePage(c *fiber.Ctx, status int, told *models.Error) error {
	failure := views.Failure{Status: status, Title: failureTitle(told.Code), Message: told.Message, RequestID: s.visit(c).ID}
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

// failureTitle returns the heading for what a status alone says too little about.
func failureTitle(code string) string {
	switch code {
	case "role":
		return "Not for your role"
	case "signup_closed":
		return "No sign-up here"
	case "link_ended":
		return "This link has ended"
	case store.CodeUnknownIdentity, "email_taken", "identity_taken", store.CodeProviderEmail, "provider_refused", "provider_state", "provider_away":
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
