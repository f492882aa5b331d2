package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"hookwell/models"
)

// open reads the form of a page as a browser would send it.
func (b *browser) open(t *testing.T, page, action string) url.Values {
	t.Helper()
	a := b.get(t, page)
	wantStatus(t, a, http.StatusOK)
	return a.form(t, action)
}

// form is what a page's form would send.
func (a *shown) form(t *testing.T, action string) url.Values {
	t.Helper()
	form := url.Values{}
	for _, input := range a.doc.Find(fmt.Sprintf("form[action='%s'] input, form[action='%[1]s'] textarea, form[action='%[1]s'] select", action)).EachIter() {
		name, value := input.AttrOr("name", ""), input.AttrOr("value", "")
		_, off := input.Attr("disabled")
		_, checked := input.Attr("checked")
		if kind := input.AttrOr("type", ""); name == "" || off || (kind == "checkbox" || kind == "radio") && !checked {
			continue
		}
		switch input.Nodes[0].Data {
		case "textarea":
			value = strings.TrimPrefix(input.Text(), "\n")
		case "select":
			value = input.Find("option[selected]").AttrOr("value", "")
		}
		form.Add(name, value)
	}
	if form.Get("_csrf") == "" {
		t.Fatalf("%s has no form for %s", a.Request.URL, action)
	}
	return form
}

func (b *browser) sendForm(t *testing.T, path string, form url.Values) *shown {
	t.Helper()
	return b.do(t, b.request(t, http.MethodPost, path, form))
}

func (s *site) text(t *testing.T, query string) (value string) {
	t.Helper()
	must(t, s.db.QueryRowContext(t.Context(), query).Scan(&value))
	return value
}

func TestFormVersion_of_the_organization(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleOwner)
		b.setUp(t)
		path := "/o/" + org.Slug + "/settings"
		demand, name := b.open(t, path, path), b.open(t, path, path)
		demand["requireTwoFactor"] = []string{"off", "on"}
		wantLocation(t, b.sendForm(t, path, demand), path)

		name.Set("name", "Acme, renamed")
		a := b.sendForm(t, path, name)
		wantStatus(t, a, http.StatusConflict)
		if said := a.text("#f-name-error"); !strings.Contains(said, "“Acme”") || a.doc.Find("#f-name").AttrOr("value", "") != "Acme, renamed" {
			t.Errorf("at the name: %q, and %q stands there", said, a.doc.Find("#f-name").AttrOr("value", ""))
		}
		if said := a.text("#f-requireTwoFactor-error"); !strings.Contains(said, "“on”") {
			t.Errorf("at the demand: %q", said)
		}
		if a.text("#f-slug-error") != "" {
			t.Error("a field that is the same is marked")
		}
		if got := s.text(t, "SELECT name || ' ' || require_two_factor FROM organizations"); got != "Acme 1" && got != "Acme true" {
			t.Fatalf("saved: %s", got)
		}
		// The page that came back goes through, as it stands or changed.
		again := a.form(t, path)
		if slices.Contains(again["requireTwoFactor"], "on") || again.Get("name") != "Acme, renamed" {
			t.Fatalf("what was typed is lost: %v", again)
		}
		again["requireTwoFactor"] = []string{"off", "on"}
		wantLocation(t, b.sendForm(t, path, again), path)
		if got := s.text(t, "SELECT name || ' ' || require_two_factor FROM organizations"); got != "Acme, renamed 1" && got != "Acme, renamed true" {
			t.Errorf("saved: %s", got)
		}
		wantStatus(t, b.sendForm(t, path, withToken(again, b.token(t), "name", "Once more")), http.StatusConflict) // it is old by now
	})
}

// withToken is a form with another token and another value.
func withToken(form url.Values, token, name, value string) url.Values {
	other := url.Values{}
	for field, values := range form {
		other[field] = values
	}
	other.Set("_csrf", token)
	other.Set(name, value)
	return other
}

// A form writes what it has: who can't tick a box does not untick it.
func TestFormVersion_writes_only_its_fields(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleOwner)
		s.exec(t, "UPDATE organizations SET require_two_factor = true")
		s.exec(t, "UPDATE organizations SET require_two_factor = false WHERE id <> '"+org.ID+"'")
		b.setUp(t)
		path := "/o/" + org.Slug + "/settings"
		wantLocation(t, b.post(t, path, url.Values{"name": {"Acme Two"}}), path)
		if got := s.text(t, "SELECT name || ' ' || slug || ' ' || require_two_factor FROM organizations"); got != "Acme Two acme 1" && got != "Acme Two acme true" {
			t.Errorf("saved: %s", got)
		}
		e := s.fill(t, org)["endpoint"]
		edit := "/o/" + org.Slug + "/endpoints/" + e + "/edit"
		s.exec(t, "UPDATE endpoints SET description = 'kept', timeout_seconds = 7")
		wantStatus(t, b.post(t, edit, url.Values{"name": {"Billing"}, "eventTypes": {"*"}}), http.StatusSeeOther)
		if got := s.text(t, "SELECT name || ' ' || description || ' ' || timeout_seconds || ' ' || url FROM endpoints"); got != "Billing kept 7 http://127.0.0.1:9/hook" {
			t.Errorf("saved: %s", got)
		}
	})
}

func TestFormVersion_of_an_endpoint(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleAdmin)
		id := s.fill(t, org)["endpoint"]
		path := "/o/" + org.Slug + "/endpoints/" + id
		edit := path + "/edit"
		moved, named := b.open(t, edit, edit), b.open(t, edit, edit)
		same := b.open(t, edit, edit)
		moved.Set("url", "http://127.0.0.1:9/moved")
		moved["eventTypes"] = []string{"payment.*"}
		moved["headerName"], moved["headerValue"] = []string{"X-Api-Key"}, []string{"theirs"}
		wantLocation(t, b.sendForm(t, edit, moved), path)

		named.Set("name", "Billing")
		named["headerName"], named["headerValue"] = []string{"X-Mine"}, []string{"mine-alone"}
		a := b.sendForm(t, edit, named)
		wantStatus(t, a, http.StatusConflict)
		for field, saved := range map[string]string{"url": "http://127.0.0.1:9/moved", "name": "empty", "eventTypes": "payment.*", "headers": "X-Api-Key"} {
			if said := a.text("#f-" + field + "-error"); !strings.Contains(said, saved) {
				t.Errorf("at %s: %q", field, said)
			}
		}
		if a.text("#f-schedule-error")+a.text("#f-timeoutSeconds-error") != "" || strings.Contains(a.body, "mine-alone") {
			t.Error("a field that is the same is marked, or a header’s value is repeated")
		}
		again := a.form(t, edit)
		if again.Get("url") != "http://127.0.0.1:9/hook" || again.Get("name") != "Billing" || !slices.Contains(again["headerName"], "X-Mine") {
			t.Fatalf("what was typed is lost: %v", again)
		}
		if got := s.text(t, "SELECT url || ' ' || name FROM endpoints"); got != "http://127.0.0.1:9/moved " {
			t.Fatalf("saved: %q", got)
		}
		again.Set("url", "http://127.0.0.1:9/moved")
		again["headerValue"][slices.Index(again["headerName"], "X-Mine")] = "mine-alone"
		wantLocation(t, b.sendForm(t, edit, again), path)
		e, err := s.tenantOf(t, org).Endpoint(t.Context(), id)
		must(t, err)
		headers, err := s.tenantOf(t, org).HeaderNames(e)
		must(t, err)
		if e.URL != "http://127.0.0.1:9/moved" || e.Name != "Billing" || !slices.Equal(headers, []string{"X-Api-Key", "X-Mine"}) {
			t.Errorf("saved: %s %s %v", e.URL, e.Name, headers)
		}

		t.Run("but_not_when_all_is_the_same", func(t *testing.T) {
			same.Set("url", e.URL)
			same.Set("name", e.Name)
			same["eventTypes"] = e.EventTypes
			wantLocation(t, b.sendForm(t, edit, same), path)
		})
		t.Run("nor_when_it_was_disabled_meanwhile", func(t *testing.T) {
			form := b.open(t, edit, edit)
			_, err := s.tenantOf(t, org).DisableEndpoint(t.Context(), id)
			must(t, err)
			form.Set("name", "Billing, EU")
			wantLocation(t, b.sendForm(t, edit, form), path)
			if e, _ := s.tenantOf(t, org).Endpoint(t.Context(), id); e.Enabled() || e.Name != "Billing, EU" {
				t.Errorf("enabled: %v, name %q", e.Enabled(), e.Name)
			}
		})
	})
}

// Forms with one field, each by its own value.
func TestFormVersion_of_one_field(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleOwner)
		member := "/o/" + org.Slug + "/team/" + s.colleague(t, org)
		for action, f := range map[string]struct{ page, field, first, second string }{
			member + "/title": {member, "title", "Operations", "Finance"},
			member + "/role":  {member, "role", "admin", "guest"},
			"/account":        {"/account", "name", "Ada King", "Ada Byron"},
		} {
			first, second := b.open(t, f.page, action), b.open(t, f.page, action)
			first.Set(f.field, f.first)
			second.Set(f.field, f.second)
			wantStatus(t, b.sendForm(t, action, first), http.StatusSeeOther)
			a := b.sendForm(t, action, second)
			wantStatus(t, a, http.StatusConflict)
			if said := a.text("#f-" + f.field + "-error"); !strings.Contains(said, f.first) {
				t.Errorf("%s: %q", action, said)
			}
			again := a.form(t, action)
			if again.Get(f.field) != f.second {
				t.Fatalf("%s: what was typed is lost: %v", action, again)
			}
			wantStatus(t, b.sendForm(t, action, again), http.StatusSeeOther)
			if got := b.open(t, f.page, action).Get(f.field); got != f.second {
				t.Errorf("%s: %q is saved", action, got)
			}
		}
		// The role is not the title's affair.
		title := b.open(t, member, member+"/title")
		role := b.open(t, member, member+"/role")
		role.Set("role", "member")
		wantStatus(t, b.sendForm(t, member+"/role", role), http.StatusSeeOther)
		title.Set("title", "Support")
		wantStatus(t, b.sendForm(t, member+"/title", title), http.StatusSeeOther)
	})
}

// A form whose version is missing shows nobody knows what: it is refused as one
// that is old, with what is saved.
func TestFormVersion_that_is_missing_is_old(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleOwner)
		other, _ := s.member(t, org.ID, models.RoleMember)
		home, endpoint, member := "/o/"+org.Slug, s.fill(t, org)["endpoint"], s.text(t, "SELECT m.id FROM members m JOIN users u ON u.id = m.user_id WHERE u.email = '"+other.email+"'")
		for path, c := range map[string]struct{ page, field, typed string }{
			home + "/settings":                        {home + "/settings", "name", "Typed"},
			home + "/endpoints/" + endpoint + "/edit": {home + "/endpoints/" + endpoint + "/edit", "name", "Typed"},
			home + "/team/" + member + "/title":       {home + "/team/" + member, "title", "Typed"},
			home + "/team/" + member + "/role":        {home + "/team/" + member, "role", "guest"},
			"/account":                                {"/account", "name", "Typed"},
		} {
			form := b.open(t, c.page, path)
			form.Set(c.field, c.typed)
			for name, version := range map[string][]string{"missing": nil, "empty": {""}} {
				before := s.dump(t)
				without := withToken(form, b.token(t), c.field, c.typed)
				without["version"] = version
				a := b.sendForm(t, path, without)
				wantStatus(t, a, http.StatusConflict)
				if !strings.Contains(a.text("main"), "Saved meanwhile") || s.dump(t) != before {
					t.Errorf("%s, version %s: %s", path, name, a.text("main"))
				}
				if a.form(t, path).Get("version") == "" {
					t.Errorf("%s: the page that comes back can't be saved from", path)
				}
			}
			form.Set("_csrf", b.token(t))
			wantStatus(t, b.sendForm(t, path, form), http.StatusSeeOther)
		}
	})
}
