package web

import "github.com/gofiber/fiber/v2"

func (s *Server) apiRoutes(api fiber.Router) {}
