package web

import (
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/web/api"
	"hookwell/web/receive"
)

// note writes a line for each request and counts what the API answered. The
// line has the route's pattern and never the path: paths may hold tokens.
// Requests of the API stand at info, all others at debug.
func (s *Server) note(c *fiber.Ctx) error {
	began := time.Now()
	err := c.Next()
	took, v, status, route := time.Since(began), s.visit(c), c.Response().StatusCode(), c.Route().Path
	level := slog.LevelDebug
	if isAPI(c) {
		level = slog.LevelInfo
		s.count(c.Method(), route, status, took)
	}
	if s.Log.Enabled(c.UserContext(), level) {
		attributes := append(make([]slog.Attr, 0, 7), slog.String("request", v.ID), slog.String("method", c.Method()), slog.String("route", route),
			slog.Int("status", status), slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("address", v.Client.String()))
		if v.KeyID != "" {
			attributes = append(attributes, slog.String("key", v.KeyID))
		}
		s.Log.LogAttrs(c.UserContext(), level, "request", attributes...)
	}
	return err
}

func (s *Server) count(method, route string, status int, took time.Duration) {
	if s.Meter == nil {
		return
	}
	s.Meter.Request(method, route, status, took)
	if reports := route == api.EventsPath || route == api.BatchPath; reports && method == fiber.MethodPost && status < fiber.StatusMultipleChoices {
		s.Meter.Accept(took)
	}
}

// receiveMeter returns the part of a meter that counts what sources got; nil for
// none.
func receiveMeter(m Meter) receive.Meter {
	if m == nil {
		return nil
	}
	return m
}
