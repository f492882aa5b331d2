package database

import (
	"errors"
	"testing"
)

// TestShortage_keeps_what_comes_while_room_is_looked_for has something refused for
// want of room between a probe's look and its end.
func TestShortage_keeps_what_comes_while_room_is_looked_for(t *testing.T) {
	var s shortage
	want := func(lasts bool, when string) {
		t.Helper()
		if s.lasts() != lasts {
			t.Errorf("lasts() returned %v %s", !lasts, when)
		}
	}
	want(false, "before anything was refused")
	s.note()
	want(true, "after a refusal")
	errFull := errors.New("no room")
	if err := s.ends(func() error { return errFull }); !errors.Is(err, errFull) {
		t.Errorf("ends() returned %v, want %v", err, errFull)
	}
	want(true, "after a probe that found none")
	_ = s.ends(func() error { s.note(); return nil })
	want(true, "after a refusal beside a probe that found room")
	_ = s.ends(func() error { return nil })
	want(false, "after a probe that found room")
}
