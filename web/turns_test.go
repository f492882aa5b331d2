package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hookwell/models/store"
	"hookwell/web/api"
	"hookwell/web/request"
)

// takeTurns takes so many turns for an owner, until what it returns is called.
func takeTurns(t *testing.T, of *turns, owner request.Owner, n int) (giveBack func()) {
	t.Helper()
	var ends []func()
	for range n {
		end, err := of.begin(t.Context(), owner)
		must(t, err)
		ends = append(ends, end)
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}
}

func TestTurns(t *testing.T) {
	a, b, c := request.Owner{ID: "a"}, request.Owner{ID: "b"}, request.Owner{ID: "c"}
	// came reports whether the turn that was waited for has come.
	came := func(turn chan struct{}) bool {
		select {
		case <-turn:
			return true
		default:
			return turn == nil
		}
	}
	t.Run("go_to_owners_in_rotation", func(t *testing.T) {
		of := newTurns(2, 2)
		lineA, _ := of.join(a)
		of.join(a)
		var waiting []chan struct{}
		for range 3 {
			_, turn := of.join(a)
			waiting = append(waiting, turn)
		}
		lineB, turnB := of.join(b)
		_, turnC := of.join(c)
		for i, next := range []struct {
			name string
			turn chan struct{}
			end  *turnLine
		}{{"a's first", waiting[0], lineA}, {"b's", turnB, lineA}, {"c's", turnC, lineA}, {"a's second", waiting[1], lineB}} {
			if came(next.turn) {
				t.Errorf("%s turn came before one was free", next.name)
			}
			if of.end(next.end); !came(next.turn) {
				t.Errorf("turn %d did not go to %s", i, next.name)
			}
		}
		if came(waiting[2]) || of.taken != 2 {
			t.Errorf("%d turns are taken, want 2", of.taken)
		}
	})
	t.Run("leave_some_to_others_of_one_owner", func(t *testing.T) {
		of := newTurns(3, 2)
		giveBack := takeTurns(t, of, a, 2)
		_, third := of.join(a)
		if came(third) {
			t.Error("one owner took every turn")
		}
		giveBackB := takeTurns(t, of, b, 1)
		giveBackB()
		if came(third) {
			t.Error("what another gave back went beyond the owner's share")
		}
		giveBack()
		if !came(third) {
			t.Error("the owner's own turn did not come")
		}
	})
	t.Run("are_refused_to_who_has_no_time_left", func(t *testing.T) {
		of := newTurns(1, 1)
		giveBack := takeTurns(t, of, a, 1)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for _, owner := range []request.Owner{a, b} {
			if _, err := of.begin(ended, owner); !errors.Is(err, errNoTurn) {
				t.Errorf("begin() of %s returned %v, want errNoTurn", owner, err)
			}
		}
		giveBack()
		if of.taken != 0 || len(of.lines) != 0 || len(of.rotation) != 0 {
			t.Errorf("%d turns, %d lines and %d waiting are left", of.taken, len(of.lines), len(of.rotation))
		}
	})
}

// TestAPI_reads_take_turns takes all turns of one organization. Its reads wait
// before they load anything; its reports, its changes and others' reads go on.
func TestAPI_reads_take_turns(t *testing.T) {
	f := newAPIFixtureOn(t, store.Options{}, nil)
	report := `{"type":"payment.failed","data":{"paymentId":"pay_1","amount":1,"currency":"usd","status":"failed","errorMessage":"x"}}`
	owner := request.Owner{ID: f.Own.Organization().ID}
	giveBack := takeTurns(t, f.server.reading, owner, maxReadingEach)
	var reads sync.WaitGroup
	answers := make(chan int, 100)
	for i := range cap(answers) {
		path := []string{"/events", "/deliveries?limit=200", "/endpoints", "/event-types", "/events/evt_1"}[i%5]
		reads.Go(func() { answers <- f.status(t, "GET", path, "") })
	}
	f.await(t, f.server.reading, owner, func(waiting int) bool { return waiting+len(answers) == cap(answers) })
	early := len(answers)
	for _, other := range []struct {
		key, method, path, body string
		want                    int
	}{
		{f.Key, "POST", "/events", report, http.StatusAccepted},
		{f.Key, "POST", "/events/batch", `{"events":[` + report + `]}`, http.StatusOK},
		{f.Key, "POST", "/endpoints", fmt.Sprintf(`{"url":%q,"eventTypes":["*"]}`, f.Receiver.URL), http.StatusCreated},
		{f.OtherKey, "GET", "/events", "", http.StatusOK},
		{f.Platform, "GET", "/organizations", "", http.StatusOK},
	} {
		if answer := f.Call(t, other.key, other.method, api.Path+other.path, other.body); answer.Status != other.want {
			t.Errorf("%s %s is answered with %d, want %d", other.method, other.path, answer.Status, other.want)
		}
	}
	if early > 0 {
		t.Errorf("%d reads were answered without a turn", early)
	}
	giveBack()
	reads.Wait()
	close(answers)
	for status := range answers {
		if status == http.StatusServiceUnavailable { // where the machine took longer than turnLimit
			continue
		}
		if status != http.StatusOK && status != http.StatusNotFound {
			t.Errorf("a read that waited is answered with %d", status)
		}
	}
	f.await(t, f.server.reading, owner, func(int) bool { return f.server.reading.taken == 0 })
}

// TestAPI_batches_take_turns holds that a batch waits before it is read, and is
// refused unread if its turn doesn't come.
func TestAPI_batches_take_turns(t *testing.T) {
	f := newAPIFixtureOn(t, store.Options{}, nil)
	owner := request.Owner{ID: f.Own.Organization().ID}
	giveBack := takeTurns(t, f.server.batching, owner, maxBatchingEach)
	done := make(chan int, 1)
	go func() { done <- f.status(t, "POST", "/events/batch", `{"events":[{},{}]}`) }()
	f.await(t, f.server.batching, owner, func(waiting int) bool { return waiting+len(done) == 1 })
	if len(done) > 0 {
		t.Error("the batch was answered without a turn")
	}
	giveBack()
	if status := <-done; status != http.StatusOK && status != http.StatusServiceUnavailable {
		t.Errorf("a batch that waited is answered with %d, want 200", status)
	}
	f.await(t, f.server.batching, owner, func(int) bool { return f.server.batching.taken == 0 })
}

// TestAnswers_without_room_tell_what_was_done lets a batch be accepted while there
// is no room for its answer. It must not say server_busy, after which clients send
// everything again.
func TestAnswers_without_room_tell_what_was_done(t *testing.T) {
	f := newAPIFixtureOn(t, store.Options{}, nil)
	for range maxWaiting {
		f.server.answers.waiting <- struct{}{}
	}
	for range maxLargeWaiting {
		f.server.answers.largeWaiting <- struct{}{}
	}
	f.server.answers.limit = 4 * largeAnswer
	if freed, _ := f.server.answers.try(&connection{}, largeAnswer, time.Now().Add(time.Hour)); freed != nil {
		t.Fatal("there is no room")
	}
	if freed, _ := f.server.answers.try(&connection{}, 3*largeAnswer, time.Now().Add(time.Hour)); freed != nil {
		t.Fatal("there is no room for the rest")
	}
	many := `{"events":[` + strings.Repeat(`{},`, 999) + `{}]}`
	f.Call(t, f.Key, "POST", api.BatchPath, many).IsProblem(t, http.StatusServiceUnavailable, "timeout", "")
	f.Call(t, f.Key, "GET", api.Path+"/event-types", "").IsProblem(t, http.StatusServiceUnavailable, "server_busy", "")
}

// status calls the API with the fixture's own key and returns the answer's status.
func (f *apiFixture) status(t *testing.T, method, path, body string) int {
	call, err := http.NewRequestWithContext(t.Context(), method, f.Base+api.Path+path, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0
	}
	call.Header.Set("Authorization", "Bearer "+f.Key)
	call.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(call)
	if err != nil {
		t.Error(err)
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

// await returns once met holds for how many wait in the owner's line.
func (f *apiFixture) await(t *testing.T, of *turns, owner request.Owner, met func(waiting int) bool) {
	t.Helper()
	holds := func() bool {
		of.mu.Lock()
		defer of.mu.Unlock()
		waiting := 0
		if line := of.lines[owner]; line != nil {
			waiting = len(line.waiting)
		}
		return met(waiting)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the turns never stood so")
		}
	}
}
