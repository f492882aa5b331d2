package web

import (
	"github.com/gofiber/fiber/v2"

	"hookwell/views"
)

// scheduleTimes answers when the attempts of the schedule in the query would
// be made.
func (s *Server) scheduleTimes(c *fiber.Ctx) error {
	times := views.ScheduleTimes{Now: s.Store.Now()}
	var err error
	if times.Schedule, err = views.ChosenSchedule(c.Query("schedule"), c.Query("delays")); err != nil {
		times.Fault = err.Error()
	}
	return part(s, c, fiber.StatusOK, views.ScheduleTimesPart, times)
}
