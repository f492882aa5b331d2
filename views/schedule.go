package views

import (
	"strings"
	"time"

	"hookwell/views/ui"
	"hookwell/webhook"
)

// ScheduleTimes is when a schedule's attempts would be made if an event came
// now and all of them failed. Fault says why there are none.
type ScheduleTimes struct {
	Now      time.Time
	Schedule webhook.Schedule
	Fault    string
}

// ScheduleTimesID is the part of the endpoint's form that shows them.
const ScheduleTimesID = "schedule-times"

// ChosenSchedule reads what a form has chosen: a named schedule, or a list.
func ChosenSchedule(name, list string) (webhook.Schedule, error) {
	if name == webhook.CustomSchedule {
		return webhook.ParseScheduleList(list)
	}
	return webhook.ParseSchedule(name)
}

func (f EndpointForm) times(now time.Time) ScheduleTimes {
	schedule, err := ChosenSchedule(f.Schedule, f.Delays)
	times := ScheduleTimes{Now: now, Schedule: schedule}
	if err != nil {
		times.Fault = err.Error()
	}
	return times
}

// words returns "at once, then 14:05:05, 14:10, 14:40, Tue 16:40".
func (s ScheduleTimes) words() string {
	words, at := make([]string, len(s.Schedule.Delays)), s.Now.UTC()
	for i, delay := range s.Schedule.Delays {
		before := at
		at = at.Add(delay)
		switch {
		case i == 0 && delay == 0:
			words[i] = "at once"
			continue
		case delay < time.Minute:
			words[i] = at.Format("15:04:05")
		default:
			words[i] = at.Format("15:04")
		}
		if !ui.SameDay(before, at) {
			words[i] = at.Format("Mon ") + words[i]
		}
	}
	if len(words) > 1 && words[0] == "at once" {
		return "at once, then " + strings.Join(words[1:], ", ")
	}
	return strings.Join(words, ", ")
}
