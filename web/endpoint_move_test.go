package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hookwell/models"
	"hookwell/views"
)

func TestEndpointForm_says_what_a_move_takes_away(t *testing.T) {
	const before, after, imported = "http://127.0.0.1:9/a", "http://127.0.0.1:10/a", "a secret from another system"
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleAdmin)
		create := func(fields url.Values) string {
			t.Helper()
			created := b.post(t, views.EndpointsPath(org.Slug), with(endpointFields(before), fields))
			wantStatus(t, created, http.StatusCreated)
			return created.Header.Get("Content-Location")
		}
		names := url.Values{"headerName": {"X-Key"}, "headerValue": {"hush"}}

		path := create(names)
		if got := b.get(t, path+"/edit").body; !strings.Contains(got, "its own headers are removed, unless you enter them again below") || strings.Contains(got, `name="secret"`) {
			t.Error("the form says nothing of headers")
		}
		edit := url.Values{"headerName": {"X-Key"}, "headerValue": {""}}
		wantLocation(t, b.post(t, path+"/edit", with(endpointFields(after), edit)), path)
		if got := b.get(t, path).body; !strings.Contains(got, "these own headers were removed: X-Key.") {
			t.Error("the notice doesn't say what was removed")
		}
		if got := b.get(t, path+"/edit").body; strings.Contains(got, "X-Key") || strings.Contains(got, "scheme, host or port") {
			t.Error("the header is still there, or the form warns of nothing")
		}

		path = create(names)
		again := url.Values{"headerName": {"X-Key"}, "headerValue": {"hush"}}
		wantLocation(t, b.post(t, path+"/edit", with(endpointFields(after), again)), path)
		if got := b.get(t, path+"/edit").body; !strings.Contains(got, "X-Key") {
			t.Error("a header that was entered again is gone")
		}

		path = create(url.Values{"secret": {imported}})
		if got := b.get(t, path+"/edit").body; !strings.Contains(got, "the imported secret is replaced") || !strings.Contains(got, `name="secret"`) {
			t.Error("the form says nothing of the secret")
		}
		moved := b.post(t, path+"/edit", endpointFields(after))
		wantStatus(t, moved, http.StatusOK)
		if !strings.Contains(moved.body, "whsec_") || !strings.Contains(moved.body, "the imported secret was replaced by a new one") || moved.Header.Get("Cache-Control") != "no-store" {
			t.Error("the new secret isn't shown")
		}

		path = create(url.Values{"secret": {imported}})
		wantLocation(t, b.post(t, path+"/edit", with(endpointFields(after), url.Values{"secret": {imported}})), path)
		refused := b.post(t, path+"/edit", with(endpointFields(before), url.Values{"secret": {"a secret that is a guess"}}))
		wantStatus(t, refused, http.StatusUnprocessableEntity)
		if refused.doc.Find("input[name=secret]").AttrOr("aria-invalid", "") != "true" || strings.Contains(refused.body, "is a guess") {
			t.Error("the field isn't marked, or the secret stands there")
		}
	})
}
