package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/store"
)

// receivedOf is a source with what it took in and refused.
type receivedOf struct {
	source  *models.Source
	secret  *models.SourceSecret // which has ended
	request *models.Request
	refused *models.Request // whose secret is known by now
	replay  *models.RequestReplay
}

const laterSecret = "whsec_dGVzdHMtb2YtcmVjZWl2aW5nLTk4NzY1"

// received gives the fixture's tenant one of everything that receiving knows.
func (f *fixture) received(t *testing.T) *receivedOf {
	t.Helper()
	p, r := &receivedOf{}, f.tenant.Receiving()
	p.source = source(t, r, func(in *models.SourceInput) {
		in.Slug = "stripe_" + strings.ToLower(f.clock.NewID("", f.Now())[16:])
	})
	h := f.handle(t, p.source, f.signed(t, p.source, "invoice.paid", secretOf))
	f.handle(t, p.source, f.signed(t, p.source, "invoice.paid", laterSecret))
	f.process(t)
	p.request = request(t, r, h.RequestID)
	refused, _, err := r.Requests(t.Context(), models.RequestFilter{SourceID: p.source.ID, States: []inbound.State{inbound.Refused}}, models.Page{})
	if err != nil || len(refused) != 1 {
		t.Fatalf("Requests() returned %d refused, %v; want 1", len(refused), err)
	}
	p.refused = &refused[0]
	refusing := source(t, r, func(in *models.SourceInput) { in.Slug = "r" + p.source.Slug })
	f.handle(t, refusing, f.signed(t, refusing, "invoice.paid", laterSecret))
	now := 0
	_, err = r.AddSourceSecret(t.Context(), p.source.ID, laterSecret, &now)
	must(t, err)
	secrets, err := r.SourceSecrets(t.Context(), p.source.ID)
	must(t, err)
	p.secret = &secrets[1]
	must(t, f.DB().Exec("UPDATE request_replays SET state = 'done'").Error) // of which few run at once
	p.replay, err = r.ReplayRequests(t.Context(), models.RequestFilter{SourceID: p.source.ID}, 0, false)
	must(t, err)
	return p
}

// receivingCall uses one method with the ids of p and returns the ids of what it
// reached.
type receivingCall func(ctx context.Context, r *store.Receiving, p *receivedOf) ([]string, error)

func onSource(use func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.Source, error)) receivingCall {
	return func(ctx context.Context, r *store.Receiving, p *receivedOf) ([]string, error) {
		_, err := use(ctx, r, p)
		return nil, err
	}
}

func onRequest(use func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.Request, error)) receivingCall {
	return func(ctx context.Context, r *store.Receiving, p *receivedOf) ([]string, error) {
		_, err := use(ctx, r, p)
		return nil, err
	}
}

func onReplay(use func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.RequestReplay, error)) receivingCall {
	return func(ctx context.Context, r *store.Receiving, p *receivedOf) ([]string, error) {
		_, err := use(ctx, r, p)
		return nil, err
	}
}

// receivingRefused are the methods that name a row: another owner's is NotFound.
var receivingRefused = map[string]receivingCall{
	"SourceSummary": func(ctx context.Context, r *store.Receiving, p *receivedOf) ([]string, error) {
		one, err := r.SourceSummary(ctx, p.source.ID)
		if err != nil {
			return nil, err
		}
		return []string{one.ID}, nil
	},
	"Source": onSource(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.Source, error) {
		return r.Source(ctx, p.source.ID)
	}),
	"PreviewMappings": func(ctx context.Context, r *store.Receiving, p *receivedOf) ([]string, error) {
		list, err := r.PreviewMappings(ctx, p.source.ID, "[]")
		return named(list, func(q models.PreviewedRequest) string { return q.Request.ID }), err
	},
	"PreviewReplay": func(ctx context.Context, r *store.Receiving, p *receivedOf) ([]string, error) {
		q, err := r.PreviewReplay(ctx, p.request.ID)
		if err != nil {
			return nil, err
		}
		return []string{q.Request.ID}, nil
	},
	"UpdateSource": onSource(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.Source, error) {
		return r.UpdateSource(ctx, p.source.ID, func(in *models.SourceInput) error { in.Name = "Renamed"; return nil })
	}),
	"PauseSource": onSource(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.Source, error) {
		return r.PauseSource(ctx, p.source.ID)
	}),
	"ResumeSource": onSource(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.Source, error) {
		return r.ResumeSource(ctx, p.source.ID)
	}),
	"RotateURL": onSource(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.Source, error) {
		return r.RotateURL(ctx, p.source.ID, 1)
	}),
	"AddSourceSecret": onSource(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.Source, error) {
		return r.AddSourceSecret(ctx, p.source.ID, "whsec_dGVzdHMtb2YtcmVjZWl2aW5nLTU1NTU1", nil)
	}),
	"EndSourceSecret": onSource(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.Source, error) {
		return r.EndSourceSecret(ctx, p.source.ID, p.secret.ID, 0)
	}),
	"RestoreSourceSecret": onSource(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.Source, error) {
		return r.RestoreSourceSecret(ctx, p.source.ID, p.secret.ID)
	}),
	"DeleteSource": func(ctx context.Context, r *store.Receiving, p *receivedOf) ([]string, error) {
		return nil, r.DeleteSource(ctx, p.source.ID)
	},
	"Request": onRequest(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.Request, error) {
		return r.Request(ctx, p.request.ID)
	}),
	"ReplayRequest": onRequest(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.Request, error) {
		return r.ReplayRequest(ctx, p.request.ID, false)
	}),
	"AcceptRequest": onRequest(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.Request, error) {
		return r.AcceptRequest(ctx, p.refused.ID)
	}),
	"SendSample": onRequest(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.Request, error) {
		return r.SendSample(ctx, p.source.ID, "")
	}),
	"AcceptRequests": onReplay(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.RequestReplay, error) {
		return r.AcceptRequests(ctx, p.source.ID, 0)
	}),
	"Acceptable": onSource(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.Source, error) {
		if _, err := r.Acceptable(ctx, p.source.ID); err != nil {
			return nil, err
		}
		return p.source, nil
	}),
	"Replay": onReplay(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.RequestReplay, error) {
		return r.Replay(ctx, p.replay.ID)
	}),
	"CancelReplay": onReplay(func(ctx context.Context, r *store.Receiving, p *receivedOf) (*models.RequestReplay, error) {
		return r.CancelReplay(ctx, p.replay.ID)
	}),
}

// receivingHidden are the methods that list: another owner's rows are not in it.
var receivingHidden = map[string]receivingCall{
	"Sources": func(ctx context.Context, r *store.Receiving, _ *receivedOf) ([]string, error) {
		list, err := r.Sources(ctx)
		return named(list, func(s models.Source) string { return s.ID }), err
	},
	"RefusingSources": func(ctx context.Context, r *store.Receiving, p *receivedOf) ([]string, error) {
		list, err := r.RefusingSources(ctx)
		return named(list, func(s models.SourceSummary) string { return s.ID }), err
	},
	"SourceSummaries": func(ctx context.Context, r *store.Receiving, _ *receivedOf) ([]string, error) {
		list, err := r.SourceSummaries(ctx)
		return named(list, func(s models.SourceSummary) string { return s.ID }), err
	},
	"SourceSecrets": func(ctx context.Context, r *store.Receiving, p *receivedOf) ([]string, error) {
		list, err := r.SourceSecrets(ctx, p.source.ID)
		return named(list, func(s models.SourceSecret) string { return s.ID }), err
	},
	"Requests": func(ctx context.Context, r *store.Receiving, p *receivedOf) ([]string, error) {
		list, _, err := r.Requests(ctx, models.RequestFilter{}, models.Page{})
		return named(list, func(q models.Request) string { return q.ID }), err
	},
	"Replays": func(ctx context.Context, r *store.Receiving, _ *receivedOf) ([]string, error) {
		list, err := r.Replays(ctx)
		return named(list, func(q models.RequestReplay) string { return q.ID }), err
	},
	"RefusedCounts": func(ctx context.Context, r *store.Receiving, p *receivedOf) ([]string, error) {
		list, err := r.RefusedCounts(ctx, p.source.ID, time.Unix(0, 0))
		return named(list, func(c store.RefusedCount) string { return c.SourceID }), err
	},
	"RequestCounts": func(ctx context.Context, r *store.Receiving, _ *receivedOf) ([]string, error) {
		counts, err := r.RequestCounts(ctx, models.RequestFilter{})
		return make([]string, counts.All().N), err
	},
	"RequestHours": func(ctx context.Context, r *store.Receiving, p *receivedOf) ([]string, error) {
		n := 0
		for _, source := range []string{"", p.source.ID} {
			hours, err := r.RequestHours(ctx, source)
			if err != nil {
				return nil, err
			}
			for _, h := range hours {
				n += h.Accepted.N + h.Failed.N + h.Refused
			}
		}
		return make([]string, n), nil
	},
	"Export": func(ctx context.Context, r *store.Receiving, _ *receivedOf) (ids []string, err error) {
		for line, err := range r.Export(ctx) {
			if err != nil {
				return nil, err
			}
			ids = append(ids, lineID(line))
		}
		return ids, nil
	},
	"CountReplay": func(ctx context.Context, r *store.Receiving, p *receivedOf) ([]string, error) {
		n, err := r.CountReplay(ctx, models.RequestFilter{SourceID: p.source.ID})
		return make([]string, n), err
	},
}

// receivingOwn are the methods that name nothing of another owner's.
var receivingOwn = []string{"If", "OrganizationID", "CreateSource", "ReplayRequests"}

func TestReceivingIsolation(t *testing.T) {
	for _, name := range methodsOf[*store.Receiving]() {
		if receivingRefused[name] == nil && receivingHidden[name] == nil && !slices.Contains(receivingOwn, name) {
			t.Errorf("Receiving.%s has no case of another owner's ids", name)
		}
	}
	eachStore(t, func(t *testing.T, f *fixture) {
		others := map[string]*store.Receiving{"another_organization": f.organization(t, "Other").Receiving(), "the_installation": f.Operator().Receiving()}
		w := newWatch(t, f.Store)
		for who, other := range others {
			for name, use := range receivingRefused {
				t.Run(name+"/"+who, func(t *testing.T) {
					p := f.received(t)
					w.take(t)
					if _, err := use(t.Context(), other, p); !models.IsKind(err, models.NotFound) {
						t.Errorf("another owner got %v, want NotFound", err)
					}
					w.untouched(t)
					if _, err := use(t.Context(), f.tenant.Receiving(), p); err != nil {
						t.Errorf("its own got %v", err)
					}
				})
			}
			p := f.received(t)
			for name, list := range receivingHidden {
				t.Run(name+"/"+who, func(t *testing.T) {
					if seen, err := list(t.Context(), other, p); err != nil || len(seen) != 0 {
						t.Errorf("another owner saw %v, %v", seen, err)
					}
					if seen, err := list(t.Context(), f.tenant.Receiving(), p); err != nil || len(seen) == 0 {
						t.Errorf("its own saw %v, %v", seen, err)
					}
				})
			}
		}
	})
}
