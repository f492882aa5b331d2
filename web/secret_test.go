package web

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"hookwell/models"
	"hookwell/models/store"
)

const importedText = "the text of an older sender"

// secretsOn are the secrets that a page shows.
func (a *shown) secretsOn() []string {
	return a.doc.Find("code.secret").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
}

func (s *site) audited(t *testing.T, like string) (actions []string) {
	t.Helper()
	query := "SELECT action FROM audit_entries WHERE action LIKE '" + like + "' ORDER BY id"
	rows, err := s.db.QueryContext(t.Context(), query)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var action string
		must(t, rows.Scan(&action))
		actions = append(actions, action)
	}
	must(t, rows.Err())
	return actions
}

func wantNoStore(t *testing.T, a *shown) {
	t.Helper()
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("%s may be stored: %q", a.Request.URL.Path, got)
	}
}

var madeSecret = regexp.MustCompile(`^whsec_[A-Za-z0-9+/]{43}=$`)

func TestSecretTab(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleAdmin)
		form := endpointFields("http://127.0.0.1:9/hook")
		form.Set("secret", importedText)
		created := b.post(t, "/o/"+org.Slug+"/endpoints", form)
		wantStatus(t, created, http.StatusCreated)
		wantNoStore(t, created)
		standard := "whsec_" + base64.StdEncoding.EncodeToString([]byte(importedText))
		if got := created.secretsOn(); !slices.Equal(got, []string{importedText, standard}) {
			t.Errorf("an imported secret is shown as %q", got)
		}
		path := created.Header.Get("Content-Location") + "/secret"
		tab := b.get(t, path)
		wantStatus(t, tab, http.StatusOK)
		if tab.doc.Find("tbody tr").Length() != 1 || tab.doc.Find("form[action$='/expire'], form[action$='/switch']").Length() != 0 {
			t.Error("one secret alone has something to end or to switch")
		}
		if got := tab.doc.Find("#f-overlapHours").AttrOr("value", ""); got != "24" {
			t.Errorf("the overlap is %q by default", got)
		}

		form = url.Values{"overlapHours": {"48"}, "secret": {""}, "_csrf": {b.token(t)}}
		rotate := func() *shown { return b.do(t, b.request(t, http.MethodPost, path+"/rotate", form)) }
		rotated := rotate()
		wantStatus(t, rotated, http.StatusCreated)
		wantNoStore(t, rotated)
		made := rotated.secretsOn()
		if len(made) != 1 || !madeSecret.MatchString(made[0]) {
			t.Fatalf("rotating shows %q", made)
		}
		if end := rotated.text("tbody tr:nth-child(2) time"); end != "in 2 d" && end != "in 1 d 23 h" {
			t.Errorf("the countdown is %q", end)
		}
		s.clock.Advance(shownOver)
		before := s.dump(t)
		wantLocation(t, rotate(), path)
		if s.dump(t) != before {
			t.Error("a reload rotated again")
		}

		t.Run("reveals_to_who_knows_the_password", func(t *testing.T) {
			for _, wrong := range []string{"", "wrong horse battery staple"} {
				a := b.post(t, path+"/reveal", url.Values{"password": {wrong}})
				wantStatus(t, a, http.StatusUnprocessableEntity)
				if a.text("#f-password-error") == "" || len(a.secretsOn()) != 0 || a.doc.Find("#f-password").AttrOr("value", "") != "" {
					t.Errorf("a wrong password: %s", a.text("main"))
				}
			}
			a := b.post(t, path+"/reveal", url.Values{"password": {password}})
			wantStatus(t, a, http.StatusOK)
			wantNoStore(t, a)
			if got := a.secretsOn(); !slices.Equal(got, []string{made[0], importedText, standard}) {
				t.Errorf("revealed %q", got)
			}
			if got := s.audited(t, "endpoint.secret_re%"); !slices.Equal(got, []string{"endpoint.secret_refused", "endpoint.secret_refused", "endpoint.secret_revealed"}) {
				t.Errorf("audited %q", got)
			}
			if got := b.get(t, path+"/reveal").StatusCode; got != http.StatusMethodNotAllowed && got != http.StatusNotFound {
				t.Errorf("GET answers %d", got)
			}
		})
		t.Run("reveals_to_nobody_else", func(t *testing.T) {
			member, _ := s.member(t, org.ID, models.RoleMember)
			before := s.audited(t, "%")
			a := member.post(t, path+"/reveal", url.Values{"password": {password}})
			wantStatus(t, a, http.StatusForbidden)
			wantStatus(t, b.do(t, b.request(t, http.MethodPost, path+"/reveal", url.Values{"password": {password}})), http.StatusForbidden)
			// That a role was refused is on record; nothing else is.
			after := slices.DeleteFunc(s.audited(t, "%"), func(action string) bool { return action == "access.refused" })
			if !slices.Equal(after, before) || strings.Contains(a.body, importedText) {
				t.Errorf("something was done: %q", after)
			}
			if member.get(t, strings.TrimSuffix(path, "/secret")).doc.Find("a[href='"+path+"']").Length() != 0 {
				t.Error("a member is offered the tab")
			}
		})
		t.Run("switches_and_expires", func(t *testing.T) {
			tab := b.get(t, path)
			switchTo, _ := tab.doc.Find("form[action$='/switch']").Attr("action")
			wantLocation(t, b.post(t, switchTo, nil), path)
			if tab = b.get(t, path); tab.doc.Find("form[action$='/switch']").Length() != 0 {
				t.Error("what was switched can be switched again")
			}
			expire, _ := tab.doc.Find("form[action$='/expire']").Attr("action")
			wantLocation(t, b.post(t, expire, nil), path)
			if tab = b.get(t, path); tab.doc.Find("tbody tr").Length() != 1 {
				t.Error("what was expired is still in force")
			}
		})
		if strings.Contains(s.log.String(), importedText) || strings.Contains(s.log.String(), made[0]) {
			t.Error("a secret is in the log")
		}
	})
}

func TestSecretTab_faults(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleOwner)
	ids := s.fill(t, org)
	path := ids.path("/o/:org/endpoints/:endpoint/secret")
	before := s.dump(t)
	for name, c := range map[string]struct{ hours, secret, field string }{
		"too_long":           {"169", "", "overlapHours"},
		"negative":           {"-1", "", "overlapHours"},
		"no_number":          {"a day", "", "overlapHours"},
		"nothing":            {"", "", "overlapHours"},
		"a_short_secret":     {"24", "fifteen letters", "secret"},
		"half_a_secret":      {"24", "whsec_x", "secret"},
		"a_secret_to_retype": {"169", importedText, "secret"},
	} {
		t.Run(name, func(t *testing.T) {
			a := b.post(t, path+"/rotate", url.Values{"overlapHours": {c.hours}, "secret": {c.secret}})
			wantStatus(t, a, http.StatusUnprocessableEntity)
			if a.text("#f-"+c.field+"-error") == "" || a.doc.Find("#f-overlapHours").AttrOr("value", "") != c.hours {
				t.Errorf("no fault at %s: %s", c.field, a.text("main"))
			}
			if c.secret != "" && strings.Contains(a.body, c.secret) {
				t.Error("the page repeats the secret")
			}
		})
	}
	if s.dump(t) != before {
		t.Error("something was changed")
	}
	t.Run("one_too_many_is_a_conflict_on_the_page", func(t *testing.T) {
		for range store.MaxSecrets - 2 {
			wantStatus(t, b.post(t, path+"/rotate", url.Values{"overlapHours": {"24"}}), http.StatusCreated)
		}
		a := b.post(t, path+"/rotate", url.Values{"overlapHours": {"24"}})
		wantStatus(t, a, http.StatusConflict)
		if !strings.Contains(a.text("[role=alert]"), "5 secrets are in force") {
			t.Errorf("the page says %q", a.text("[role=alert]"))
		}
	})
	t.Run("a_new_endpoint_does_not_repeat_it_either", func(t *testing.T) {
		form := endpointFields("nonsense")
		form.Set("secret", importedText)
		a := b.post(t, "/o/"+org.Slug+"/endpoints", form)
		wantStatus(t, a, http.StatusUnprocessableEntity)
		if strings.Contains(a.body, importedText) || a.text("#f-secret-error") == "" || a.text("#f-url-error") == "" {
			t.Errorf("the form says %s", a.text("main"))
		}
		form = endpointFields("http://127.0.0.1:9/hook")
		form.Set("secret", "short")
		if a := b.post(t, "/o/"+org.Slug+"/endpoints", form); a.text("#f-secret-error") == "" {
			t.Errorf("the form says %s", a.text("main"))
		}
	})
}
