package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
)

// route is what the tests know of a route of the browser's: under /o/:org also
// the right that it asks for.
type route struct {
	method, path string
	right        models.Right
	form         url.Values
}

func knownRoutes() []route {
	see, operate, administer := models.RightSee, models.RightOperate, models.RightAdminister
	return []route{
		{path: "/healthz"}, {path: "/readyz"}, {path: "/static/:file"},
		{path: "/"}, {path: "/login"}, {path: "/signup"}, {path: "/orgs"}, {path: "/orgs", form: url.Values{"name": {"Globex"}}},
		{path: "/login", form: url.Values{"email": {"a@example.com"}}}, {path: "/signup", form: url.Values{"email": {"a@example.com"}}},
		{path: "/logout", form: url.Values{}}, {path: "/appearance", form: url.Values{"theme": {"dark"}}},
		{path: "/o/:org", right: see}, {path: "/o/:org/find", right: see}, {path: "/o/:org/stream", right: see},
		{path: "/o/:org/events", right: see}, {path: "/o/:org/events/:event", right: see},
		{path: "/o/:org/deliveries", right: see}, {path: "/o/:org/deliveries/:delivery", right: see},
		{path: "/o/:org/deliveries/:delivery/row", right: see}, {path: "/o/:org/catalog", right: see},
		{path: "/o/:org/catalog/:type", right: see}, {path: "/o/:org/endpoints", right: see}, {path: "/o/:org/endpoints/:endpoint", right: see},
		{path: "/o/:org/endpoints/:endpoint/recovery", right: see},
		{path: "/o/:org/deliveries/:delivery/resend", right: operate, form: url.Values{}},
		{path: "/o/:org/deliveries/:delivery/cancel", right: operate, form: url.Values{}},
		{path: "/o/:org/deliveries/resend", right: operate, form: url.Values{"id": {"dlv_none"}}},
		{path: "/o/:org/deliveries/cancel", right: operate, form: url.Values{"id": {"dlv_none"}}},
		{path: "/o/:org/endpoints/:endpoint/recover", right: operate},
		{path: "/o/:org/endpoints/:endpoint/recover", right: operate, form: url.Values{"since": {"2020-01-01"}}},
		{path: "/o/:org/recoveries/:recovery/cancel", right: operate, form: url.Values{}},
		{path: "/o/:org/endpoints/:endpoint/test", right: operate},
		{path: "/o/:org/endpoints/:endpoint/test", right: operate, form: url.Values{"type": {"org.member.added"}}},
		{path: "/o/:org/endpoints", right: administer, form: endpointFields("http://127.0.0.1:9/new")},
		{path: "/o/:org/endpoints/new", right: administer}, {path: "/o/:org/endpoints/:endpoint/edit", right: administer},
		{path: "/o/:org/endpoints/:endpoint/edit", right: administer, form: endpointFields("http://127.0.0.1:9/edited")},
		{path: "/o/:org/endpoints/:endpoint/enable", right: administer, form: url.Values{}},
		{path: "/o/:org/endpoints/:endpoint/disable", right: administer, form: url.Values{}},
		{path: "/o/:org/endpoints/:endpoint/delete", right: administer, form: url.Values{}},
		{path: "/o/:org/endpoints/:endpoint/secret", right: administer},
		{path: "/o/:org/endpoints/:endpoint/secret/rotate", right: administer, form: url.Values{"overlapHours": {"24"}}},
		{path: "/o/:org/endpoints/:endpoint/secret/reveal", right: administer, form: url.Values{"password": {password}}},
		{path: "/o/:org/endpoints/:endpoint/secret/switch", right: administer, form: url.Values{}},
		{path: "/o/:org/endpoints/:endpoint/secret/:secret/expire", right: administer, form: url.Values{}},
		{path: "/o/:org/keys", right: administer},
		{path: "/o/:org/keys", right: administer, form: url.Values{"name": {"k"}, "scopes": {"read"}}},
		{path: "/o/:org/keys/:key/revoke", right: administer, form: url.Values{}},
	}
}

// table is every route of the browser's, from the server itself. One that
// knownRoutes does not know fails the test, and so does one that is gone.
func (s *site) table(t *testing.T) []route {
	t.Helper()
	known := knownRoutes()
	name := func(method, path string) string { return method + " " + path }
	var names []string
	for i := range known {
		known[i].method = http.MethodGet
		if known[i].form != nil {
			known[i].method = http.MethodPost
		}
		names = append(names, name(known[i].method, known[i].path))
	}
	var served []string
	for _, r := range s.app.GetRoutes(true) {
		if r.Method == fiber.MethodHead || strings.HasPrefix(r.Path, "/api/") || slices.Contains([]string{"/fails", "/panics", "/overlaps"}, r.Path) {
			continue
		}
		served = append(served, name(r.Method, r.Path))
		if !slices.Contains(names, name(r.Method, r.Path)) {
			t.Errorf("the tests don't know the route %s %s: say in knownRoutes what it asks for", r.Method, r.Path)
		}
	}
	for _, n := range names {
		if !slices.Contains(served, n) {
			t.Errorf("the route %s is gone", n)
		}
	}
	return known
}

// rows are the ids of one organization's rows, to fill into paths.
type rows map[string]string

func (r rows) path(pattern string) string {
	for name, value := range r {
		pattern = strings.ReplaceAll(pattern, ":"+name, value)
	}
	return pattern
}

// fill gives an organization one of everything.
func (s *site) fill(t *testing.T, org *models.Organization) rows {
	t.Helper()
	tenant := s.tenantOf(t, org)
	in := models.NewEndpointInput()
	in.URL, in.EventTypes = "http://127.0.0.1:9/hook", []string{"*"}
	e, _, err := tenant.CreateEndpoint(t.Context(), in)
	must(t, err)
	_, _, err = tenant.RotateSecret(t.Context(), e.ID, models.Rotation{OverlapHours: 24})
	must(t, err)
	secrets, err := tenant.Secrets(t.Context(), e.ID)
	must(t, err)
	key, _, err := tenant.CreateKey(t.Context(), "k", []string{"read"})
	must(t, err)
	kind, _ := s.Store.Catalog().Lookup("org.member.added")
	_, err = tenant.Publish(t.Context(), models.NewEvent{Type: kind.Type, Data: kind.Example})
	must(t, err)
	list, _, err := tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{})
	must(t, err)
	recovery, err := tenant.Recover(t.Context(), e.ID, models.RecoveryInput{Since: s.Store.Now().Add(-time.Hour)})
	must(t, err)
	return rows{"recovery": recovery.ID, "org": org.Slug, "endpoint": e.ID, "secret": secrets[1].ID, "key": key.ID, "delivery": list[0].ID, "event": list[0].EventID, "type": kind.Type, "file": "app.js"}
}

func TestOrganizations_are_apart(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleOwner)
	_, other := s.member(t, "Globex", models.RoleOwner)
	own, theirs := s.fill(t, org), s.fill(t, other)
	theirs["type"] = "no.such.type"
	before := s.dump(t)
	try := func(t *testing.T, r route, path string) {
		t.Helper()
		var a *shown
		if unsafe(r.method) {
			a = b.post(t, path, r.form)
		} else {
			a = b.get(t, path)
		}
		wantStatus(t, a, http.StatusNotFound)
		if s.dump(t) != before {
			t.Error("something was changed")
		}
	}
	for _, r := range s.table(t) {
		if !strings.HasPrefix(r.path, "/o/:org") {
			continue
		}
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			try(t, r, theirs.path(r.path))
			try(t, r, rows{"org": "never-was"}.path(theirs.path(r.path)))
			rest := strings.TrimPrefix(r.path, "/o/:org")
			for name := range own {
				if !strings.Contains(rest, ":"+name) {
					continue
				}
				mixed := rows{"org": own["org"]}
				for n, id := range own {
					mixed[n] = id
				}
				mixed[name] = theirs[name]
				try(t, r, mixed.path(r.path))
			}
		})
	}
}

func TestRoles(t *testing.T) {
	s := newSite(t, nil)
	_, org := s.member(t, "Acme", models.RoleOwner)
	s.fill(t, org)
	// Nothing has these ids, so that who may gets 404 and changes nothing.
	ids := rows{"org": org.Slug, "endpoint": "ep_none", "secret": "sec_none", "delivery": "dlv_none", "event": "evt_none", "recovery": "rec_none", "key": "key_none", "type": "none"}
	for _, role := range models.Roles() {
		b, _ := s.member(t, org.ID, role)
		for _, r := range s.table(t) {
			if !strings.HasPrefix(r.path, "/o/:org") {
				continue
			}
			t.Run(string(role)+" "+r.method+" "+r.path, func(t *testing.T) {
				before := s.dump(t)
				var a *shown
				if unsafe(r.method) {
					a = b.post(t, ids.path(r.path), url.Values{})
				} else {
					a = b.get(t, ids.path(r.path))
				}
				if refused := a.StatusCode == http.StatusForbidden; refused == role.May(r.right) || a.StatusCode >= 500 {
					t.Errorf("status %d", a.StatusCode)
				}
				if s.dump(t) != before {
					t.Error("something was changed")
				}
			})
		}
	}
	t.Run("pages_offer_what_the_role_may", func(t *testing.T) {
		guest, _ := s.member(t, org.ID, models.RoleGuest)
		page := guest.get(t, "/o/"+org.Slug+"/endpoints")
		wantStatus(t, page, http.StatusOK)
		if page.doc.Find(`main form[method=post], a[href$="/endpoints/new"], a[href$="/keys"]`).Length() > 0 {
			t.Error("a guest is offered what only an admin may")
		}
	})
}

func TestSigned_out(t *testing.T) {
	s := newSite(t, nil)
	_, org := s.member(t, "Acme", models.RoleOwner)
	ids := s.fill(t, org)
	before := s.dump(t)
	for _, r := range s.table(t) {
		if !strings.HasPrefix(r.path, "/o/:org") && r.path != "/orgs" {
			continue
		}
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			b, path := s.browser(t), ids.path(r.path)
			from := "/o/" + org.Slug + "/deliveries?state=failed"
			if unsafe(r.method) {
				wantLocation(t, b.post(t, path, r.form, "Referer", s.url+from), "/login?next="+url.QueryEscape(from))
			} else {
				wantLocation(t, b.get(t, path), "/login?next="+url.QueryEscape(path))
			}
			a := b.do(t, b.request(t, r.method, path, r.form, "HX-Request", "true", "HX-Current-URL", s.url+from))
			wantStatus(t, a, http.StatusUnauthorized)
			if got := a.Header.Get("HX-Redirect"); got != "/login?next="+url.QueryEscape(from) {
				t.Errorf("htmx is led to %q", got)
			}
			if s.dump(t) != before {
				t.Error("something was changed")
			}
		})
	}
}
