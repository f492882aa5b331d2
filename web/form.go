package web

import "github.com/gofiber/fiber/v2"

// field returns a form's value. Fiber's FormValue would take it from the query too.
func field(c *fiber.Ctx, name string) string { return string(c.Context().PostArgs().Peek(name)) }

// hasField reports whether a form was sent with a field of that name.
func hasField(c *fiber.Ctx, name string) bool { return c.Context().PostArgs().Has(name) }

// queryOf reads the query string, as filters take it.
func queryOf(c *fiber.Ctx) func(key string) string {
	return func(key string) string { return c.Query(key) }
}

// fields returns all of a form's values of that name.
func fields(c *fiber.Ctx, name string) []string {
	var values []string
	for _, value := range c.Context().PostArgs().PeekMulti(name) {
		values = append(values, string(value))
	}
	return values
}
