package web

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/store"
)

// TestStorage_that_is_full has a site on a disk that is full: pages and API say
// so, and go on once there is room again.
func TestStorage_that_is_full(t *testing.T) {
	folder := testenv.Disk(t, "8m")
	s := openSite(t, store.Options{SQLitePath: filepath.Join(folder, "hookwell.db")}, nil)
	b, org := s.member(t, "Acme", models.RoleOwner)
	tokens := make([]string, 50) // a form that is sent again makes nothing
	for i := range tokens {
		tokens[i] = b.token(t)
	}
	send := func() *shown {
		form := url.Values{"name": {"k"}, "scopes": {"read"}, "_csrf": {tokens[0]}}
		tokens = tokens[1:]
		return b.do(t, b.request(t, http.MethodPost, "/o/"+org.Slug+"/keys", form))
	}
	_, key, err := s.tenantOf(t, org).CreateKey(t.Context(), models.NewKey{Name: "Reporter", Scopes: []string{"events:write"}})
	must(t, err)
	free := testenv.Fill(t, folder)
	full := send()
	for full.StatusCode == http.StatusCreated { // until what is free within the files is used up
		full = send()
	}
	page := full.text("body")
	if full.StatusCode != http.StatusServiceUnavailable || full.Header.Get("Retry-After") != "30" || !strings.Contains(page, "No room left") || !strings.Contains(page, "has to make room") {
		t.Errorf("a form is answered with %d, Retry-After %q: %.300s", full.StatusCode, full.Header.Get("Retry-After"), page)
	}
	// The API says so with its own code.
	status, retry, body := report(t, s, key)
	if status != http.StatusServiceUnavailable || retry != "30" || !strings.Contains(body, `"code":"storage_full"`) {
		t.Errorf("a report is answered with %d, Retry-After %q: %.300s; want 503, 30 and storage_full", status, retry, body)
	}
	free()
	if status, _, body := report(t, s, key); status != http.StatusAccepted {
		t.Errorf("a report is answered with %d once there is room again: %.300s", status, body)
	}
	wantStatus(t, send(), http.StatusCreated)
}

// report reports an event through the API and returns how it was answered.
func report(t *testing.T, s *site, key string) (status int, retryAfter, body string) {
	t.Helper()
	kind, _ := s.Store.Catalog().Lookup("payment.failed")
	event := fmt.Sprintf(`{"type":%q,"data":%s}`, kind.Type, kind.Example)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/api/v1/events", strings.NewReader(event))
	must(t, err)
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, response.Header.Get("Retry-After"), string(content)
}
