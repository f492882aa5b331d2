package web

import (
	"net/http"
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
		f := newAPIFixtureOn(t, store.Options{MaxEndpoints: 1}, nil)
		body := `{"url":"` + f.Receiver.URL + `","eventTypes":["*"]}`
		if r := f.Call(t, f.Key, "POST", "/api/v1/endpoints", body); r.Status != http.StatusCreated {
			t.Fatalf("the first: %d %s", r.Status, r.Body)
		}
		f.Unchanged(t, func() {
			f.Call(t, f.Key, "POST", "/api/v1/endpoints", body).IsProblem(t, 409, "too_many_endpoints", "")
			f.Call(t, f.Platform, "POST", "/api/v1/organizations", `{"name":"Full","endpoints":[`+body+`,`+body+`]}`).IsProblem(t, 409, "too_many_endpoints", "")
		})
	})
}
