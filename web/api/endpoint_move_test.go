package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// An API key that may change a URL doesn't get to read the endpoint's own
// headers by sending them elsewhere.
func TestAPIEndpointUpdate_leaves_own_headers_behind(t *testing.T) {
	const hush = "Bearer hidden-value"
	eachStore(t, func(t *testing.T, f *fixture) {
		var stolen http.Header
		thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen = r.Header }))
		t.Cleanup(thief.Close)
		writer := f.Scoped(t, f.Own, "write")
		create := func() string {
			made := f.Call(t, f.Key, "POST", "/api/v1/endpoints", fmt.Sprintf(`{"url":%q,"eventTypes":["*"],"secret":"a secret from another system",
				"headers":{"Authorization":%q,"X-Tenant":"hidden-too"}}`, f.Receiver.URL, hush)).Object(t, http.StatusCreated)
			return "/api/v1/endpoints/" + made["id"].(string)
		}
		test := func(path string) http.Header {
			t.Helper()
			stolen = nil
			f.Call(t, writer, "POST", path+"/test", `{"type":"payment.failed"}`).Object(t, http.StatusOK)
			return stolen
		}

		path := create()
		changed := f.Call(t, writer, "PATCH", path, fmt.Sprintf(`{"url":%q,"enabled":true}`, thief.URL)).Object(t, http.StatusOK)
		removed := fmt.Sprint(changed["removedHeaders"])
		secret, _ := changed["secret"].(string)
		if removed != "[Authorization X-Tenant]" || !strings.HasPrefix(secret, "whsec_") || len(changed["headers"].(map[string]any)) != 0 {
			t.Errorf("answered %v", changed)
		}
		if got := test(path); got.Get("Authorization")+got.Get("X-Tenant") != "" || got.Get("Webhook-Signature") == "" {
			t.Errorf("the new host got %v", got)
		}
		if read := f.Call(t, f.Key, "GET", path, "").Object(t, http.StatusOK); read["removedHeaders"] != nil || read["secret"] != nil {
			t.Errorf("read as %v", read)
		}

		path = create()
		kept := f.Call(t, writer, "PATCH", path, fmt.Sprintf(`{"url":%q,"headers":{"X-Tenant":"known"},"secret":"a secret from another system"}`, thief.URL)).Object(t, http.StatusOK)
		if kept["removedHeaders"] != nil || kept["secret"] != nil {
			t.Errorf("with what was sent again: %v", kept)
		}
		if got := test(path); got.Get("X-Tenant") != "known" || got.Get("Authorization") != "" {
			t.Errorf("the new host got %v", got)
		}

		path = create()
		f.Call(t, writer, "PATCH", path, fmt.Sprintf(`{"url":%q,"secret":"a secret that is a guess"}`, thief.URL)).IsProblem(t, 422, "invalid", "secret")
		f.Call(t, writer, "PATCH", path, `{"secret":"a secret from another system"}`).IsProblem(t, 422, "invalid", "secret")
		f.Call(t, writer, "PATCH", path, fmt.Sprintf(`{"url":%q}`, f.Receiver.URL+"/another/path")).Object(t, http.StatusOK)
		if read := f.Call(t, f.Key, "GET", path, "").Object(t, http.StatusOK); len(read["headers"].(map[string]any)) != 2 {
			t.Errorf("another path took headers away: %v", read)
		}
	})
}
