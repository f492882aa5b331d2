package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hookwell/internal/apitest"
	"hookwell/models"
	"hookwell/webhook"
)

// TestFormOfFaultsStaysSmall sends a test event with a fault for every other byte.
func TestFormOfFaultsStaysSmall(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleMember)
	in := models.NewEndpointInput()
	in.URL, in.EventTypes = receiver(t, 200, "").URL, []string{"*"}
	e, _, err := s.tenantOf(t, org).CreateEndpoint(t.Context(), in)
	must(t, err)
	data := apitest.WrongData(webhook.MaxData)
	path := "/o/" + org.Slug + "/endpoints/" + e.ID + "/test"
	form := url.Values{"type": {"api_key.created"}, "data": {data}}
	part := b.post(t, path, form, "HX-Request", "true")
	wantStatus(t, part, http.StatusUnprocessableEntity)
	if len(part.body) > len(data)+32<<10 || !strings.Contains(part.body, " more") {
		t.Errorf("the part has %d bytes", len(part.body))
	}
	page := b.post(t, path, form)
	wantStatus(t, page, http.StatusUnprocessableEntity)
	if len(page.body) > 2*len(data) {
		t.Errorf("the page has %d bytes for %d of data", len(page.body), len(data))
	}
}
