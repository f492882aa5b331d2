package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/pipeline"
)

// begun makes a source whose first request has come: groups of its requests are
// committed in one statement.
func (f *fixture) begun(t *testing.T) (*models.Source, *pipeline.OpenSource) {
	t.Helper()
	s := source(t, f.tenant.Receiving(), nil)
	if h := f.handle(t, s, f.signed(t, s, "invoice.paid", secretOf)); h.State != inbound.Verified {
		t.Fatalf("Handle() of a source's first request returned %+v, want verified", h)
	}
	f.Engine().ForgetSource(&f.open(t, s).Source)
	opened := f.open(t, s)
	if opened.FirstVerifiedAt == nil {
		t.Fatal("FirstVerifiedAt is nil after the first request")
	}
	return s, opened
}

// TestReceive_once_beside_others sends many requests, each four times at once from two
// processes, so that groups have twins in them, repeats of earlier ones, and keys that
// another process takes at the same moment.
func TestReceive_once_beside_others(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		s, opened := f.begun(t)
		other := f.again(t)
		const requests, copies = 25, 4
		var group sync.WaitGroup
		var mu sync.Mutex
		fresh, ids := map[int]int{}, map[int]map[string]bool{}
		for n := range requests {
			sent := f.signed(t, s, "invoice.paid", secretOf)
			ids[n] = map[string]bool{}
			for copied := range copies {
				engine := f.Engine()
				if copied%2 == 1 {
					engine = other.Engine()
				}
				group.Go(func() {
					h, err := engine.Handle(context.Background(), opened, sent, "", false)
					if err != nil || h.Response.Status != 200 {
						t.Errorf("Handle() returned %+v, %v; want 200", h, err)
					}
					mu.Lock()
					defer mu.Unlock()
					ids[n][h.RequestID] = true
					if !h.Duplicate {
						fresh[n]++
					}
				})
			}
		}
		group.Wait()
		for n := range requests {
			if fresh[n] != 1 || len(ids[n]) != 1 {
				t.Errorf("of %d copies of request %d, %d were new and %d different ones were kept; want 1", copies, n, fresh[n], len(ids[n]))
			}
		}
		list, _, err := f.tenant.Receiving().Requests(t.Context(), models.RequestFilter{SourceID: s.ID}, models.Page{Limit: 100})
		must(t, err)
		repeats := 0
		for i := range list {
			repeats += list[i].Duplicates
		}
		if len(list) != 1+requests || repeats != requests*(copies-1) {
			t.Errorf("%d requests with %d duplicates are on record, want %d with %d", len(list), repeats, 1+requests, requests*(copies-1))
		}
		for n := 1; n > 0; {
			n, err = f.Engine().ProcessRequests(t.Context())
			must(t, err)
		}
		for i := range list {
			kept, err := f.tenant.Receiving().Request(t.Context(), list[i].ID)
			must(t, err)
			if kept.Processing != models.ProcessingProcessed {
				t.Errorf("%s is %s after processing, want processed", kept.ID, kept.Processing)
			}
		}
	})
}

// TestReceive_changed_source holds that nothing is committed that was checked by a
// source as it was before a change.
func TestReceive_changed_source(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		s, opened := f.begun(t)
		change := map[string]func() error{
			"a_secret_is_added": func() error {
				_, err := f.tenant.Receiving().AddSourceSecret(t.Context(), s.ID, secretOf+"AA", nil)
				return err
			},
			"it_is_deleted": func() error { return f.tenant.Receiving().DeleteSource(t.Context(), s.ID) },
		}
		for _, name := range []string{"a_secret_is_added", "it_is_deleted"} {
			t.Run(name, func(t *testing.T) {
				request := f.signed(t, s, "invoice.paid", secretOf)
				must(t, change[name]())
				_, err := f.Engine().Receive(t.Context(), &pipeline.Arrival{Source: opened, Request: request, Verification: opened.Verify(request), StatusCode: 200})
				if !errors.Is(err, pipeline.ErrSourceChanged) {
					t.Errorf("Receive() of what was checked before returned %v, want ErrSourceChanged", err)
				}
			})
		}
		list, _, err := f.tenant.Receiving().Requests(t.Context(), models.RequestFilter{SourceID: s.ID}, models.Page{})
		must(t, err)
		if len(list) != 1 {
			t.Errorf("%d requests are on record, want the first alone", len(list))
		}
	})
}

// TestReceive_twins sends requests twice at once to one process, while it commits
// others: both copies wait for the same group.
func TestReceive_twins(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		s, opened := f.begun(t)
		const rounds, requests = 5, 20
		for range rounds {
			var group sync.WaitGroup
			send := func(sent *inbound.Request) {
				group.Go(func() {
					if _, err := f.Engine().Handle(context.Background(), opened, sent, "", false); err != nil {
						t.Errorf("Handle() failed: %v", err)
					}
				})
			}
			var twins []*inbound.Request
			for range requests {
				twins = append(twins, f.signed(t, s, "invoice.paid", secretOf))
			}
			// The first one to arrive makes a group of its own: mostly the last to be sent.
			send(f.signed(t, s, "invoice.paid", secretOf))
			last := f.signed(t, s, "invoice.paid", secretOf)
			for _, sent := range twins {
				send(sent)
				send(sent)
			}
			send(last)
			group.Wait()
		}
		list, _, err := f.tenant.Receiving().Requests(t.Context(), models.RequestFilter{SourceID: s.ID}, models.Page{Limit: 200})
		must(t, err)
		if want := 1 + rounds*(requests+2); len(list) != want {
			t.Errorf("%d requests are on record, want %d", len(list), want)
		}
		seen := map[string]bool{}
		for i := range list {
			if seen[list[i].ExternalID] {
				t.Errorf("%s is on record twice", list[i].ExternalID)
			}
			seen[list[i].ExternalID] = true
		}
	})
}
