package web

import (
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
)

// problem answers an error as RFC 9457 has it.
func problem(c *fiber.Ctx, status int, e *models.Error) error {
	return c.Status(status).JSON(fiber.Map{"type": "about:blank", "title": e.Message, "status": status, "code": e.Code, "detail": e.Message},
		"application/problem+json")
}
