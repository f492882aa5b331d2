package webhook_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hookwell/webhook"
)

func TestParseScheduleList(t *testing.T) {
	const s, m, h = time.Second, time.Minute, time.Hour
	for text, want := range map[string][]time.Duration{
		"0s, 5s, 5m, 1h":   {0, 5 * s, 5 * m, h},
		"0 5 300":          {0, 5 * s, 5 * m},
		"0s;1h30m;1D":      {0, h + 30*m, 24 * h},
		"1m":               {m},
		" 0s ,\n 10s,, 2h": {0, 10 * s, 2 * h},
	} {
		schedule, err := webhook.ParseScheduleList(text)
		if err != nil || !slices.Equal(schedule.Delays, want) || schedule.Name != webhook.CustomSchedule {
			t.Errorf("%q: %v, %v, want %v", text, schedule, err, want)
			continue
		}
		again, err := webhook.ParseScheduleList(schedule.List())
		if err != nil || !slices.Equal(again.Delays, want) {
			t.Errorf("%q is written as %q, which is %v, %v", text, schedule.List(), again, err)
		}
	}
	for text, want := range map[string]string{
		"": "at least one delay", " , ": "at least one delay", "soon": "soon is no delay", "5x": "5x is no delay", "m": "m is no delay",
		"-5s": "-5s is no delay", "5m1h": "no delay", "1h2h": "no delay", "1.5h": "no delay", "0s, 0s": "at least 1 s",
		"3d, 3d": "at most 5 days", "99999999999999999999s": "no delay", strings.Repeat("1s,", 21): "1 to 20 delays",
	} {
		if schedule, err := webhook.ParseScheduleList(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v, want %q", text, schedule, err, want)
		}
	}
}
