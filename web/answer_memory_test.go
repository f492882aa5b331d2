package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"hookwell/web/request"
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
		if err := m.hold(t.Context(), conn(t), 100, func() {}); err != nil {
			t.Fatal(err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := m.hold(ended, conn(t), 1, func() {}); !errors.Is(err, errNoTurn) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("keeps_a_quarter_from_large_answers", func(t *testing.T) {
		const limit = 8 * largeAnswer
		m := newAnswerMemory(limit, slog.New(slog.DiscardHandler))
		large := conn(t)
		if freed, _ := m.try(large, limit*3/4, now); freed != nil {
			t.Fatal("there is no room for three quarters")
		}
		if freed, wait := m.try(conn(t), largeAnswer+1, now); freed == nil || wait != takeLimit {
			t.Errorf("a large answer has room in what is kept from it, or waits %s", wait)
		}
		first := conn(t)
		for i, c := range []*connection{first, conn(t)} {
			if freed, _ := m.try(c, largeAnswer, now.Add(-time.Hour+time.Duration(i)*time.Minute)); freed != nil {
				t.Fatalf("answer %d waits behind the large one", i)
			}
		}
		if freed, _ := m.try(conn(t), largeAnswer, now); freed != nil || !first.stalled.Load() || large.stalled.Load() {
			t.Error("where small ones have no room, a large one is given up for them")
		}
		if freed, _ := m.try(conn(t), largeAnswer+1, now.Add(takeLimit)); freed != nil || !large.stalled.Load() {
			t.Error("a large one is not given up for another")
		}
		if m.usedLarge != largeAnswer+1 || m.used != 3*largeAnswer+1 {
			t.Errorf("%d bytes are held, %d by large answers", m.used, m.usedLarge)
		}
	})
}

// TestAnswers_that_wait_for_room_keep_no_turn fills the memory of the answers for
// as long as the test lasts, and lets more readers than there are turns ask for
// large pages. A form is drawn while these wait.
func TestAnswers_that_wait_for_room_keep_no_turn(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.answers.limit = 4 * largeAnswer
	if freed, _ := s.answers.try(&connection{}, 3*largeAnswer, time.Now().Add(time.Hour)); freed != nil {
		t.Fatal("there is no room")
	}
	var readers sync.WaitGroup
	defer readers.Wait()
	refused := make(chan struct{}, 2*maxDrawing)
	for range 2 * maxDrawing {
		readers.Go(func() {
			answer, err := http.Get(s.url + referencePath)
			if err != nil {
				t.Error(err)
				return
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
				t.Errorf("a reader is answered with %d", answer.StatusCode)
			}
			refused <- struct{}{}
		})
	}
	for range 2*maxDrawing - maxLargeWaiting { // too many wait, so these are told at once
		<-refused
	}
	if n := len(s.answers.largeWaiting); n != maxLargeWaiting {
		t.Errorf("%d wait for room, want %d", n, maxLargeWaiting)
	}
	b := s.browser(t)
	wantStatus(t, b.get(t, "/login"), http.StatusOK)
	if n := len(refused); n > 0 {
		t.Errorf("the form came after %d of those who wait", n)
	}
}

// TestReference_has_turns_of_its_own takes all turns of the pages, and then all of
// the reference.
func TestReference_has_turns_of_its_own(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.browser(t)
	giveBack := takeTurns(t, s.drawing, request.Owner{}, maxDrawing)
	wantStatus(t, b.get(t, referencePath), http.StatusOK)
	giveBack()
	takeTurns(t, s.referring, request.Owner{}, maxReferring)
	wantStatus(t, b.get(t, "/login"), http.StatusOK)
	wantStatus(t, b.get(t, referencePath), http.StatusServiceUnavailable)
}
