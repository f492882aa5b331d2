package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hookwell/models"
)

func TestForms_of_others_are_refused(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleOwner)
	ids := s.fill(t, org)
	for _, r := range s.pageTable(t) {
		if !unsafe(r.method) {
			continue
		}
		path := ids.path(r.path)
		if r.path == "/portal/:token" { // a link that is not used yet: any other is not found
			path = newPortalSite(t, s, "").link(t, `{"role":"guest"}`)
		}
		for name, change := range map[string]func(*http.Request, url.Values){
			"without_a_token":     func(_ *http.Request, form url.Values) { form.Del("_csrf") },
			"with_another_token":  func(_ *http.Request, form url.Values) { form.Set("_csrf", s.browser(t).token(t)) },
			"with_an_empty_token": func(_ *http.Request, form url.Values) { form.Set("_csrf", strings.Repeat("A", 86)) },
			"from_another_origin": func(r *http.Request, _ url.Values) {
				r.Header.Set("Origin", "https://evil.example")
				r.Header.Del("Sec-Fetch-Site")
			},
			"from_nowhere":          func(r *http.Request, _ url.Values) { r.Header.Set("Origin", "null"); r.Header.Del("Sec-Fetch-Site") },
			"from_another_site":     func(r *http.Request, _ url.Values) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			"from_a_neighbour_site": func(r *http.Request, _ url.Values) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		} {
			t.Run(r.method+" "+r.path+" "+name, func(t *testing.T) {
				before := s.dump(t)
				form := url.Values{"_csrf": {b.token(t)}}
				for field, values := range r.form {
					form[field] = values
				}
				request := b.request(t, r.method, path, nil)
				change(request, form)
				sent := b.request(t, r.method, path, form)
				sent.Header = request.Header
				sent.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				want := http.StatusForbidden
				if strings.HasSuffix(name, "_token") && name != "without_a_token" && atDoor(path) {
					want = http.StatusSeeOther // on to where one wanted, being in already
				}
				wantStatus(t, b.do(t, sent), want)
				if s.dump(t) != before {
					t.Error("something was changed")
				}
			})
		}
	}
	t.Run("at_the_door_too", func(t *testing.T) {
		for _, path := range []string{"/login", "/signup", "/appearance"} {
			stranger := s.browser(t)
			form := url.Values{"email": {b.email}, "password": {password}}
			wantStatus(t, stranger.do(t, stranger.request(t, http.MethodPost, path, form)), http.StatusForbidden)
			form.Set("_csrf", s.browser(t).token(t))
			wantStatus(t, stranger.do(t, stranger.request(t, http.MethodPost, path, form)), http.StatusForbidden)
			if stranger.cookie(t, "hookwell") != "" {
				t.Error("a refused form began a session")
			}
		}
	})
	t.Run("but_a_header_does_for_a_field", func(t *testing.T) {
		request := b.request(t, http.MethodPost, "/o/"+org.Slug+"/keys", url.Values{"name": {"k"}, "scopes": {"read"}}, "X-CSRF-Token", b.token(t))
		wantStatus(t, b.do(t, request), http.StatusCreated)
	})
}

func TestGet_changes_nothing(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleOwner)
		ids := s.fill(t, org)
		before := s.dump(t)
		for _, r := range s.pageTable(t) {
			if unsafe(r.method) {
				continue
			}
			if a := b.get(t, ids.path(r.path)); a.StatusCode >= 400 && r.path != "/o/:org/find" && !strings.Contains(r.path, "/:token") && r.path != "/login/provider/answer" {
				t.Errorf("GET %s answers %d", r.path, a.StatusCode)
			}
			if s.dump(t) != before {
				t.Fatalf("GET %s changed something", r.path)
			}
		}
	})
}

func TestHost(t *testing.T) {
	s := newSite(t, func(o *Options) { o.AllowedHosts = []string{"localhost:4000"} })
	for host, status := range map[string]int{
		"evil.example": http.StatusMisdirectedRequest, "127.0.0.1:1": http.StatusMisdirectedRequest, "127.0.0.1": http.StatusMisdirectedRequest,
		"localhost:4000": http.StatusOK, "LOCALHOST:4000": http.StatusOK, "": http.StatusOK,
	} {
		for _, path := range []string{"/login", "/static/app.js", "/api/v1/events"} {
			request := s.browser(t).request(t, http.MethodGet, path, nil, "X-Forwarded-Host", s.BaseURL.Host)
			request.Host = host
			got := s.browser(t).do(t, request).StatusCode
			if (got == http.StatusMisdirectedRequest) != (status == http.StatusMisdirectedRequest) {
				t.Errorf("%s on host %q answers %d, want %d", path, host, got, status)
			}
		}
	}
	t.Run("health_answers_on_any", func(t *testing.T) {
		for _, path := range []string{"/healthz", "/readyz"} {
			request := s.browser(t).request(t, http.MethodGet, path, nil)
			request.Host = "10.0.0.1"
			wantStatus(t, s.browser(t).do(t, request), http.StatusOK)
		}
	})
}

// FuzzLocalPath holds that a return address leads to this server by a path
// alone, however a browser reads it.
func FuzzLocalPath(f *testing.F) {
	for _, next := range []string{"/", "/o/acme/deliveries?state=failed", "//evil", `/\evil`, "/\t/evil", "https://evil", "/%2f/evil", "/..//evil", "/?next=//evil", "/#//evil", "/%5cevil", "/a:b@c"} {
		f.Add(next)
	}
	base, err := url.Parse("http://hookwell.test/login")
	must(f, err)
	f.Fuzz(func(t *testing.T, next string) {
		path := localPath(next)
		if path == "" {
			return
		}
		// The URL Standard drops these before it reads anything else, and reads
		// a backslash as a slash.
		read := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(path)
		if read != path || !strings.HasPrefix(read, "/") || strings.HasPrefix(read, "//") {
			t.Fatalf("localPath(%q) = %q", next, path)
		}
		target, err := base.Parse(path)
		if err != nil || target.Host != base.Host || target.Scheme != base.Scheme || target.User != nil {
			t.Fatalf("localPath(%q) = %q leads to %v (%v)", next, path, target, err)
		}
		if again := localPath(path); again != path {
			t.Fatalf("localPath(%q) = %q, and of that %q", next, path, again)
		}
	})
}
