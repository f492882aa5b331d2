package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/store"
)

// refused sends requests that a source refuses, each with an id of its own, signed by a
// secret that the source doesn't have.
func (f *fixture) refused(t *testing.T, s *models.Source, secret string, ids ...string) {
	t.Helper()
	for _, id := range ids {
		sent := f.stripeSigned(s, secret, f.paid(id, "cus_1", ""))
		if h := f.handle(t, s, sent); h.Cause != inbound.CauseSignature {
			t.Fatalf("Handle() of %s has cause %q; want signature", id, h.Cause)
		}
	}
}

// stepped does the steps of a replay until it has ended, and returns it.
func (f *fixture) stepped(t *testing.T, r *store.Receiving, id string) *models.RequestReplay {
	t.Helper()
	for range 100 {
		replay, err := r.Replay(t.Context(), id)
		must(t, err)
		if replay.State != models.RecoveryRunning {
			return replay
		}
		if _, err := f.StepReplay(t.Context()); err != nil {
			t.Fatalf("StepReplay() = %v", err)
		}
		f.clock.Advance(time.Second)
	}
	t.Fatalf("the replay %s doesn't end", id)
	return nil
}

func (f *fixture) acceptable(t *testing.T, r *store.Receiving, id string) int {
	t.Helper()
	n, err := r.Acceptable(t.Context(), id)
	must(t, err)
	return n
}

// TestAcceptRequests takes in what was refused before the secret was corrected, in steps,
// each request once, and leaves what still doesn't pass.
func TestAcceptRequests(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		const others = "whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAxMg"
		var ids []string
		for i := range 7 {
			ids = append(ids, fmt.Sprint("evt_", i))
		}
		f.refused(t, s, laterSecret, append(ids, "evt_0", "evt_0")...) // the provider repeats one
		f.refused(t, s, others, "evt_other")
		if n := f.acceptable(t, r, s.ID); n != 0 {
			t.Errorf("Acceptable() = %d before the secret is corrected; want 0", n)
		}
		if _, err := r.AcceptRequests(t.Context(), s.ID, 0); !models.IsCode(err, "none_passes") {
			t.Errorf("AcceptRequests() = %v before the secret is corrected; want none_passes", err)
		}
		f.clock.Advance(time.Hour) // ages count as of the receipt
		_, err := r.AddSourceSecret(t.Context(), s.ID, laterSecret, nil)
		must(t, err)
		if n := f.acceptable(t, r, s.ID); n != 9 {
			t.Errorf("Acceptable() = %d; want the 9 that were signed with the new secret", n)
		}
		if _, err := r.AcceptRequests(t.Context(), s.ID, store.MaxReplayRate+1); !models.IsKind(err, models.Invalid) {
			t.Errorf("AcceptRequests() at more than may be = %v; want Invalid", err)
		}
		replay, err := r.AcceptRequests(t.Context(), s.ID, 3)
		if err != nil || replay.Total != 9 {
			t.Fatalf("AcceptRequests() returned %+v, %v; want 9 in all", replay, err)
		}
		if stepped, err := f.StepReplay(t.Context()); err != nil || stepped.Queued != 3 || stepped.State != models.RecoveryRunning {
			t.Fatalf("StepReplay() returned %+v, %v; want 3 accepted and more to come", stepped, err)
		}
		if ended := f.stepped(t, r, replay.ID); ended.State != models.RecoveryDone || ended.Queued != 9 {
			t.Errorf("it ended as %s with %d accepted; want done with 9", ended.State, ended.Queued)
		}
		f.process(t)
		list, _, err := r.Requests(t.Context(), models.RequestFilter{SourceID: s.ID}, models.Page{})
		must(t, err)
		var taken []string
		left := 0
		for _, q := range list {
			switch {
			case q.State == inbound.Refused && q.ExternalID == "evt_other":
				left++
			case q.State == inbound.Verified && q.AcceptedAt != nil && len(q.Events) == 2:
				taken = append(taken, q.ExternalID)
			default:
				t.Errorf("%s is %s with %v", q.ExternalID, q.State, become(&q))
			}
		}
		if slices.Sort(taken); !slices.Equal(taken, ids) || left != 1 {
			t.Errorf("%q were accepted and %d stayed refused; want each of %q once, and the other", taken, left, ids)
		}
		if got := summary(t, r, s.ID); got.Refused != 1 || got.Accepted != len(ids) || f.acceptable(t, r, s.ID) != 0 {
			t.Errorf("the source counts %d refused and %d accepted; want 1 and %d, and none left to accept", got.Refused, got.Accepted, len(ids))
		}
		counts, err := r.RequestCounts(t.Context(), models.RequestFilter{SourceID: s.ID})
		must(t, err)
		hours, err := r.RequestHours(t.Context(), s.ID)
		must(t, err)
		refused, accepted := 0, 0
		for _, h := range hours {
			refused, accepted = refused+h.Refused, accepted+h.Accepted.N
		}
		if refused != counts.States[inbound.Refused].N || accepted != counts.States[inbound.Verified].N {
			t.Errorf("the strip counts %d refused and %d accepted, the log %d and %d; want the same", refused, accepted, counts.States[inbound.Refused].N, counts.States[inbound.Verified].N)
		}
	})
}

// TestAcceptRequests_changed changes, pauses and deletes the source under way, and cancels.
func TestAcceptRequests_changed(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		begin := func(t *testing.T, slug string) (*models.Source, *models.RequestReplay) {
			t.Helper()
			must(t, f.DB().Exec("UPDATE request_replays SET state = 'done'").Error)
			s := source(t, r, func(in *models.SourceInput) { in.Slug = slug })
			f.refused(t, s, laterSecret, "evt_1", "evt_2", "evt_3")
			f.clock.Advance(time.Minute)
			_, err := r.AddSourceSecret(t.Context(), s.ID, laterSecret, nil)
			must(t, err)
			replay, err := r.AcceptRequests(t.Context(), s.ID, 1)
			must(t, err)
			if _, err := f.StepReplay(t.Context()); err != nil {
				t.Fatalf("StepReplay() = %v", err)
			}
			f.clock.Advance(2 * time.Second)
			return s, replay
		}
		t.Run("its_secret_ends", func(t *testing.T) {
			s, replay := begin(t, "ended")
			secrets, err := r.SourceSecrets(t.Context(), s.ID)
			must(t, err)
			_, err = r.EndSourceSecret(t.Context(), s.ID, secrets[0].ID, 0)
			must(t, err)
			if ended := f.stepped(t, r, replay.ID); ended.State != models.RecoveryDone || ended.Queued != 1 {
				t.Errorf("it ended as %s with %d accepted; want done with the one from before the secret ended", ended.State, ended.Queued)
			}
		})
		t.Run("it_is_paused_and_resumed", func(t *testing.T) {
			s, replay := begin(t, "paused")
			_, err := r.PauseSource(t.Context(), s.ID)
			must(t, err)
			if n := f.acceptable(t, r, s.ID); n != 0 {
				t.Errorf("Acceptable() = %d while the source is paused; want 0", n)
			}
			if stepped, err := f.StepReplay(t.Context()); err != nil || stepped.Queued != 1 || stepped.State != models.RecoveryRunning {
				t.Errorf("StepReplay() while the source is paused returned %+v, %v; want nothing accepted", stepped, err)
			}
			_, err = r.ResumeSource(t.Context(), s.ID)
			must(t, err)
			if ended := f.stepped(t, r, replay.ID); ended.State != models.RecoveryDone || ended.Queued != 3 {
				t.Errorf("it ended as %s with %d accepted; want done with 3", ended.State, ended.Queued)
			}
		})
		t.Run("it_is_deleted", func(t *testing.T) {
			s, replay := begin(t, "deleted")
			must(t, r.DeleteSource(t.Context(), s.ID))
			if ended := f.stepped(t, r, replay.ID); ended.State != models.RecoveryDone || ended.Queued != 1 {
				t.Errorf("it ended as %s with %d accepted; want done with 1", ended.State, ended.Queued)
			}
		})
		t.Run("it_is_cancelled", func(t *testing.T) {
			s, replay := begin(t, "cancelled")
			if ended, err := r.CancelReplay(t.Context(), replay.ID); err != nil || ended.State != models.RecoveryCancelled {
				t.Fatalf("CancelReplay() returned %+v, %v; want it cancelled", ended, err)
			}
			if stepped, err := f.StepReplay(t.Context()); err != nil || stepped != nil || f.acceptable(t, r, s.ID) != 2 {
				t.Errorf("StepReplay() returned %+v, %v; want none due, and two left to accept", stepped, err)
			}
		})
	})
}
