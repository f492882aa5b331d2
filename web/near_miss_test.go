package web

import (
	"fmt"
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
func TestNearMisses_of_the_API(t *testing.T) {
	apiStores(t, func(t *testing.T, f *apiFixture) {
		secret := webhook.NewSecret().Reveal()
		encoded := strings.TrimPrefix(secret, "whsec_")
		body := func(secret string) string {
			return fmt.Sprintf(`{"url":%q,"eventTypes":["Payment.Failed"],"secret":%q}`, " <"+f.receiver.URL+"> ", secret)
		}
		for _, text := range []string{"v1," + secret, "WHSEC_" + encoded, `"` + secret + `"`, secret + "\n", strings.TrimRight(secret, "=")} {
			made := f.call(t, f.key, "POST", "/api/v1/endpoints", body(text)).object(t, http.StatusCreated)
			if made["secret"] != secret || made["standardSecret"] != nil || made["url"] != f.receiver.URL || fmt.Sprint(made["eventTypes"]) != "[payment.failed]" {
				t.Errorf("%q was taken as %v", text, made["standardSecret"])
			}
			path := "/api/v1/endpoints/" + made["id"].(string) + "/rotate-secret"
			f.call(t, f.key, "POST", path, fmt.Sprintf(`{"secret":%q}`, text)).isProblem(t, 422, "invalid", "secret") // in force already
		}
		for _, text := range []string{f.key, "v1,whsec_short", f.endpoint(t, f.own).ID, "v1,YRNUYAwTOZSFhBt0xws6zIw34pSMeT/cPyMcXyBzLYQ="} {
			f.call(t, f.key, "POST", "/api/v1/endpoints", body(text)).isProblem(t, 422, "invalid", "secret")
		}
		header := fmt.Sprintf(`{"url":%q,"eventTypes":["*"],"headers":{"Authorization":"Authorization: Bearer x"}}`, f.receiver.URL)
		f.call(t, f.key, "POST", "/api/v1/endpoints", header).isProblem(t, 422, "invalid", "headers.Authorization")
		refused := f.call(t, "Bearer "+f.key, "GET", "/api/v1/endpoints", "")
		refused.isProblem(t, 401, "unauthorized", "")
		if !strings.Contains(string(refused.body), "keys begin with hwk_") {
			t.Errorf("a key after Bearer Bearer is refused with %s", refused.body)
		}
	})
}

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
