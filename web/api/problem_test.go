package api

import (
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/web/request"
)

func TestProblem_too_many(t *testing.T) {
	a := &API{Options: Options{Request: func(*fiber.Ctx) *request.Request { return &request.Request{ID: "r"} }}}
	app := fiber.New(fiber.Config{ErrorHandler: a.Refuse})
	app.Get("/api/many", func(c *fiber.Ctx) error {
		return &models.Error{Kind: models.TooMany, Code: "too_many_requests", Message: "Too many requests. Wait a moment."}
	})
	response, err := app.Test(httptest.NewRequest("GET", "/api/many", nil), -1)
	must(t, err)
	if response.StatusCode != 429 || response.Header.Get("Retry-After") != "1" || response.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
}
