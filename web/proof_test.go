package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hookwell/internal/apitest"
	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/store"
	"hookwell/web/api"
)

// world is two organizations, and everybody who could try something.
type world struct {
	*site
	org, other *models.Organization
	people     map[models.Role]*browser // members of org
	stranger   *browser                 // an owner of the other organization
	removed    *browser                 // an owner of org until a moment ago
	portals    map[models.Role]*browser // that came to org by a portal link
	foreign    *browser                 // that came to the other organization by one
	nobody     *browser                 // not signed in
	owner      *browser                 // of the personal page that is tried
	theirs     rows                     // of the other organization
	second     rows                     // more of org's
	keys       map[string]string        // of org, by scope; "all", "revoked" and "expired" too
	otherKey   string
	platform   string
	changes    *storetest.Changes // of rows but the sessions'
}

func newWorld(t *testing.T, s *site) *world {
	w := &world{site: s, people: map[models.Role]*browser{}, keys: map[string]string{}, nobody: s.browser(t)}
	w.people[models.RoleOwner], w.org = s.member(t, "Acme", models.RoleOwner)
	for _, role := range []models.Role{models.RoleGuest, models.RoleMember, models.RoleAdmin} {
		w.people[role], _ = s.member(t, w.org.ID, role)
	}
	w.stranger, w.other = s.member(t, "Globex", models.RoleOwner)
	w.removed, _ = s.member(t, w.org.ID, models.RoleOwner)
	s.exec(t, fmt.Sprintf("DELETE FROM members WHERE user_id = (SELECT id FROM users WHERE email = '%s')", w.removed.email))
	w.theirs, w.second = s.fill(t, w.other), s.fill(t, w.org)
	w.makeKeys(t)
	w.openPortals(t)
	w.changes = storetest.WatchChanges(t, s.Store, noted)
	return w
}

func (w *world) makeKeys(t *testing.T) {
	t.Helper()
	tenant, end := w.tenantOf(t, w.org), w.Store.Now().Add(time.Minute)
	make := func(tenant *store.Tenant, end *time.Time, scopes ...string) (*models.Key, string) {
		key, text, err := tenant.CreateKey(t.Context(), models.NewKey{Name: "k", Scopes: scopes, ExpiresAt: end})
		must(t, err)
		return key, text
	}
	all := scopeNames(models.Scopes())
	for _, scope := range all {
		_, w.keys[scope] = make(tenant, nil, scope)
	}
	_, w.keys["all"] = make(tenant, nil, all...)
	_, w.otherKey = make(w.tenantOf(t, w.other), nil, all...)
	_, w.keys["expired"] = make(tenant, &end, all...)
	revoked, text := make(tenant, nil, all...)
	w.keys["revoked"] = text
	must(t, tenant.RevokeKey(t.Context(), revoked.ID))
	w.clock.Advance(time.Minute)
	var err error
	_, w.platform, err = w.Store.Operator().CreateKey(t.Context(), models.NewKey{Name: "Platform"})
	must(t, err)
}

func (w *world) openPortals(t *testing.T) {
	t.Helper()
	own, other := &portalSite{site: w.site, org: w.org, bearer: w.platform}, &portalSite{site: w.site, org: w.other, bearer: w.platform}
	w.portals = map[models.Role]*browser{models.RoleGuest: own.enter(t, `{"role":"guest"}`), models.RoleAdmin: own.enter(t, `{"role":"admin"}`)}
	w.foreign = other.enter(t, `{"role":"admin"}`)
}

func scopeNames(scopes []models.Scope) []string {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = string(scope)
	}
	return names
}

// send makes a route's request in a browser, with these ids.
func (b *browser) send(t *testing.T, r route, ids rows, header ...string) *shown {
	t.Helper()
	if !unsafe(r.method) {
		return b.get(t, ids.path(r.path+r.query), header...)
	}
	form := url.Values{}
	for name, values := range r.form {
		for _, value := range values {
			form.Add(name, ids.path(value))
		}
	}
	return b.post(t, ids.path(r.path), form, header...)
}

// ask makes a route's request with a key; query begins with "?" or is empty.
func (w *world) ask(t *testing.T, r route, ids rows, authorization, query string, header ...string) *shown {
	t.Helper()
	request, err := http.NewRequest(r.method, w.url+ids.path(r.path)+query, strings.NewReader(ids.path(r.body)))
	must(t, err)
	if r.body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	a := w.nobody.do(t, request)
	apitest.ContractAt(t, w.url).Holds(t, r.method, request.URL.Path, a.StatusCode, a.Header, []byte(a.body))
	return a
}

// refuses makes a request that must be refused with a status. That none of
// them changed anything is seen once they are through: see TestEveryRoute.
func (w *world) refuses(t *testing.T, who string, status int, send func() *shown) {
	t.Helper()
	if a := send(); a.StatusCode != status {
		t.Errorf("%s: %s %s answers %d, want %d: %.200s", who, a.Request.Method, a.Request.URL, a.StatusCode, status, a.body)
	}
}

// childless are parameters of paths that name no row of an organization.
var childless = []string{"org", "type", "file", "token"}

// children are the rows that a path names, in their order.
func (r route) children() (names []string) {
	for _, name := range placeholder.FindAllString(r.path, -1) {
		if !slices.Contains(childless, name[1:]) {
			names = append(names, name[1:])
		}
	}
	return names
}

// untilFannedOut waits until every delivery is written of what was made: an event with
// many is written in slices.
func (s *site) untilFannedOut(t *testing.T) {
	t.Helper()
	late, again := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer again.Stop()
	for left := 1; left > 0; {
		if err := s.Store.Database().WithContext(t.Context()).Raw("SELECT count(*) FROM fan_outs").Scan(&left).Error; err != nil {
			t.Fatal(err)
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("%d events are not written to all endpoints", left)
		}
	}
}

// TestEveryRoute makes each request as everybody who may not, which changes
// nothing, and then just so as the one who may, which works.
func TestEveryRoute(t *testing.T) {
	eachSiteOf(t, store.Options{Mail: true}, func(t *testing.T, s *site) {
		w := newWorld(t, s)
		var unused rows // of a route that has changed nothing
		for _, r := range s.table(t) {
			t.Run(r.method+" "+r.path, func(t *testing.T) {
				ids := unused
				if ids == nil {
					ids = s.fill(t, w.org)
				}
				unused = nil
				if r.ready != nil {
					r.ready(t, s.Store, s.tenantOf(t, w.org), ids)
				}
				w.owner = w.people[models.RoleGuest]
				if r.own != nil {
					w.owner = r.own(t, w, ids)
				}
				s.untilFannedOut(t)
				w.changes.Drop(t) // what the making of its rows has changed
				use := w.provesOutside
				switch {
				case r.api():
					use = w.provesKeys
				case r.inOrganization():
					use = w.provesPeople
				}
				rightful := use(t, r, ids)
				if changed := w.changes.Take(t); len(changed) > 0 {
					t.Errorf("somebody who may not has changed something:\n%s", strings.Join(changed, "\n"))
				}
				w.works(t, r, rightful())
				if !r.changes() && r.ready == nil && r.own == nil && r.after == nil {
					unused = ids
				}
				if r.after != nil {
					r.after(t, w)
				}
			})
		}
	})
}

// provesPeople tries a page of an organization.
func (w *world) provesPeople(t *testing.T, r route, ids rows) (rightful func() *shown) {
	w.provesSignIn(t, r, ids)
	for who, b := range map[string]*browser{"another organization's owner": w.stranger, "a removed owner": w.removed} {
		w.refuses(t, who, 404, func() *shown { return b.send(t, r, ids) })
		w.refuses(t, who+", unknown ids", 404, func() *shown { return b.send(t, r, w.theirs.with("org", "never-was")) })
	}
	var least *browser // of those who may
	for _, role := range models.Roles() {
		if role.May(r.right) {
			least = w.people[role]
			break
		}
		w.refuses(t, "a "+string(role), 403, func() *shown { return w.people[role].send(t, r, ids) })
	}
	for _, name := range r.children() {
		w.refuses(t, "a member, naming another organization's "+name, 404, func() *shown { return least.send(t, r, ids.with(name, w.theirs[name])) })
		w.refuses(t, "another organization's owner, there, naming a "+name, 404, func() *shown {
			return w.stranger.send(t, r, w.theirs.with(name, ids[name]))
		})
	}
	w.provesPortals(t, r, ids)
	w.provesForms(t, r, ids, least)
	if nested := r.children(); len(nested) > 1 {
		foreign := w.second
		w.refuses(t, "a member, naming another "+nested[0]+" of the organization's", 404, func() *shown {
			return least.send(t, r, ids.with(nested[0], foreign[nested[0]]))
		})
	}
	return func() *shown { return least.send(t, r, ids) }
}

// openToPortals are the pages that a portal session has, if its role has them:
// nothing of people, keys and settings, and no secret, which takes a password.
var openToPortals = regexp.MustCompile(`^/o/:org(/(find|stream|catalog(/:type)?|events(/:event)?|deliveries(/(resend|cancel|:delivery(/[a-z]+)?))?|recoveries/:recovery/cancel|` +
	`endpoints(/(new|schedule|:endpoint(/(test|recover|recovery|edit|enable|disable|delete|secret(/(rotate|switch|:secret/expire))?))?))?))?$`)

// provesPortals tries a page in the sessions of portal links: of the other
// organization, and of org where the page asks for more than a portal has.
func (w *world) provesPortals(t *testing.T, r route, ids rows) {
	w.refuses(t, "the other organization's portal", 404, func() *shown { return w.foreign.send(t, r, ids) })
	for role, b := range w.portals {
		who := "a portal's " + string(role)
		switch {
		case !openToPortals.MatchString(r.path):
			w.refuses(t, who, 404, func() *shown { return b.send(t, r, ids) })
		case !role.May(r.right):
			w.refuses(t, who, 403, func() *shown { return b.send(t, r, ids) })
		default:
			for _, name := range r.children() {
				w.refuses(t, who+", naming another organization's "+name, 404, func() *shown { return b.send(t, r, ids.with(name, w.theirs[name])) })
			}
		}
	}
}

// provesSignIn tries who has not signed in, and an API key in place of it.
func (w *world) provesSignIn(t *testing.T, r route, ids rows) {
	from := "/o/" + w.org.Slug + "/deliveries?state=failed"
	next := ids.path(r.path + r.query)
	var header []string
	if unsafe(r.method) {
		next, header = from, []string{"Referer", w.url + from}
	}
	for _, extra := range [][]string{nil, {"Authorization", "Bearer " + w.keys["all"]}} {
		w.refuses(t, "nobody", http.StatusSeeOther, func() *shown {
			a := w.nobody.send(t, r, ids, append(extra, header...)...)
			if got := a.Header.Get("Location"); got != "/login?next="+url.QueryEscape(next) {
				t.Errorf("nobody is led to %q", got)
			}
			return a
		})
	}
	w.refuses(t, "nobody, by htmx", http.StatusUnauthorized, func() *shown {
		a := w.nobody.send(t, r, ids, "HX-Request", "true", "HX-Current-URL", w.url+from)
		if got := a.Header.Get("HX-Redirect"); got != "/login?next="+url.QueryEscape(from) {
			t.Errorf("htmx is led to %q", got)
		}
		return a
	})
}

// provesForms mixes another organization's ids among those that a form or a
// query names.
func (w *world) provesForms(t *testing.T, r route, ids rows, b *browser) {
	if r.query != "" && ids.path(r.query) != r.query {
		w.refuses(t, "a member, asking for another organization's row", 404, func() *shown {
			mixed := r
			mixed.query = w.theirs.path(r.query)
			return b.send(t, mixed, ids)
		})
	}
	for field, values := range r.form {
		for _, value := range values {
			if ids.path(value) == value || r.public {
				continue
			}
			mixed := r
			mixed.form = url.Values{}
			for name, own := range r.form {
				mixed.form[name] = own
			}
			mixed.form[field] = append(slices.Clone(values), w.theirs.path(value))
			w.refuses(t, "a member, naming another organization's rows among their own", 404, func() *shown { return b.send(t, mixed, ids) })
		}
	}
}

// provesOutside tries a page that lies outside organizations.
func (w *world) provesOutside(t *testing.T, r route, ids rows) (rightful func() *shown) {
	switch {
	case r.public && r.own == nil:
		return func() *shown { return w.browser(t).send(t, r, ids) }
	case !r.public:
		w.provesSignIn(t, r, ids)
		w.refuses(t, "a portal's admin", 404, func() *shown { return w.portals[models.RoleAdmin].send(t, r, ids) })
		for range r.children() {
			w.refuses(t, "somebody else", 404, func() *shown { return w.people[models.RoleOwner].send(t, r, ids) })
		}
	}
	return func() *shown { return w.owner.send(t, r, ids) }
}

// provesKeys tries a route of the API.
func (w *world) provesKeys(t *testing.T, r route, ids rows) (rightful func() *shown) {
	access := r.access(t)
	all, platform := "Bearer "+w.keys["all"], "Bearer "+w.platform
	cookie := "hookwell=" + w.people[models.RoleOwner].cookie(t, "hookwell")
	for who, authorization := range map[string]string{"no key": "", "an unknown key": "Bearer hwk_" + strings.Repeat("A", 40), "no key of ours": "Bearer x",
		"an empty key": "Bearer ", "another scheme": "Basic " + w.keys["all"], "no scheme": w.keys["all"],
		"a revoked key": "Bearer " + w.keys["revoked"], "an expired key": "Bearer " + w.keys["expired"]} {
		w.refuses(t, who, 401, func() *shown { return w.ask(t, r, ids, authorization, "", "Cookie", cookie) })
	}
	portal := "hookwell=" + w.portals[models.RoleAdmin].cookie(t, "hookwell")
	w.refuses(t, "a portal's admin", 401, func() *shown { return w.ask(t, r, ids, "", "", "Cookie", portal) })
	if access == api.PlatformOnly {
		w.refuses(t, "an organization's key", 403, func() *shown { return w.ask(t, r, ids, all, "") })
		return func() *shown { return w.ask(t, r, ids, platform, "") }
	}
	for _, scope := range models.Scopes() {
		if string(scope) != string(access) {
			w.refuses(t, "a key with the scope "+string(scope), 403, func() *shown { return w.ask(t, r, ids, "Bearer "+w.keys[string(scope)], "") })
		}
	}
	inBody, named := strings.Contains(r.path, "/events/batch"), strings.Contains(r.path, "/event-types")
	for _, name := range []string{w.other.ID, "nobody"} {
		w.refuses(t, "a key that names another organization", 404, func() *shown { return w.ask(t, r, ids, all, "?organizationId="+name) })
	}
	switch receiving := access == api.ScopeRequestsRead || access == api.ScopeSourcesWrite; {
	case receiving && len(r.children()) > 0: // without a name it acts for the installation's own sources
		w.refuses(t, "a platform key that names no organization", 404, func() *shown { return w.ask(t, r, ids, platform, "") })
	case !inBody && !named && !receiving:
		w.refuses(t, "a platform key that names no organization", 422, func() *shown { return w.ask(t, r, ids, platform, "") })
	}
	for _, name := range r.children() {
		w.refuses(t, "another organization's key, naming a "+name, 404, func() *shown { return w.ask(t, r, ids, "Bearer "+w.otherKey, "") })
		w.refuses(t, "a platform key, naming a "+name+" in another organization", 404, func() *shown {
			return w.ask(t, r, ids, platform, "?organizationId="+w.other.ID)
		})
	}
	return func() *shown { return w.ask(t, r, ids, "Bearer "+w.keys[string(access)], "") }
}

// changes reports whether the route's request changes something.
func (r route) changes() bool { return unsafe(r.method) && !r.still }

// works checks the answer of who may: reading changes nothing, and whatever
// else it is has changed something.
func (w *world) works(t *testing.T, r route, a *shown) {
	t.Helper()
	if a.StatusCode != r.status {
		t.Fatalf("who may gets %d, want %d: %.300s", a.StatusCode, r.status, a.body)
	}
	changed := w.changes.Take(t)
	switch changes := r.changes(); {
	case changes && len(changed) == 0:
		t.Error("it worked, and nothing has changed")
	case !changes && len(changed) > 0:
		t.Errorf("it changed something:\n%s", strings.Join(changed, "\n"))
	}
}
