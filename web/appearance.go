package web

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/views"
)

const (
	themeCookie = "hookwell_theme"
	themeLife   = 365 * 24 * time.Hour
)

// appearance keeps the theme in the browser: it is the browser's, not the
// account's.
func (s *Server) appearance(c *fiber.Ctx) error {
	s.setCookie(c, themeCookie, string(theme(field(c, "theme"))), themeLife)
	return goOn(c, field(c, "next"))
}

// theme reads a theme; anything unknown is the system's.
func theme(text string) views.Theme {
	switch t := views.Theme(text); t {
	case views.ThemeLight, views.ThemeDark:
		return t
	}
	return views.ThemeSystem
}
