package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"
)

func TestAnswerMemory(t *testing.T) {
	conn := func(t *testing.T) *connection {
		client, server := net.Pipe()
		t.Cleanup(func() { client.Close() })
		return &connection{Conn: server}
	}
	now := time.Now()
	t.Run("gives_up_the_answer_that_has_waited_the_longest", func(t *testing.T) {
		m := newAnswerMemory(100, slog.New(slog.DiscardHandler))
		first, second, third := conn(t), conn(t), conn(t)
		for i, c := range []*connection{first, second} {
			if freed, _ := m.try(c, 50, now.Add(time.Duration(i)*time.Second)); freed != nil {
				t.Fatalf("there was no room for %d", i)
			}
		}
		if freed, wait := m.try(third, 50, now.Add(takeLimit/2)); freed == nil || wait != takeLimit/2 {
			t.Errorf("a fresh answer was given up, or %s are waited", wait)
		}
		if freed, _ := m.try(third, 50, now.Add(takeLimit)); freed != nil || !first.stalled.Load() || second.stalled.Load() {
			t.Error("the oldest answer was not the one that was given up")
		}
		if m.used != 100 {
			t.Errorf("%d bytes are held", m.used)
		}
	})
	t.Run("has_room_again_once_an_answer_was_taken", func(t *testing.T) {
		m := newAnswerMemory(100, slog.New(slog.DiscardHandler))
		first := conn(t)
		m.try(first, 100, now)
		freed, _ := m.try(conn(t), 1, now)
		m.release(first)
		<-freed
		if freed, _ := m.try(conn(t), 100, now); freed != nil {
			t.Error("there is no room")
		}
	})
	t.Run("takes_one_that_is_larger_than_all_of_it", func(t *testing.T) {
		m := newAnswerMemory(100, slog.New(slog.DiscardHandler))
		if freed, _ := m.try(conn(t), 101, now); freed != nil {
			t.Error("it waits for ever")
		}
	})
	t.Run("refuses_who_has_no_time_left", func(t *testing.T) {
		m := newAnswerMemory(100, slog.New(slog.DiscardHandler))
		if err := m.hold(t.Context(), conn(t), 100); err != nil {
			t.Fatal(err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := m.hold(ended, conn(t), 1); !errors.Is(err, errNoTurn) {
			t.Errorf("got %v", err)
		}
	})
}
