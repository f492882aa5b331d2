package web

import (
	"github.com/gofiber/fiber/v2"
)

const batchPath = "/api/v1/events/batch"

// routes is every route, in groups by the right that it asks for.
func (s *Server) routes() {
	app := s.app
	app.Use(s.begin, s.boundary)
	app.Get("/healthz", s.health)
	app.Get("/readyz", s.ready)
	app.Use(s.checkHost)
	app.Get("/static/:file", s.staticFile)
	s.apiRoutes(app.Group("/api/v1"))
}

// group adds routes that one right opens.
type group struct {
	router fiber.Router
	guard  fiber.Handler
}

func (g group) get(path string, handler fiber.Handler)  { g.router.Get(path, g.guard, handler) }
func (g group) post(path string, handler fiber.Handler) { g.router.Post(path, g.guard, handler) }
