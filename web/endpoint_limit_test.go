package web

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"hookwell/models"
	"hookwell/models/store"
)

func TestEndpointsHaveALimit(t *testing.T) {
	t.Run("page", func(t *testing.T) {
		eachSiteOf(t, store.Options{MaxEndpoints: 1}, func(t *testing.T, s *site) {
			b, org := s.member(t, "Acme", models.RoleOwner)
			path := "/o/" + org.Slug + "/endpoints"
			form := endpointFields(receiver(t, 200, "").URL)
			wantStatus(t, b.post(t, path, form), http.StatusCreated)
			refused := b.post(t, path, form)
			wantStatus(t, refused, http.StatusConflict)
			if !strings.Contains(refused.text("[role=alert]"), "The limit of endpoints is 1, and this organization has 1.") {
				t.Errorf("the page says %q", refused.text("[role=alert]"))
			}
			if value, _ := refused.doc.Find("input[name=url]").Attr("value"); value != form.Get("url") {
				t.Errorf("the form has lost what was typed: %q", value)
			}
		})
	})
	t.Run("api", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "hookwell.db")
		f := newAPIFixtureOn(t, store.Options{SQLitePath: path, MaxEndpoints: 1}, "sqlite", path)
		body := `{"url":"` + f.receiver.URL + `","eventTypes":["*"]}`
		if r := f.call(t, f.key, "POST", "/api/v1/endpoints", body); r.status != http.StatusCreated {
			t.Fatalf("the first: %d %s", r.status, r.body)
		}
		f.unchanged(t, func() {
			f.call(t, f.key, "POST", "/api/v1/endpoints", body).isProblem(t, 409, "too_many_endpoints", "")
			f.call(t, f.platform, "POST", "/api/v1/organizations", `{"name":"Full","endpoints":[`+body+`,`+body+`]}`).isProblem(t, 409, "too_many_endpoints", "")
		})
	})
}
