package api_test

import (
	"testing"
	"time"

	"hookwell/internal/apitest"
	"hookwell/models"
	"hookwell/models/store"
	"hookwell/web"
)

func TestAPI_requests_of_a_key_are_bounded(t *testing.T) {
	f := newFixtureOn(t, store.Options{}, func(o *web.Options) { o.APIRateLimit = 3 })
	second := f.Scoped(t, f.Own, "read")
	ask := func(key string) apitest.Reply { return f.Call(t, key, "GET", "/api/v1/event-types/org.created", "") }
	// The clock stands still for the buckets: a request takes no second.
	for i := range 3 {
		if r := ask(f.Key); r.Status != 200 {
			t.Fatalf("request %d: %d", i, r.Status)
		}
	}
	refused := false
	for range 10 {
		if r := ask(f.Key); r.Status != 200 {
			r.IsProblem(t, 429, "too_many_requests", "")
			if r.Header.Get("Retry-After") != "1" {
				t.Errorf("Retry-After: %q", r.Header.Get("Retry-After"))
			}
			refused = true
			break
		}
	}
	if !refused {
		t.Error("no request was refused")
	}
	if r := ask(second); r.Status != 200 {
		t.Errorf("another key of the organization: %d", r.Status)
	}
	f.Clock.Advance(time.Second)
	if r := ask(f.Key); r.Status != 200 {
		t.Errorf("a second later: %d", r.Status)
	}
}

func TestAPI_expired_keys(t *testing.T) {
	f := newFixture(t)
	end := f.Store.Now().Add(time.Minute)
	_, key, err := f.Own.CreateKey(t.Context(), models.NewKey{Name: "k", Scopes: []string{"read"}, ExpiresAt: &end})
	must(t, err)
	f.Call(t, key, "GET", "/api/v1/events", "").Object(t, 200)
	f.Clock.Advance(time.Minute)
	f.Call(t, key, "GET", "/api/v1/events", "").IsProblem(t, 401, "key_expired", "")
}
