package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hookwell/models"
)

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
