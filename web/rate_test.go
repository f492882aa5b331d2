package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"hookwell/models"
)

func TestAPI_requests_of_a_key_are_bounded(t *testing.T) {
	f := newAPIFixture(t)
	f.server.rates.limit = 3
	second := f.scoped(t, f.own, "read")
	ask := func(key string) reply { return f.call(t, key, "GET", "/api/v1/event-types/org.created", "") }
	// The clock stands still for the buckets: a request takes no second.
	for i := range 3 {
		if r := ask(f.key); r.status != 200 {
			t.Fatalf("request %d: %d", i, r.status)
		}
	}
	refused := false
	for range 10 {
		if r := ask(f.key); r.status != 200 {
			r.isProblem(t, 429, "too_many_requests", "")
			if r.header.Get("Retry-After") != "1" {
				t.Errorf("Retry-After: %q", r.header.Get("Retry-After"))
			}
			refused = true
			break
		}
	}
	if !refused {
		t.Error("no request was refused")
	}
	if r := ask(second); r.status != 200 {
		t.Errorf("another key of the organization: %d", r.status)
	}
	f.clock.Advance(time.Second)
	if r := ask(f.key); r.status != 200 {
		t.Errorf("a second later: %d", r.status)
	}
}

func TestKeyRates(t *testing.T) {
	at := time.Unix(0, 0)
	none := &keyRates{}
	for range 1000 {
		if none.take("key_1", at) != 0 {
			t.Fatal("bounded without a limit")
		}
	}
	r := &keyRates{limit: 2}
	r.take("key_1", at)
	r.take("key_1", at)
	if wait := r.take("key_1", at); wait != 500*time.Millisecond {
		t.Errorf("wait %v, want half a second", wait)
	}
	if r.take("key_1", at.Add(500*time.Millisecond)) != 0 {
		t.Error("refused after the wait")
	}
}

func TestAPI_expired_keys(t *testing.T) {
	f := newAPIFixture(t)
	end := f.store.Now().Add(time.Minute)
	_, key, err := f.own.CreateKey(t.Context(), models.NewKey{Name: "k", Scopes: []string{"read"}, ExpiresAt: &end})
	must(t, err)
	f.call(t, key, "GET", "/api/v1/events", "").object(t, 200)
	f.clock.Advance(time.Minute)
	f.call(t, key, "GET", "/api/v1/events", "").isProblem(t, 401, "key_expired", "")
}

func TestKeys_page_shows_when_they_end(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleOwner)
	path := "/o/" + org.Slug + "/keys"
	wantStatus(t, b.post(t, path, url.Values{"name": {"Short"}, "scopes": {"read"}, "expires": {"30"}}), http.StatusCreated)
	row := b.get(t, path).doc.Find("tbody tr")
	want := s.Store.Now().AddDate(0, 0, 30).Format("2006-01-02")
	if at, _ := row.Find("[data-label=Expires] time").Attr("datetime"); !strings.HasPrefix(at, want) {
		t.Errorf("expires %q, want %s", at, want)
	}
	s.exec(t, "UPDATE api_keys SET expires_at = '2020-01-01 00:00:00+00:00'")
	if a := b.get(t, path); a.text("tbody .state") != "Expired" || a.doc.Find("tbody button").Length() > 0 {
		t.Errorf("an expired key: %s", a.text("tbody"))
	}
}
