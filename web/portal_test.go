package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"hookwell/models"
)

// portalSite is a site with an organization and a platform key that asks for links.
type portalSite struct {
	*site
	org    *models.Organization
	key    *models.Key
	bearer string
}

func newPortalSite(t *testing.T, s *site, externalID string) *portalSite {
	t.Helper()
	p := &portalSite{site: s}
	var err error
	p.key, p.bearer, err = s.Store.Operator().CreateKey(t.Context(), models.NewKey{Name: "product"})
	must(t, err)
	p.org, _, err = s.Store.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: "Acme", ExternalID: externalID})
	must(t, err)
	return p
}

// link asks for a link and answers its path.
func (p *portalSite) link(t *testing.T, body string) string {
	t.Helper()
	status, answer := p.ask(t, p.bearer, p.org.ID, body)
	if status != http.StatusCreated {
		t.Fatalf("%d %s", status, answer)
	}
	var made struct {
		URL       string    `json:"url"`
		ExpiresAt time.Time `json:"expiresAt"`
	}
	must(t, json.Unmarshal(answer, &made))
	u, err := url.Parse(made.URL)
	must(t, err)
	if !strings.HasPrefix(made.URL, p.BaseURL.String()+"/portal/") || len(u.Path) < 40 || !made.ExpiresAt.After(p.Store.Now()) {
		t.Fatalf("%s", answer)
	}
	return u.Path
}

func (p *portalSite) ask(t *testing.T, key, organization, body string) (int, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", p.url+"/api/v1/organizations/"+organization+"/portal-link", strings.NewReader(body))
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	must(t, err)
	defer response.Body.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(response.Body)
	must(t, err)
	return response.StatusCode, b.Bytes()
}

// use opens a link's page and presses its button.
func (b *browser) use(t *testing.T, path string) *shown {
	t.Helper()
	page := b.get(t, path)
	token, _ := page.doc.Find("input[name=_csrf]").Attr("value")
	return b.do(t, b.request(t, http.MethodPost, path, url.Values{"_csrf": {token}}))
}

// enter is a browser that came by a link.
func (p *portalSite) enter(t *testing.T, body string) *browser {
	t.Helper()
	b := p.browser(t)
	b.home = "/o/" + p.org.Slug
	wantLocation(t, b.use(t, p.link(t, body)), b.home)
	return b
}

// submit sends a form with the token of the page that it stands on.
func (b *browser) submit(t *testing.T, from, path string, form url.Values) *shown {
	t.Helper()
	token, ok := b.get(t, from).doc.Find("input[name=_csrf]").First().Attr("value")
	if !ok {
		t.Fatalf("no token on %s", from)
	}
	form.Set("_csrf", token)
	return b.do(t, b.request(t, http.MethodPost, path, form))
}

func TestPortal(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		p := newPortalSite(t, s, "")
		home := "/o/" + p.org.Slug

		t.Run("opening_a_link_uses_nothing_and_the_button_signs_in_once", func(t *testing.T) {
			path := p.link(t, `{"role":"admin","minutes":5,"name":"Grace of Initech"}`)
			for range 3 {
				page := s.browser(t).get(t, path)
				wantStatus(t, page, http.StatusOK)
				if !strings.Contains(page.body, "Acme") || !strings.Contains(page.body, "Grace of Initech") || page.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("the page says neither where nor who, or may be stored: %s", page.body)
				}
			}
			b := s.browser(t)
			wantLocation(t, b.use(t, path), home)
			page := b.get(t, home+"/endpoints")
			wantStatus(t, page, http.StatusOK)
			if !strings.Contains(page.body, "Grace of Initech") {
				t.Error("the page does not say who looks")
			}
			wantLocation(t, b.get(t, "/"), home)
			other := s.browser(t)
			wantStatus(t, other.get(t, path), http.StatusNotFound)
			wantStatus(t, other.do(t, other.request(t, http.MethodPost, path, url.Values{"_csrf": {other.token(t)}})), http.StatusNotFound)
			wantLocation(t, other.get(t, home+"/deliveries"), "/login?next="+url.QueryEscape(home+"/deliveries"))
		})
		t.Run("a_visitor_hears_nothing_of_what_is_received", func(t *testing.T) {
			b := s.browser(t)
			wantLocation(t, b.use(t, p.link(t, `{"role":"admin","minutes":5}`)), home)
			stream := b.listen(t, p.org.Slug)
			s.feed.publish(p.org.ID, "req_1", "dlv_1", "src_1", "rpl_1")
			if got, want := stream.next(t), "event: deliveries\ndata: [\"dlv_1\"]"; got != want {
				t.Errorf("the stream sends %q, want %q", got, want)
			}
			ids := s.fill(t, p.org)
			for _, id := range []string{ids["request"], ids["source"]} {
				wantStatus(t, b.get(t, home+"/find?q="+id), http.StatusNotFound)
			}
		})
		t.Run("a_link_that_was_not_used_in_time_is_over", func(t *testing.T) {
			path := p.link(t, `{"role":"guest","minutes":2}`)
			s.clock.Advance(2*time.Minute + time.Second)
			wantStatus(t, s.browser(t).get(t, path), http.StatusNotFound)
			wantStatus(t, s.browser(t).use(t, path), http.StatusNotFound)
		})
		t.Run("of_two_at_once_one_gets_in", func(t *testing.T) {
			path, results := p.link(t, `{"role":"guest"}`), make(chan int, 4)
			for range 4 {
				b := s.browser(t)
				token, _ := b.get(t, path).doc.Find("input[name=_csrf]").Attr("value")
				request := b.request(t, http.MethodPost, path, url.Values{"_csrf": {token}})
				go func() { results <- b.do(t, request).StatusCode }()
			}
			entered := 0
			for range 4 {
				if <-results == http.StatusSeeOther {
					entered++
				}
			}
			if entered != 1 {
				t.Errorf("%d got in", entered)
			}
		})
		t.Run("roles_hold", func(t *testing.T) {
			guest, admin := p.enter(t, `{"role":"guest"}`), p.enter(t, `{"role":"admin"}`)
			wantStatus(t, guest.get(t, home+"/endpoints/new"), http.StatusForbidden)
			wantStatus(t, admin.get(t, home+"/endpoints/new"), http.StatusOK)
			wantStatus(t, admin.submit(t, home+"/endpoints/new", home+"/endpoints", endpointFields("http://127.0.0.1:9/portal")), http.StatusCreated)
			for _, body := range []string{`{"role":"owner"}`, `{"role":"king"}`, `{}`, `{"role":"admin","minutes":0}`, `{"role":"admin","minutes":61}`, `{"role":"admin","name":"a\u0000b"}`,
				`{"role":"admin","frameOrigin":"https://app.example.com"}`, `{"role":"admin","hat":true}`} {
				if status, answer := p.ask(t, p.bearer, p.org.ID, body); status != http.StatusUnprocessableEntity {
					t.Errorf("%s is answered with %d %s", body, status, answer)
				}
			}
		})
		t.Run("a_session_sees_its_organization_s_deliveries_and_nothing_of_people", func(t *testing.T) {
			b := p.enter(t, `{"role":"admin"}`)
			_, other := s.member(t, "Globex", models.RoleOwner)
			ids := s.fill(t, p.org)
			foreign := s.fill(t, other)
			for _, r := range s.table(t) {
				if !r.inOrganization() {
					continue
				}
				path := ids.path(r.path)
				want := http.StatusNotFound
				if portalMay(path) && !unsafe(r.method) {
					want = max(r.status, http.StatusOK)
				}
				if unsafe(r.method) && portalMay(path) || strings.HasSuffix(path, "/stream") {
					continue
				}
				var a *shown
				if unsafe(r.method) {
					a = b.submit(t, home+"/endpoints", path, url.Values{"password": {password}})
				} else {
					a = b.get(t, path+ids.path(r.query))
				}
				if a.StatusCode != want {
					t.Errorf("%s %s answers %d, want %d", r.method, path, a.StatusCode, want)
				}
				if a := b.get(t, foreign.path(r.path)); a.StatusCode != http.StatusNotFound && a.StatusCode != http.StatusMethodNotAllowed {
					t.Errorf("another organization's %s answers %d", r.path, a.StatusCode)
				}
			}
			for _, path := range []string{"/orgs", "/account/two-factor", home + "/keys", home + "/team", home + "/settings", home + "/audit", "/account"} {
				wantStatus(t, b.get(t, path), http.StatusNotFound)
			}
			page := b.get(t, home+"/endpoints")
			if page.doc.Find(`a[href="/orgs"], a[href="`+home+`/keys"], a[href="/account"]`).Length() != 0 {
				t.Error("the page leads to what the session does not have")
			}
			if secret := b.get(t, home+"/endpoints/"+ids["endpoint"]+"/secret"); strings.Contains(secret.body, "/reveal") {
				t.Error("the secret's page asks for a password that there is none of")
			}
		})
		t.Run("changes_are_audited_as_the_visitor_s", func(t *testing.T) {
			b := p.enter(t, `{"role":"admin","name":"Grace"}`)
			wantStatus(t, b.submit(t, home+"/endpoints/new", home+"/endpoints", endpointFields("http://127.0.0.1:9/audited")), http.StatusCreated)
			rows, err := s.db.Query(`SELECT action, actor_kind, actor_name FROM audit_entries ORDER BY id DESC`)
			must(t, err)
			defer rows.Close()
			var got []string
			for rows.Next() && len(got) < 3 {
				var action, kind, name string
				must(t, rows.Scan(&action, &kind, &name))
				got = append(got, action+" by "+kind+" "+name)
			}
			want := "[endpoint.created by portal Grace portal.signed_in by portal Grace portal_link.created by key product]"
			if fmt.Sprint(got) != want {
				t.Errorf("%v, want %s", got, want)
			}
		})
		t.Run("without_navigation_shows_none", func(t *testing.T) {
			if page := p.enter(t, `{"role":"guest","navigation":false}`).get(t, home+"/endpoints"); page.doc.Find("nav.nav").Length() != 0 {
				t.Error("there is a navigation")
			}
			if page := p.enter(t, `{"role":"guest"}`).get(t, home+"/endpoints"); page.doc.Find("nav.nav").Length() != 1 {
				t.Error("there is no navigation")
			}
		})
		t.Run("a_session_ends", func(t *testing.T) {
			for what, end := range map[string]func(b *browser){
				"by_signing_out":          func(b *browser) { wantLocation(t, b.submit(t, home+"/endpoints", "/logout", url.Values{}), "/portal") },
				"when_it_was_idle":        func(*browser) { s.clock.Advance(portalIdle + time.Minute) },
				"when_its_key_is_revoked": func(*browser) { must(t, s.Store.Operator().RevokeKey(t.Context(), p.key.ID)) },
				"when_its_key_has_expired": func(*browser) {
					s.exec(t, "UPDATE api_keys SET expires_at = '2026-01-01 00:00:00' WHERE id = '"+p.key.ID+"'")
				},
				"when_the_organization_is_deleted": func(*browser) {
					s.exec(t, "UPDATE organizations SET deleted_at = '2026-01-01 00:00:00' WHERE id = '"+p.org.ID+"'")
				},
			} {
				t.Run(what, func(t *testing.T) {
					fresh := newPortalSite(t, s, "")
					p, home = fresh, "/o/"+fresh.org.Slug
					b := fresh.enter(t, `{"role":"admin"}`)
					wantStatus(t, b.get(t, home+"/endpoints"), http.StatusOK)
					end(b)
					if a := b.get(t, home+"/endpoints"); a.StatusCode != http.StatusSeeOther {
						t.Errorf("still answered with %d", a.StatusCode)
					}
				})
			}
		})
		t.Run("no_token_is_in_the_log_or_the_database", func(t *testing.T) {
			fresh := newPortalSite(t, s, "")
			path := fresh.link(t, `{"role":"guest"}`)
			wantLocation(t, s.browser(t).use(t, path), "/o/"+fresh.org.Slug)
			s.browser(t).get(t, path)
			token := strings.TrimPrefix(path, "/portal/")
			if strings.Contains(s.log.String(), token) || strings.Contains(s.dump(t), token) {
				t.Error("the token is written somewhere")
			}
		})
	})
}

func TestPortal_asks_for_a_platform_key(t *testing.T) {
	s := newSite(t, nil)
	p := newPortalSite(t, s, "cus_1")
	_, own, err := s.tenantOf(t, p.org).CreateKey(t.Context(), models.NewKey{Name: "k", Scopes: []string{"read", "write", "events:write"}})
	must(t, err)
	for key, want := range map[string]int{own: 403, "hwk_unknown": 401, "": 401} {
		if status, answer := p.ask(t, key, p.org.ID, `{"role":"guest"}`); status != want {
			t.Errorf("%d %s", status, answer)
		}
	}
	for _, name := range []string{"org_never", "nobody"} {
		if status, _ := p.ask(t, p.bearer, name, `{"role":"guest"}`); status != 404 {
			t.Errorf("%s is answered with %d", name, status)
		}
	}
	if status, answer := p.ask(t, p.bearer, "cus_1", `{"role":"guest"}`); status != 201 {
		t.Errorf("by the external id: %d %s", status, answer)
	}
}

func TestPortal_in_a_frame(t *testing.T) {
	s := newSite(t, func(o *Options) {
		o.AllowedHosts = []string{o.BaseURL.Host}
		o.BaseURL = &url.URL{Scheme: "https", Host: "hooks.example.com"}
	})
	p := newPortalSite(t, s, "")
	const origin = "https://app.example.com"
	for _, wrong := range []string{"http://app.example.com", "https://*.example.com", "https://a.example.com https://b.example.com", "https://app.example.com/", "https://app.example.com;script-src *",
		"https://app.example.com:", "https://user@app.example.com", "app.example.com", "*", "'self'", "https://"} {
		body, _ := json.Marshal(map[string]any{"role": "guest", "frameOrigin": wrong})
		if status, answer := p.ask(t, p.bearer, p.org.ID, string(body)); status != 422 || !strings.Contains(string(answer), "frameOrigin") {
			t.Errorf("%s is answered with %d %s", wrong, status, answer)
		}
	}
	framed := func(t *testing.T, a *shown) {
		t.Helper()
		policy := a.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "frame-ancestors "+origin) || strings.Contains(policy, "frame-ancestors 'none'") || a.Header.Get("X-Frame-Options") != "" {
			t.Errorf("%s can't be shown in the frame: %s, %s", a.Request.URL.Path, policy, a.Header.Get("X-Frame-Options"))
		}
		for _, cookie := range a.Header.Values("Set-Cookie") {
			for _, wanted := range []string{"__Host-", "Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/"} {
				if !strings.Contains(cookie, wanted) {
					t.Errorf("the cookie lacks %s: %s", wanted, cookie)
				}
			}
		}
	}
	path := p.link(t, `{"role":"guest","frameOrigin":"`+origin+`"}`)
	// The test's browser speaks http, to which no Secure cookie is sent.
	cookies := map[string]string{}
	visit := func(t *testing.T, method, path string, form url.Values) *shown {
		t.Helper()
		b := s.browser(t)
		r := b.request(t, method, path, form, "Origin", "https://hooks.example.com")
		var pairs []string
		for name, value := range cookies {
			pairs = append(pairs, name+"="+value)
		}
		r.Header.Set("Cookie", strings.Join(pairs, "; "))
		a := b.do(t, r)
		for _, cookie := range a.Cookies() {
			cookies[cookie.Name] = cookie.Value
		}
		return a
	}
	t.Run("the_link_and_its_session_are_shown_in_the_frame", func(t *testing.T) {
		page := visit(t, http.MethodGet, path, nil)
		wantStatus(t, page, http.StatusOK)
		framed(t, page)
		token, _ := page.doc.Find("input[name=_csrf]").Attr("value")
		entered := visit(t, http.MethodPost, path, url.Values{"_csrf": {token}})
		wantLocation(t, entered, "/o/"+p.org.Slug)
		framed(t, entered)
		for _, path := range []string{"/endpoints", "/deliveries", "/keys", "/nothing"} {
			framed(t, visit(t, http.MethodGet, "/o/"+p.org.Slug+path, nil))
		}
	})
	t.Run("and_so_is_its_end", func(t *testing.T) {
		s.clock.Advance(portalIdle + time.Minute)
		framed(t, visit(t, http.MethodGet, "/o/"+p.org.Slug+"/endpoints", nil))
	})
	t.Run("no_other_session_is", func(t *testing.T) {
		clear(cookies)
		path := p.link(t, `{"role":"guest"}`)
		page := visit(t, http.MethodGet, path, nil)
		token, _ := page.doc.Find("input[name=_csrf]").Attr("value")
		wantLocation(t, visit(t, http.MethodPost, path, url.Values{"_csrf": {token}}), "/o/"+p.org.Slug)
		for _, a := range []*shown{page, visit(t, http.MethodGet, "/o/"+p.org.Slug+"/endpoints", nil), visit(t, http.MethodGet, "/login", nil)} {
			if !strings.Contains(a.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || a.Header.Get("X-Frame-Options") != "DENY" {
				t.Errorf("%s may be framed", a.Request.URL)
			}
		}
	})
}
