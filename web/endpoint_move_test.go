package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"hookwell/models"
	"hookwell/views"
)

// An API key that may change a URL doesn't get to read the endpoint's own
// headers by sending them elsewhere.
func TestAPIEndpointUpdate_leaves_own_headers_behind(t *testing.T) {
	const hush = "Bearer hidden-value"
	apiStores(t, func(t *testing.T, f *apiFixture) {
		var stolen http.Header
		thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen = r.Header }))
		t.Cleanup(thief.Close)
		writer := f.scoped(t, f.own, "write")
		create := func() string {
			made := f.call(t, f.key, "POST", "/api/v1/endpoints", fmt.Sprintf(`{"url":%q,"eventTypes":["*"],"secret":"a secret from another system",
				"headers":{"Authorization":%q,"X-Tenant":"hidden-too"}}`, f.receiver.URL, hush)).object(t, http.StatusCreated)
			return "/api/v1/endpoints/" + made["id"].(string)
		}
		test := func(path string) http.Header {
			t.Helper()
			stolen = nil
			f.call(t, writer, "POST", path+"/test", `{"type":"payment.failed"}`).object(t, http.StatusOK)
			return stolen
		}

		path := create()
		changed := f.call(t, writer, "PATCH", path, fmt.Sprintf(`{"url":%q,"enabled":true}`, thief.URL)).object(t, http.StatusOK)
		removed := fmt.Sprint(changed["removedHeaders"])
		secret, _ := changed["secret"].(string)
		if removed != "[Authorization X-Tenant]" || !strings.HasPrefix(secret, "whsec_") || len(changed["headers"].(map[string]any)) != 0 {
			t.Errorf("answered %v", changed)
		}
		if got := test(path); got.Get("Authorization")+got.Get("X-Tenant") != "" || got.Get("Webhook-Signature") == "" {
			t.Errorf("the new host got %v", got)
		}
		if read := f.call(t, f.key, "GET", path, "").object(t, http.StatusOK); read["removedHeaders"] != nil || read["secret"] != nil {
			t.Errorf("read as %v", read)
		}

		path = create()
		kept := f.call(t, writer, "PATCH", path, fmt.Sprintf(`{"url":%q,"headers":{"X-Tenant":"known"},"secret":"a secret from another system"}`, thief.URL)).object(t, http.StatusOK)
		if kept["removedHeaders"] != nil || kept["secret"] != nil {
			t.Errorf("with what was sent again: %v", kept)
		}
		if got := test(path); got.Get("X-Tenant") != "known" || got.Get("Authorization") != "" {
			t.Errorf("the new host got %v", got)
		}

		path = create()
		f.call(t, writer, "PATCH", path, fmt.Sprintf(`{"url":%q,"secret":"a secret that is a guess"}`, thief.URL)).isProblem(t, 422, "invalid", "secret")
		f.call(t, writer, "PATCH", path, `{"secret":"a secret from another system"}`).isProblem(t, 422, "invalid", "secret")
		f.call(t, writer, "PATCH", path, fmt.Sprintf(`{"url":%q}`, f.receiver.URL+"/another/path")).object(t, http.StatusOK)
		if read := f.call(t, f.key, "GET", path, "").object(t, http.StatusOK); len(read["headers"].(map[string]any)) != 2 {
			t.Errorf("another path took headers away: %v", read)
		}
	})
}

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
