package cli

import (
	"testing"
	"time"
)

func TestExpiry(t *testing.T) {
	now := time.Date(2026, 3, 3, 15, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"90d": "2026-06-01T15:00:00Z", "1d": "2026-03-04T15:00:00Z", "2027-01-31": "2027-01-31T00:00:00Z", "2027-01-31T12:00:00+02:00": "2027-01-31T10:00:00Z",
	} {
		var e expiry
		if err := e.UnmarshalText([]byte(text)); err != nil || e.at(now).Format(time.RFC3339) != want {
			t.Errorf("%s: %v, %v", text, e.at(now), err)
		}
	}
	for _, text := range []string{"", "d", "0d", "-1d", "90", "tomorrow", "2027-13-01", "99999999d"} {
		if err := new(expiry).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	if at := (expiry{}).at(now); at != nil {
		t.Errorf("left out: %v", at)
	}
}
