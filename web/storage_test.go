package web

import (
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
	free := testenv.Fill(t, folder)
	full := send()
	for full.StatusCode == http.StatusCreated { // until what is free within the files is used up
		full = send()
	}
	page := full.text("body")
	if full.StatusCode != http.StatusServiceUnavailable || full.Header.Get("Retry-After") != "30" || !strings.Contains(page, "No room left") || !strings.Contains(page, "has to make room") {
		t.Errorf("a form is answered with %d, Retry-After %q: %.300s", full.StatusCode, full.Header.Get("Retry-After"), page)
	}
	free()
	wantStatus(t, send(), http.StatusCreated)
}
