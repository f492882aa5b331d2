package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hookwell/models"
	"hookwell/views"
	"hookwell/webhook"
)

// What people paste in a form that is nearly right is recognized, or refused
// with the reason; it is never taken for what the receiver doesn't have.
func TestNearMisses_in_forms(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleAdmin)
		secret := webhook.NewSecret().Reveal()
		created := b.post(t, views.EndpointsPath(org.Slug), with(endpointFields(` "http://127.0.0.1:9/a"`), url.Values{"secret": {"v1," + secret + "\r\n"}}))
		wantStatus(t, created, http.StatusCreated)
		if !strings.Contains(created.body, secret) || strings.Contains(created.body, "for the Standard Webhooks libraries") {
			t.Error("the secret was taken as a text")
		}
		path := created.Header.Get("Content-Location") + "/secret/rotate"
		refused := b.post(t, path, url.Values{"overlapHours": {"24"}, "secret": {"hwk_0123456789abcdefghijklmnop"}})
		wantStatus(t, refused, http.StatusUnprocessableEntity)
		if !strings.Contains(refused.body, "This is an API key of Hookwell") {
			t.Error("the reason isn't said")
		}
		invited := b.post(t, views.InvitationsPath(org.Slug), url.Values{"email": {"Ada Lovelace <Ada@Example.com>"}, "role": {"guest"}})
		wantStatus(t, invited, http.StatusCreated)
		if !strings.Contains(invited.body, "ada@example.com") {
			t.Error("the address isn't read out of what a mail program copies")
		}
	})
}
