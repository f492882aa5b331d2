package web

import (
	"net/http"
	"net/url"
	"testing"

	"hookwell/models"
)

// TestHost_in_other_spellings sends requests, and a form with its Origin, for
// each spelling of the host.
func TestHost_in_other_spellings(t *testing.T) {
	const ascii = "xn--bcher-kva.example"
	s := newSite(t, func(o *Options) {
		o.AllowedHosts = []string{o.BaseURL.Host}
		o.BaseURL = &url.URL{Scheme: "https", Host: ascii}
	})
	for host, ours := range map[string]bool{ascii: true, ascii + ":443": true, "XN--BCHER-KVA.Example": true, ascii + ".": true, ascii + ".:443": true, "bücher.example": true,
		ascii + ":80": false, ascii + ":8443": false, "bucher.example": false, "evil." + ascii: false, ascii + "..": false, ascii + ":": true} {
		b := s.browser(t)
		request := b.request(t, http.MethodGet, "/login", nil)
		request.Host = host
		want := http.StatusMisdirectedRequest
		if ours {
			want = http.StatusOK
		}
		if got := b.do(t, request).StatusCode; got != want {
			t.Errorf("host %q is answered with %d, want %d", host, got, want)
		}
	}
}

func TestOrigin_in_other_spellings(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleOwner)
	send := func(host, origin string) int {
		request := b.request(t, http.MethodPost, "/o/"+org.Slug+"/keys", url.Values{"name": {"k"}, "scopes": {"read"}, "_csrf": {b.token(t)}})
		request.Host = host
		request.Header.Set("Origin", origin)
		request.Header.Del("Sec-Fetch-Site")
		return b.do(t, request).StatusCode
	}
	host := s.BaseURL.Host
	if got := send(host, "http://"+host); got != http.StatusCreated {
		t.Errorf("the own origin is answered with %d", got)
	}
	if got := send(host, "http://evil.example"); got != http.StatusForbidden {
		t.Errorf("another origin is answered with %d", got)
	}
	for _, spelling := range []string{"http://HOOKS.example", "http://hooks.example.", "http://hooks.example:80"} {
		if got, want := s.normalOrigin(spelling), "http://hooks.example"; got != want {
			t.Errorf("normalOrigin(%s) = %s", spelling, got)
		}
	}
}
