package store_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/models/store"
)

// secretOf is a Stripe secret of tests.
const secretOf = "whsec_dGVzdHMtb2YtcmVjZWl2aW5nLTAxMjM0"

// source makes a source of Stripe's.
func source(t *testing.T, r *store.Receiving, change func(*models.SourceInput)) *models.Source {
	t.Helper()
	in := models.NewSourceInput()
	in.Name, in.Provider, in.Secrets = "Stripe", "stripe", []string{secretOf}
	if change != nil {
		change(&in)
	}
	s, err := r.CreateSource(t.Context(), in)
	must(t, err)
	return s
}

// open returns a source as receiving has it.
func (f *fixture) open(t *testing.T, s *models.Source) *pipeline.OpenSource {
	t.Helper()
	opened, err := f.Engine().SourceByToken(t.Context(), strings.TrimPrefix(s.Path, models.ReceivePath))
	must(t, err)
	return opened
}

// signed returns a sample that is signed with a secret.
func (f *fixture) signed(t *testing.T, s *models.Source, sampleType, secret string) *inbound.Request {
	t.Helper()
	opened := f.open(t, s)
	held, err := opened.Verifier.ParseSecret(secret)
	must(t, err)
	request, err := opened.Verifier.SignSample(sampleType, held, "https://hooks.example.com"+s.Path, f.Now())
	must(t, err)
	request.ReceivedAt, request.RemoteAddress = f.Now(), netip.MustParseAddr("203.0.113.7")
	return request
}

// handle sends a request through the engine.
func (f *fixture) handle(t *testing.T, s *models.Source, request *inbound.Request) pipeline.Handled {
	t.Helper()
	h, err := f.Engine().Handle(t.Context(), f.open(t, s), request, "", false)
	must(t, err)
	return h
}

// process turns into events all that waits.
func (f *fixture) process(t *testing.T) {
	t.Helper()
	for {
		n, err := f.Engine().ProcessRequests(t.Context())
		must(t, err)
		if n == 0 {
			return
		}
	}
}

// request reads one request.
func request(t *testing.T, r *store.Receiving, id string) *models.Request {
	t.Helper()
	q, err := r.Request(t.Context(), id)
	must(t, err)
	return q
}

// become lists the types that a request became.
func become(q *models.Request) (types []string) {
	for _, e := range q.Events {
		types = append(types, e.EventType)
	}
	slices.Sort(types)
	return types
}

func TestReceive(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		all := endpoint(t, f.tenant, nil) // "*": what the catalog has
		named := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.EventTypes = []string{"stripe.*"} })
		sent := f.signed(t, s, "invoice.paid", secretOf)
		h := f.handle(t, s, sent)
		if h.State != inbound.Verified || h.Response.Status != 200 || h.RequestID == "" {
			t.Fatalf("Handle() returned %+v, want a verified request and 200", h)
		}
		before := request(t, r, h.RequestID)
		if before.Processing != models.ProcessingWaiting || string(before.Body) != string(sent.Body) || before.ExternalType != "invoice.paid" || before.ExternalID == "" {
			t.Errorf("before it was processed the request was %+v", before)
		}
		f.process(t)
		q := request(t, r, h.RequestID)
		if want := []string{"payment.succeeded", "stripe.invoice.paid"}; q.Processing != models.ProcessingProcessed || !slices.Equal(become(q), want) {
			t.Fatalf("the request became %v, %q %q %q; want %v", become(q), q.Processing, q.Reason, q.Error, want)
		}
		for _, e := range q.Events {
			event, err := f.tenant.Event(t.Context(), e.EventID)
			must(t, err)
			list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{EventID: e.EventID}, models.Page{})
			must(t, err)
			wanted := all.ID
			if e.EventType == "stripe.invoice.paid" {
				if wanted = named.ID; string(event.Body) != string(sent.Body) {
					t.Errorf("the relayed body is %q, want what was received", event.Body)
				}
			}
			if len(list) != 1 || list[0].EndpointID != wanted {
				t.Errorf("%s has %d deliveries, want one to %s", e.EventType, len(list), wanted)
			}
		}
		fresh, err := r.Source(t.Context(), s.ID)
		must(t, err)
		if fresh.FirstVerifiedAt == nil {
			t.Error("the source doesn't know of its first verified request")
		}
	})
}

// TestReceive_once sends the same request many times at once, from two processes.
func TestReceive_once(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		other := f.again(t)
		sent := f.signed(t, s, "invoice.paid", secretOf)
		opened := f.open(t, s)
		const times = 20
		var group sync.WaitGroup
		results := make([]pipeline.Handled, times)
		for i := range times {
			group.Go(func() {
				engine := f.Engine()
				if i%2 == 1 {
					engine = other.Engine()
				}
				h, err := engine.Handle(context.Background(), opened, sent, "", false)
				if err != nil {
					t.Errorf("Handle() = %v", err)
				}
				results[i] = h
			})
		}
		group.Wait()
		first := 0
		for _, h := range results {
			if h.Response.Status != 200 || h.RequestID != results[0].RequestID {
				t.Errorf("Handle() returned %+v, want 200 and %s", h, results[0].RequestID)
			}
			if !h.Duplicate {
				first++
			}
		}
		if q := request(t, r, results[0].RequestID); first != 1 || q.Duplicates != times-1 || len(q.Repeats) != times-1 {
			t.Errorf("%d were new, the request counts %d duplicates and lists %d; want 1, %d and %[4]d", first, q.Duplicates, len(q.Repeats), times-1)
		}
		f.process(t)
		f.process(t)
		if events, _, err := f.tenant.Events(t.Context(), models.EventFilter{Origin: models.OriginMapped}, models.Page{}); err != nil || len(events) != 1 {
			t.Errorf("there are %d mapped events, %v; want 1", len(events), err)
		}
	})
}

func TestReceive_refused(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		h := f.handle(t, s, f.signed(t, s, "invoice.paid", "whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAxMg"))
		if h.State != inbound.Refused || h.Cause != inbound.CauseSignature || h.Response.Status != 401 {
			t.Fatalf("Handle() of a wrong signature returned %+v, want 401", h)
		}
		list, _, err := r.Requests(t.Context(), models.RequestFilter{States: []inbound.State{inbound.Refused}}, models.Page{})
		must(t, err)
		if len(list) != 1 || list[0].Cause != inbound.CauseSignature {
			t.Fatalf("Requests() returned %d, want the refused one", len(list))
		}
		refused := request(t, r, list[0].ID)
		if refused.Diagnosis == "" || len(refused.Body) == 0 {
			t.Errorf("the refused request is %+v, want a diagnosis and the body", refused)
		}
		if _, err := r.AcceptRequest(t.Context(), refused.ID); !models.IsCode(err, "still_refused") {
			t.Errorf("AcceptRequest() with the same secrets = %v, want still_refused", err)
		}
		_, err = r.AddSourceSecret(t.Context(), s.ID, " whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAxMg\n", nil)
		must(t, err)
		f.clock.Advance(time.Hour) // the signature's age counts as of its receipt
		accepted, err := r.AcceptRequest(t.Context(), refused.ID)
		must(t, err)
		if accepted.ID != refused.ID || accepted.State != inbound.Verified || accepted.AcceptedAt == nil {
			t.Errorf("AcceptRequest() returned %+v, want it verified under its id", accepted)
		}
		if _, err := r.AcceptRequest(t.Context(), refused.ID); !models.IsCode(err, "accepted") {
			t.Errorf("AcceptRequest() again = %v, want accepted", err)
		}
		f.process(t)
		if q := request(t, r, refused.ID); q.Processing != models.ProcessingProcessed || len(q.Events) != 2 {
			t.Errorf("the accepted request became %v, %s %s", become(q), q.Processing, q.Error)
		}
		counts, err := r.RefusedCounts(t.Context(), s.ID, f.Now().Add(-2*time.Hour))
		must(t, err)
		if len(counts) != 0 {
			t.Errorf("RefusedCounts() returned %v; want none, as the one was accepted", counts)
		}
	})
}

// TestReceive_flood sends more refused requests than are kept.
func TestReceive_flood(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		opened := f.open(t, s)
		quiet := f.signed(t, s, "invoice.paid", "whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAxMg")
		quiet.RemoteAddress = netip.MustParseAddr("198.51.100.9")
		f.handle(t, s, quiet)
		const wrong, missing = pipeline.MaxRefusedWhole + 300, pipeline.MaxRefusedOthers + 150
		var group sync.WaitGroup
		for worker := range 30 {
			group.Go(func() {
				for i := worker; i < wrong+missing; i += 30 {
					forged := *quiet
					forged.RemoteAddress = netip.MustParseAddr("203.0.113.7")
					if i >= wrong {
						forged.Headers = nil
					}
					if h, err := f.Engine().Handle(context.Background(), opened, &forged, "", false); err != nil || h.State != inbound.Refused {
						t.Errorf("Handle() returned %+v, %v", h, err)
					}
				}
			})
		}
		group.Wait()
		var whole, others int64
		must(t, f.DB().Model(&models.RefusedRequest{}).Where("whole").Count(&whole).Error)
		must(t, f.DB().Model(&models.RefusedRequest{}).Where("NOT whole").Count(&others).Error)
		within := func(kept, most int64) bool { return kept <= most && kept >= most*9/10 }
		if !within(whole, pipeline.MaxRefusedWhole) || !within(others, pipeline.MaxRefusedOthers) {
			t.Errorf("%d whole ones and %d others are kept, want up to %d and %d, and nine tenths at least", whole, others, pipeline.MaxRefusedWhole, pipeline.MaxRefusedOthers)
		}
		counts, err := r.RefusedCounts(t.Context(), s.ID, f.Now().Add(-time.Hour))
		must(t, err)
		total := 0
		for _, c := range counts {
			total += c.Count
		}
		if total != wrong+missing+1 {
			t.Errorf("RefusedCounts() add up to %d, want %d", total, wrong+missing+1)
		}
		var left int64
		must(t, f.DB().Model(&models.RefusedRequest{}).Where("share = ?", "198.51.100.9/32").Count(&left).Error)
		if left != 1 {
			t.Errorf("%d of the quiet network's requests are left, want its one", left)
		}
	})
}

// TestReceive_source_changed changes the source between the check and the commit.
func TestReceive_source_changed(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		sent := f.signed(t, s, "invoice.paid", secretOf)
		stale := f.open(t, s)
		_, err := f.again(t).Operator().Tenant(t.Context(), f.tenant.Organization().ID)
		must(t, err)
		secrets, err := r.SourceSecrets(t.Context(), s.ID)
		must(t, err)
		_, err = r.EndSourceSecret(t.Context(), s.ID, secrets[0].ID, 0)
		must(t, err)
		h, err := f.Engine().Handle(t.Context(), stale, sent, "", false)
		must(t, err)
		if h.State != inbound.Refused {
			t.Errorf("Handle() by a secret that has ended returned %+v, want it refused", h)
		}
	})
}
