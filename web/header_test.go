package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"hookwell/models"
	"hookwell/static"
	"hookwell/web/api"
)

// pages are every page once, the pages of errors included.
func (s *site) pages(t *testing.T) map[string]*shown {
	t.Helper()
	b, org := s.member(t, "Acme", models.RoleOwner)
	guest, _ := s.member(t, org.ID, models.RoleGuest)
	ids := s.fill(t, org)
	pages := map[string]*shown{}
	for _, r := range s.pageTable(t) {
		path := ids.path(r.path)
		switch {
		case strings.HasSuffix(path, "/stream"), strings.HasSuffix(path, "z"), strings.HasPrefix(path, "/static"):
		case !unsafe(r.method):
			pages["GET "+r.path] = b.get(t, path)
			pages["GET "+r.path+" by htmx"] = b.get(t, path, "HX-Request", "true")
			pages["GET "+r.path+" signed out"] = s.browser(t).get(t, path)
		case !strings.HasSuffix(path, "/delete"):
			pages["POST "+r.path] = guest.post(t, path, r.form)
			pages["POST "+r.path+" of another site"] = b.do(t, b.request(t, r.method, path, r.form))
		}
	}
	pages["422"] = b.post(t, "/o/"+org.Slug+"/endpoints", url.Values{"url": {"nonsense"}})
	pages["422 of the log"] = b.get(t, "/o/"+org.Slug+"/deliveries?since=yesterday")
	pages["500"] = b.get(t, "/fails")
	pages["404"] = b.get(t, "/nothing")
	pages["405"] = b.get(t, "/logout")
	return pages
}

func TestHeaders(t *testing.T) {
	s := newSite(t, nil)
	nonces := map[string]bool{}
	for name, page := range s.pages(t) {
		t.Run(name, func(t *testing.T) {
			policy := page.Header.Get("Content-Security-Policy")
			nonce, _, _ := strings.Cut(policy[strings.Index(policy, "'nonce-")+len("'nonce-"):], "'")
			if len(nonce) < 22 || nonces[nonce] {
				t.Errorf("the nonce %q is short or was used before", nonce)
			}
			nonces[nonce] = true
			for _, wanted := range []string{"default-src 'none'", "script-src 'self' 'nonce-", "style-src 'self'", "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'"} {
				if !strings.Contains(policy, wanted) {
					t.Errorf("the policy lacks %s: %s", wanted, policy)
				}
			}
			if strings.Contains(policy, "unsafe") || strings.Contains(policy, "%") {
				t.Errorf("the policy is loose: %s", policy)
			}
			for header, wanted := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": referrerPolicy(name),
				"Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY"} {
				if got := page.Header.Get(header); got != wanted {
					t.Errorf("%s is %q, want %q", header, got, wanted)
				}
			}
			if cache := page.Header.Get("Cache-Control"); cache != "private, no-cache" && cache != "no-store" && !(strings.HasPrefix(name, "GET "+api.DocumentPath) && strings.HasPrefix(cache, "public, ")) {
				t.Errorf("Cache-Control is %q", cache)
			}
			if page.Header.Get("X-Request-Id") == "" || page.Header.Get("Permissions-Policy") == "" || page.Header.Get("Server") != "" {
				t.Error("a header is missing or too much")
			}
			wantNoInline(t, page, nonce)
		})
	}
}

// referrerPolicy is stricter where the page's address is a secret.
func referrerPolicy(name string) string {
	if strings.Contains(name, "/:token") {
		return "strict-origin"
	}
	return "same-origin"
}

// wantNoInline holds that a page needs nothing that its policy forbids.
func wantNoInline(t *testing.T, page *shown, nonce string) {
	t.Helper()
	page.doc.Find("script").Each(func(_ int, script *goquery.Selection) {
		if script.AttrOr("nonce", "") != nonce || !strings.HasPrefix(script.AttrOr("src", ""), "/static/") {
			t.Errorf("a script without the nonce or of its own: %v", script.Nodes[0].Attr)
		}
	})
	page.doc.Find("*").Each(func(_ int, element *goquery.Selection) {
		for _, attribute := range element.Nodes[0].Attr {
			if strings.HasPrefix(attribute.Key, "on") || attribute.Key == "style" || strings.HasPrefix(attribute.Val, "javascript:") {
				t.Errorf("<%s> has %s=%q", element.Nodes[0].Data, attribute.Key, attribute.Val)
			}
		}
	})
	if page.doc.Find("style").Length() > 0 {
		t.Error("a style of its own")
	}
}

func TestHeaders_under_https(t *testing.T) {
	s := newSite(t, func(o *Options) {
		o.AllowedHosts = []string{o.BaseURL.Host}
		o.BaseURL = &url.URL{Scheme: "https", Host: "hooks.example.com"}
	})
	a := s.browser(t).get(t, "/login")
	if got := a.Header.Get("Strict-Transport-Security"); !strings.HasPrefix(got, "max-age=") {
		t.Errorf("Strict-Transport-Security is %q", got)
	}
	cookie := a.Header.Get("Set-Cookie")
	for _, wanted := range []string{"__Host-hookwell_visitor=", "; path=/", "; secure", "; HttpOnly", "; SameSite=Lax"} {
		if !strings.Contains(cookie, wanted) {
			t.Errorf("the cookie lacks %q: %s", wanted, cookie)
		}
	}
	if strings.Contains(strings.ToLower(cookie), "domain=") {
		t.Errorf("the cookie has a domain: %s", cookie)
	}
}

func TestHeaders_of_every_route(t *testing.T) {
	s := newSite(t, func(o *Options) {
		o.AllowedHosts = []string{o.BaseURL.Host}
		o.BaseURL = &url.URL{Scheme: "https", Host: "hooks.example.com"}
	})
	wanted := []string{"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy", "Cross-Origin-Opener-Policy",
		"Cross-Origin-Resource-Policy", "Strict-Transport-Security", "X-Request-Id", "Cache-Control"}
	b := s.browser(t)
	for _, r := range s.app.GetRoutes(true) {
		t.Run(r.Method+r.Path, func(t *testing.T) {
			a := b.do(t, b.request(t, r.Method, r.Path, nil))
			for _, header := range wanted {
				if len(a.Header.Values(header)) != 1 {
					t.Errorf("%d with %s: %q", a.StatusCode, header, a.Header.Values(header))
				}
			}
		})
	}
}

func TestSecrets_are_not_stored(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleOwner)
	for path, form := range map[string]url.Values{
		"/endpoints": endpointFields("http://127.0.0.1:9/hook"),
		"/keys":      {"name": {"Production"}, "scopes": {"read"}},
	} {
		t.Run("and_a_reload_makes_no_second"+strings.ReplaceAll(path, "/", "_"), func(t *testing.T) {
			form.Set("_csrf", b.token(t))
			send := func() *shown { return b.do(t, b.request(t, http.MethodPost, "/o/"+org.Slug+path, form)) }
			created := send()
			wantStatus(t, created, http.StatusCreated)
			if got := created.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("the page with the secret may be stored: %q", got)
			}
			s.clock.Advance(shownOver)
			before := s.dump(t)
			wantLocation(t, send(), created.Header.Get("Content-Location"))
			if s.dump(t) != before {
				t.Error("the reload made another")
			}
		})
	}
	t.Run("in_no_session", func(t *testing.T) {
		var data []byte
		must(t, s.db.QueryRow(`SELECT data FROM sessions`).Scan(&data))
		if strings.Contains(string(data), "whsec_") || strings.Contains(string(data), "hwk_") {
			t.Error("a secret lies in the session")
		}
	})
}

func TestStatic(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser(t)
	for path, cache := range map[string]string{
		static.Path("app.js"): "public, max-age=31536000, immutable", static.Path("hookwell.css"): "public, max-age=31536000, immutable",
		"/static/app.js": "no-cache", "/static/app.js?v=old": "no-cache",
	} {
		a := b.get(t, path)
		wantStatus(t, a, http.StatusOK)
		if got := a.Header.Get("Cache-Control"); got != cache {
			t.Errorf("%s: Cache-Control %q, want %q", path, got, cache)
		}
		if kind := a.Header.Get("Content-Type"); !slices.Contains([]string{"text/javascript; charset=utf-8", "text/css; charset=utf-8"}, kind) {
			t.Errorf("%s is %q", path, kind)
		}
		if len(a.Cookies()) > 0 {
			t.Errorf("%s sets a cookie", path)
		}
	}
	t.Run("come_compressed_to_who_takes_it", func(t *testing.T) {
		a := b.get(t, "/static/htmx.min.js", "Accept-Encoding", "br, gzip")
		zipped, err := gzip.NewReader(strings.NewReader(a.body))
		must(t, err)
		content, err := io.ReadAll(zipped)
		must(t, err)
		if want, _ := static.Files.ReadFile("htmx.min.js"); a.Header.Get("Content-Encoding") != "gzip" || !bytes.Equal(content, want) {
			t.Error("not the file, compressed")
		}
		if plain := b.get(t, "/static/htmx.min.js", "Accept-Encoding", "identity"); plain.Header.Get("Content-Encoding") != "" || plain.Header.Get("Vary") != "Accept-Encoding" {
			t.Error("compressed for who does not take it, or not said that it varies")
		}
	})
	for _, path := range []string{"/static/embed.go", "/static/..%2fgo.mod", "/static/", "/static/../go.mod"} {
		wantStatus(t, b.get(t, path), http.StatusNotFound)
	}
}
