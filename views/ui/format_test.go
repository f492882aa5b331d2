package ui

import (
	"testing"
	"time"
)

func TestFormatTook(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "–", 400 * time.Microsecond: "< 1 ms", 192_400 * time.Microsecond: "192 ms", 999_600 * time.Microsecond: "1.0 s",
		1200 * time.Millisecond: "1.2 s", 15 * time.Second: "15.0 s", 75 * time.Second: "1 min 15 s",
	} {
		if got := FormatTook(d); got != want {
			t.Errorf("%v: %q, not %q", d, got, want)
		}
	}
}

func TestFormatSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 900 * time.Millisecond: "1 s", 59 * time.Second: "59 s", time.Minute: "1 min", 133 * time.Second: "2 min 13 s",
		time.Hour: "1 h", time.Hour + 5*time.Second: "1 h", 97 * time.Hour: "4 d 1 h", 96*time.Hour + 10*time.Minute: "4 d",
		75*time.Hour + 35*time.Minute + 5*time.Second: "3 d 3 h",
	} {
		if got := FormatSpan(d); got != want {
			t.Errorf("%v: %q, not %q", d, got, want)
		}
	}
}

func TestRelative(t *testing.T) {
	for _, c := range []struct {
		kind    Relative
		at      time.Duration
		want    string
		changes bool
	}{
		{RelativeAgo, 0, "just now", true},
		{RelativeAgo, -4 * time.Second, "4 s ago", true},
		{RelativeAgo, time.Minute, "just now", true}, // a clock that runs ahead
		{RelativeAgo, -97 * time.Hour, "4 d ago", true},
		{RelativeAgo, -40 * 24 * time.Hour, "11 Mar 2026", false},
		{RelativeAge, -39*time.Minute - 5*time.Second, "39 min", true},
		{RelativeAge, 0, "now", true},
		{RelativeSpan, -97 * time.Hour, "4 d 1 h", true},
		{RelativeUntil, 133 * time.Second, "in 2 min 13 s", true},
		{RelativeUntil, -time.Minute, "now", true},
	} {
		words, changes := c.kind.Words(sampleNow, sampleNow.Add(c.at))
		if words != c.want || changes != c.changes {
			t.Errorf("%s %v: %q %v, not %q %v", c.kind, c.at, words, changes, c.want, c.changes)
		}
	}
}

func TestFormatTimes(t *testing.T) {
	now := sampleNow
	today, day, year := now.Add(-time.Hour), now.Add(-80*time.Hour), now.AddDate(-1, 0, 0)
	for _, c := range []struct{ got, want string }{
		{FormatClock(now, today), "08:42:18"},
		{FormatClock(now, day), "Fri 17 April, 01:42:18"},
		{FormatClock(now, year), "20 April 2025, 09:42:18"},
		{FormatFull(now, today), "Mon 20 April, 08:42:18"},
		{FormatDay(now, day), "Fri 17 April, 01:42"},
		{FormatBrief(now, today), "08:42:18"},
		{FormatBrief(now, day), "17 Apr, 01:42"},
		{FormatBrief(now, year), "20 Apr 2025"},
		{FormatAbout(now, now.Add(2*time.Hour)), "about 11:42"},
		{FormatAbout(now, now.Add(20*time.Hour)), "Tue, about 05:42"},
		{FormatStep(now, day, day.Add(time.Hour), false), "02:42:18"},
		{FormatStep(now, day, day.Add(24*time.Hour), false), "Sat 18 April, 01:42:18"},
		{FormatClock(now, now.In(time.FixedZone("X", 3600))), "09:42:18"},
	} {
		if c.got != c.want {
			t.Errorf("%q, not %q", c.got, c.want)
		}
	}
}

func TestFormatNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{FormatCount(0), "0"}, {FormatCount(999), "999"}, {FormatCount(1000), "1,000"}, {FormatCount(22960), "22,960"},
		{FormatCount(1234567), "1,234,567"}, {FormatCount(-1234), "-1,234"},
		{Plural(1, "attempt"), "1 attempt"}, {Plural(2, "attempt"), "2 attempts"}, {Plural(0, "attempt"), "0 attempts"},
		{FormatSize(97), "97 bytes"}, {FormatSize(16384), "16 KiB"},
		{FormatRough(75 * time.Hour), "3 d"}, {FormatRough(17*time.Hour + 42*time.Minute), "18 h"}, {FormatRough(90 * time.Second), "1 min 30 s"},
		{ShortID("dlv_01kpcvh2x3f9qa7t5m8rw4zn6e"), "dlv_…rw4zn6e"}, {ShortID("ep_short"), "ep_short"}, {ShortID("none"), "none"},
		{Initials("Acme Robotics"), "AR"}, {Initials("øresund"), "Ø"}, {Initials(" "), "?"},
		{WithArticle("owner"), "an owner"}, {WithArticle("guest"), "a guest"},
	} {
		if c.got != c.want {
			t.Errorf("%q, not %q", c.got, c.want)
		}
	}
}

// sampleNow is a time in the middle of a day.
var sampleNow = time.Date(2026, 4, 20, 9, 42, 18, 0, time.UTC)
