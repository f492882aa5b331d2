package store_test

import (
	"strings"
	"testing"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// TestDropBodies drops what a source keeps for a week: no millisecond early, no
// request that waits, and nothing of another source.
func TestDropBodies(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, func(in *models.SourceInput) { in.BodyRetentionDays = 7 })
		other := source(t, r, func(in *models.SourceInput) { in.Slug = "other" })
		sent := f.stripeRequest(s, f.paid("evt_1", "cus_dropped", ""))
		sent.Headers = append(sent.Headers, inbound.Header{Name: "X-Note", Value: "note_dropped"})
		h, err := f.Engine().Handle(t.Context(), f.open(t, s), sent, "note=query_dropped", false)
		must(t, err)
		untouched := f.handle(t, other, f.stripeRequest(other, f.paid("evt_1", "cus_kept", "")))
		f.handle(t, s, f.signed(t, s, "", laterSecret))
		refused, _, err := r.Requests(t.Context(), models.RequestFilter{States: []inbound.State{inbound.Refused}}, models.Page{})
		must(t, err)
		f.process(t)
		waits := f.handle(t, s, f.stripeRequest(s, f.paid("evt_2", "cus_waits", "")))
		drop := func() {
			t.Helper()
			must(t, f.Engine().DropBodies(t.Context()))
		}

		// Up to a minute before they are a week old, all have all.
		f.clock.Advance(database.IDTime(h.RequestID).Add(7*models.Day - time.Minute).Sub(f.Now())) // the clock goes on by itself
		drop()
		if q := request(t, r, h.RequestID); len(q.Body) == 0 || len(q.Headers) == 0 || q.BodyDroppedAt != nil {
			t.Fatalf("before the age of a week the body has %d bytes, dropped at %v; want it kept", len(q.Body), q.BodyDroppedAt)
		}
		f.clock.Advance(time.Minute + time.Second)
		drop()
		q := request(t, r, h.RequestID)
		if len(q.Body)+len(q.Headers)+len(q.Query) != 0 || q.BodyDroppedAt == nil || q.BodyBytes != len(sent.Body) || q.ExternalID != "evt_1" || len(q.Events) != 2 {
			t.Errorf("after a week the request is %+v; want neither body, headers nor query, and all else", q)
		}
		for _, text := range []string{"note_dropped", "query_dropped"} {
			dumpAll(t, f.Store).holdsNowhere(t, "what was dropped", text)
		}
		if q := request(t, r, refused[0].ID); len(q.Body)+len(q.Headers) != 0 || q.BodyDroppedAt == nil {
			t.Errorf("the refused request has %d bytes, dropped at %v; want none", len(q.Body), q.BodyDroppedAt)
		}
		if q := request(t, r, untouched.RequestID); len(q.Body) == 0 || q.BodyDroppedAt != nil {
			t.Error("another source's request has no body any more")
		}
		if q := request(t, r, waits.RequestID); len(q.Body) == 0 || q.BodyDroppedAt != nil {
			t.Error("the request that waits has no body any more")
		}

		t.Run("is_refused_what_needs_it", func(t *testing.T) {
			if _, err := r.ReplayRequest(t.Context(), h.RequestID, true); !models.IsCode(err, "body_dropped") || !strings.Contains(err.Error(), "dropped on") {
				t.Errorf("ReplayRequest() = %v, want body_dropped and why", err)
			}
			_, err := r.AddSourceSecret(t.Context(), s.ID, laterSecret, nil)
			must(t, err)
			if _, err := r.AcceptRequest(t.Context(), refused[0].ID); !models.IsCode(err, "body_dropped") {
				t.Errorf("AcceptRequest() = %v, want body_dropped", err)
			}
			if n, err := r.CountReplay(t.Context(), models.RequestFilter{SourceID: s.ID}); err != nil || n != 1 {
				t.Errorf("CountReplay() = %d, %v; want the one that has its body", n, err)
			}
			replay, err := r.ReplayRequests(t.Context(), models.RequestFilter{SourceID: s.ID}, 0, true)
			must(t, err)
			if _, err := f.StepReplay(t.Context()); err != nil || replay.Total != 1 {
				t.Errorf("ReplayRequests() chose %d, %v; want the one that has its body", replay.Total, err)
			}
		})
		t.Run("of_what_waited_once_it_was_processed", func(t *testing.T) {
			f.process(t)
			if q := request(t, r, waits.RequestID); q.Processing != models.ProcessingProcessed || len(q.Events) != 2 {
				t.Errorf("what waited became %v, %s %s", become(q), q.Processing, q.Error)
			}
			drop()
			if q := request(t, r, waits.RequestID); q.BodyDroppedAt == nil {
				t.Error("its body is still there")
			}
		})
		t.Run("of_what_waits_for_a_reference", func(t *testing.T) {
			installed := source(t, f.Operator().Receiving(), func(in *models.SourceInput) { in.Slug, in.BodyRetentionDays = "shared", 1 })
			parked := f.handle(t, installed, f.stripeRequest(installed, f.paid("evt_3", "cus_late", "")))
			f.process(t)
			f.clock.Advance(25 * time.Hour)
			drop()
			must(t, f.Operator().SetReferences(t.Context(), f.tenant.Organization().ID, map[string]string{"stripe": "cus_late"}))
			f.process(t)
			if q := request(t, f.Operator().Receiving(), parked.RequestID); q.Processing != models.ProcessingFailed || q.BodyDroppedAt == nil || len(q.Events) != 0 {
				t.Errorf("the parked request is %s with %v; want it failed as before", q.Processing, become(q))
			}
		})
	})
}

// TestRefusedRing_is_looked_at_seldom refuses requests one by one beyond what is kept.
// Every statement that ranks what is kept would read all of it.
func TestRefusedRing_is_looked_at_seldom(t *testing.T) {
	f := onlyPostgres(t)
	s := source(t, f.tenant.Receiving(), nil)
	opened := f.open(t, s)
	for _, statement := range []string{"CREATE TABLE looks (at timestamptz)",
		"CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO looks (at) VALUES (now()); RETURN NULL; END $$",
		"CREATE TRIGGER looked AFTER DELETE ON refused_requests FOR EACH STATEMENT EXECUTE FUNCTION look()"} {
		must(t, f.DB().Exec(statement).Error)
	}
	unsigned := f.signed(t, s, "", secretOf)
	unsigned.Headers = nil
	const beyond = 50
	for range pipeline.MaxRefusedOthers + beyond {
		if h, err := f.Engine().Handle(t.Context(), opened, unsigned, "", false); err != nil || h.State != inbound.Refused {
			t.Fatalf("Handle() returned %+v, %v; want it refused", h, err)
		}
	}
	var looks, kept int64
	must(t, f.DB().Table("looks").Count(&looks).Error)
	must(t, f.DB().Model(&models.RefusedRequest{}).Count(&kept).Error)
	if looks < 1 || looks > beyond/10+1 {
		t.Errorf("%d requests beyond the bound had all be ranked %d times, want at most %d", beyond, looks, beyond/10+1)
	}
	if kept > pipeline.MaxRefusedOthers || kept < pipeline.MaxRefusedOthers*9/10 {
		t.Errorf("%d are kept, want %d to %d", kept, pipeline.MaxRefusedOthers*9/10, pipeline.MaxRefusedOthers)
	}
}

// TestPrune_keeps_what_repeats_are_known_by sends a request again at the end of its
// retention. It is a duplicate for exactly as long as the first one is there.
func TestPrune_keeps_what_repeats_are_known_by(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		first := f.handle(t, s, f.stripeRequest(s, f.paid("evt_1", "cus_1", "")))
		f.process(t)
		age := func() time.Duration { return f.Now().Sub(database.IDTime(first.RequestID)) }
		repeat := func(when string) (there bool) {
			t.Helper()
			must(t, f.Engine().MakePartitions(t.Context()))
			must(t, f.Engine().Prune(t.Context(), f.Now().Add(-pipeline.MinRetention)))
			_, err := r.Request(t.Context(), first.RequestID)
			if there = err == nil; !there && !models.IsKind(err, models.NotFound) {
				t.Fatal(err)
			}
			h := f.handle(t, s, f.stripeRequest(s, f.paid("evt_1", "cus_1", "")))
			if (h.RequestID == first.RequestID) != there {
				t.Errorf("%s the first request is there: %v; Handle() of its repeat returned %+v", when, there, h)
			}
			return there
		}
		f.clock.Advance(pipeline.MinRetention - age() - 10*time.Second)
		if !repeat("some seconds before a week is over") {
			t.Error("the request went before its time")
		}
		f.clock.Advance(pipeline.MinRetention - age() + time.Second)
		repeat("a second after a week") // on Postgres its day is not over
		f.clock.Advance(models.Day)
		if repeat("a day later") {
			t.Error("the request is still there")
		}
	})
	t.Run("of_what_waits", func(t *testing.T) {
		eachStore(t, func(t *testing.T, f *fixture) {
			s := source(t, f.tenant.Receiving(), nil)
			waits := f.handle(t, s, f.stripeRequest(s, f.paid("evt_1", "cus_1", "")))
			f.clock.Advance(40 * models.Day)
			must(t, f.Engine().MakePartitions(t.Context()))
			must(t, f.Engine().Prune(t.Context(), f.Now().Add(-pipeline.MinRetention)))
			if h := f.handle(t, s, f.stripeRequest(s, f.paid("evt_1", "cus_1", ""))); !h.Duplicate || h.RequestID != waits.RequestID {
				t.Errorf("Handle() of a repeat of what waits returned %+v, want a duplicate of %s", h, waits.RequestID)
			}
		})
	})
}
