package web

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

// linkOf is the invitation's link that a page shows once, as a path.
func (s *site) linkOf(t *testing.T, a *shown) string {
	t.Helper()
	wantStatus(t, a, http.StatusCreated)
	link := a.text(".secret")
	if !strings.HasPrefix(link, s.url+"/invite/") || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the page shows %q", link)
	}
	return strings.TrimPrefix(link, s.url)
}

func (b *browser) invite(t *testing.T, slug, email string, role models.Role) string {
	t.Helper()
	return b.site.linkOf(t, b.post(t, "/o/"+slug+"/invitations", url.Values{"email": {email}, "role": {string(role)}, "by": {"link"}}))
}

// joins takes an invitation up as a new person, and answers the membership's id.
func (s *site) joins(t *testing.T, link, name string) (*browser, string) {
	t.Helper()
	b := s.browser(t)
	wantStatus(t, b.get(t, link), http.StatusOK)
	// Where mail is sent, a copied link leads to one that is mailed to the address.
	if joined := b.post(t, link, url.Values{"name": {name}, "password": {password}}); joined.StatusCode == http.StatusOK {
		address := s.column(t, "SELECT email FROM invitations ORDER BY id DESC LIMIT 1", "SELECT email FROM invitations ORDER BY id DESC LIMIT 1")
		wantStatus(t, b.post(t, "/signup/"+s.mailedToken(t, address[0]), nil), http.StatusSeeOther)
	} else {
		wantStatus(t, joined, http.StatusSeeOther)
	}
	ids := s.column(t, "SELECT id FROM members ORDER BY id DESC LIMIT 1", "SELECT id FROM members ORDER BY id DESC LIMIT 1")
	return b, ids[0]
}

// inbox is a receiver that keeps what it gets.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex
	bodies [][]byte
}

func newInbox(t *testing.T) *inbox {
	box := &inbox{}
	box.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		box.mu.Lock()
		defer box.mu.Unlock()
		box.bodies = append(box.bodies, body)
	}))
	t.Cleanup(box.Close)
	return box
}

// deliverAll sends what waits, as the workers do.
func (s *site) deliverAll(t *testing.T) {
	t.Helper()
	query := "SELECT endpoint_id || ' ' || delivery_id FROM delivery_work"
	lanes := map[string]*pipeline.Lane{}
	for _, line := range s.column(t, query, query) {
		endpointID, deliveryID, _ := strings.Cut(line, " ")
		if lanes[endpointID] == nil {
			lanes[endpointID] = &pipeline.Lane{EndpointID: endpointID, Slots: 100}
		}
		lanes[endpointID].DeliveryIDs = append(lanes[endpointID].DeliveryIDs, deliveryID)
	}
	sender := webhook.NewSender(webhook.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), s.clock.Now)
	t.Cleanup(sender.Close)
	for _, lane := range lanes {
		jobs, _, err := s.Store.Engine().Claim(t.Context(), []pipeline.Lane{*lane})
		must(t, err)
		if len(jobs) != len(lane.DeliveryIDs) {
			t.Errorf("claimed %d of %d", len(jobs), len(lane.DeliveryIDs))
		}
		for _, job := range jobs {
			must(t, s.Store.Engine().Record(t.Context(), []*pipeline.Result{{Job: job, Exchange: sender.Send(t.Context(), job.Message)}}))
		}
	}
}

// changesItsAccount does everything that is reported of a person's account.
func (b *browser) changesItsAccount(t *testing.T, next string) {
	t.Helper()
	b.setUp(t)
	wantStatus(t, b.post(t, "/account/two-factor/disable", nil), http.StatusSeeOther)
	wantStatus(t, b.post(t, "/account/email", url.Values{"email": {next}}), http.StatusSeeOther)
	link := "/email/" + b.site.mailedToken(t, next)
	wantStatus(t, b.post(t, link, nil), http.StatusSeeOther)
	change := url.Values{"present": {password}, "new": {fresh}}
	wantStatus(t, b.post(t, "/account/password", change), http.StatusSeeOther)
}

// TestOwnEvents does everything that the app reports of an organization and of
// the accounts of its members, and receives it.
func TestOwnEvents(t *testing.T) {
	eachSiteOf(t, store.Options{Mail: true}, func(t *testing.T, s *site) {
		box := newInbox(t)
		_, platform, err := s.Store.Operator().CreateKey(t.Context(), models.NewKey{Name: "back end"})
		must(t, err)
		request, err := http.NewRequest(http.MethodPost, s.url+"/api/v1/organizations",
			strings.NewReader(fmt.Sprintf(`{"name":"Initech","endpoints":[{"url":%q,"eventTypes":["*"],"maxInFlight":100}]}`, box.URL)))
		must(t, err)
		request.Header.Set("Authorization", "Bearer "+platform)
		request.Header.Set("Content-Type", "application/json")
		created := s.browser(t).do(t, request)
		wantStatus(t, created, http.StatusCreated)
		var made struct{ ID string }
		must(t, json.Unmarshal([]byte(created.body), &made))

		owner, org := s.member(t, made.ID, models.RoleOwner)
		home := "/o/" + org.Slug
		wantStatus(t, owner.post(t, home+"/keys", url.Values{"name": {"CI"}, "scopes": {"read"}}), http.StatusCreated)
		page := owner.get(t, home+"/keys")
		revoke, _ := page.doc.Find("form[action$='/revoke']").Attr("action")
		wantStatus(t, owner.post(t, revoke, nil), http.StatusSeeOther)
		wantLocation(t, owner.post(t, home+"/settings", url.Values{"name": {"Initrode"}, "slug": {"initrode"}}), "/o/initrode/settings")
		wantStatus(t, owner.get(t, home+"/settings"), http.StatusNotFound)
		home = "/o/initrode"

		elena, elenaID := s.joins(t, owner.invite(t, "initrode", "elena@example.com", models.RoleMember), "Elena Sato")
		_, marcusID := s.joins(t, owner.invite(t, "initrode", "marcus@example.com", models.RoleGuest), "Marcus Lindqvist")
		wantStatus(t, owner.post(t, home+"/team/"+elenaID+"/role", url.Values{"role": {"admin"}}), http.StatusSeeOther)
		wantStatus(t, elena.post(t, home+"/team/"+elenaID+"/title", url.Values{"title": {"Operations Lead"}}), http.StatusSeeOther)
		wantStatus(t, elena.post(t, home+"/team/"+marcusID+"/remove", nil), http.StatusSeeOther)
		elena.changesItsAccount(t, "elena.sato@example.com")
		wantLocation(t, elena.post(t, home+"/team/leave", nil), "/orgs")
		wantStatus(t, owner.post(t, home+"/settings/delete", url.Values{"confirm": {"initech"}}), http.StatusUnprocessableEntity)
		wantLocation(t, owner.post(t, home+"/settings/delete", url.Values{"confirm": {"initrode"}}), "/orgs")
		wantStatus(t, owner.get(t, home+"/team"), http.StatusNotFound)

		s.deliverAll(t)
		var types []string
		for _, body := range box.bodies {
			var envelope struct {
				Type string
				Data json.RawMessage
			}
			must(t, json.Unmarshal(body, &envelope))
			if faults := s.Store.Catalog().Validate(envelope.Type, envelope.Data); len(faults) > 0 {
				t.Errorf("%s does not fit its schema: %v", envelope.Type, faults)
			}
			types = append(types, envelope.Type)
		}
		slices.Sort(types)
		want := []string{"api_key.created", "api_key.revoked", "org.created", "org.deleted", "org.member.added", "org.member.added", "org.member.added",
			"org.member.invited", "org.member.invited", "org.member.left", "org.member.removed", "org.member.role_changed", "org.member.updated", "org.updated",
			"security.2fa_disabled", "security.2fa_enabled", "security.email_changed", "security.password_changed"}
		if !slices.Equal(types, want) {
			t.Errorf("received %v,\nwant %v", types, want)
		}
	})
}

func TestInvitation(t *testing.T) {
	s := newSite(t, nil)
	owner, org := s.member(t, "Acme", models.RoleOwner)
	t.Run("is shown once", func(t *testing.T) {
		link := owner.invite(t, org.Slug, "once@example.com", models.RoleMember)
		if strings.Contains(owner.get(t, "/o/"+org.Slug+"/team").body, link) {
			t.Error("the link is shown again")
		}
	})
	t.Run("opens the way to an account of its address alone", func(t *testing.T) {
		link := owner.invite(t, org.Slug, "elena@example.com", models.RoleMember)
		b := s.browser(t)
		before := s.dump(t)
		wantStatus(t, b.get(t, link), http.StatusOK)
		wantStatus(t, b.post(t, link, url.Values{"name": {"Elena"}, "password": {"short"}}), http.StatusUnprocessableEntity)
		if s.dump(t) != before {
			t.Error("a refused form or a look has changed something")
		}
		wantLocation(t, b.post(t, link, url.Values{"name": {"Elena"}, "email": {"mallory@example.com"}, "password": {password}}), "/o/"+org.Slug)
		wantStatus(t, b.get(t, "/o/"+org.Slug+"/endpoints"), http.StatusOK)
		again := s.browser(t).get(t, link)
		wantStatus(t, again, http.StatusNotFound)
		if got := again.text("h1"); got != "This invitation is over" {
			t.Errorf("a used link says %q", got)
		}
	})
	t.Run("is for the account of its address", func(t *testing.T) {
		stranger, _ := s.member(t, "Globex", models.RoleOwner)
		other, _ := s.member(t, "Hooli", models.RoleOwner)
		link := owner.invite(t, org.Slug, stranger.email, models.RoleAdmin)
		signedOut := s.browser(t).get(t, link)
		if href, _ := signedOut.doc.Find("main a.btn").Attr("href"); href != "/login?next="+url.QueryEscape(link) {
			t.Errorf("who is signed out is led to %q", href)
		}
		wantStatus(t, s.browser(t).post(t, link, url.Values{"name": {"X"}, "password": {password}}), http.StatusConflict)
		page := other.get(t, link)
		wantStatus(t, page, http.StatusOK)
		if !strings.Contains(page.text("main"), "You are signed in as "+other.email) || page.doc.Find("form[action='"+link+"']").Length() > 0 {
			t.Errorf("another account sees %s", page.text("main"))
		}
		wantStatus(t, other.post(t, link, nil), http.StatusForbidden)
		wantLocation(t, other.post(t, "/logout", url.Values{"next": {link}}), link)
		cookie := stranger.cookie(t, "hookwell")
		wantLocation(t, stranger.post(t, link, nil), "/o/"+org.Slug)
		if stranger.cookie(t, "hookwell") == cookie {
			t.Error("the session was not renewed")
		}
		wantStatus(t, stranger.get(t, "/o/"+org.Slug+"/keys"), http.StatusOK)
		if menu := stranger.get(t, "/o/"+org.Slug+"/team").text("#organizations"); !strings.Contains(menu, "Acme") || !strings.Contains(menu, "Globex") {
			t.Errorf("the menu offers %s", menu)
		}
	})
	t.Run("of a role above one's own is refused", func(t *testing.T) {
		admin, _ := s.member(t, org.ID, models.RoleAdmin)
		wantStatus(t, admin.post(t, "/o/"+org.Slug+"/invitations", url.Values{"email": {"boss@example.com"}, "role": {"owner"}}), http.StatusForbidden)
		if choices := admin.get(t, "/o/"+org.Slug+"/team").doc.Find("select[name=role] option[value=owner]").Length(); choices != 0 {
			t.Error("an admin is offered to invite an owner")
		}
	})
}

func TestWhoIsRemovedIsOut(t *testing.T) {
	s := liveSite(t)
	owner, org := s.member(t, "Acme", models.RoleOwner)
	admin, _ := s.member(t, org.ID, models.RoleAdmin)
	home := "/o/" + org.Slug
	wantStatus(t, admin.post(t, home+"/keys", url.Values{"name": {"Nightly export"}, "scopes": {"read"}}), http.StatusCreated)
	rows := owner.get(t, home+"/team").doc.Find("a.rowlink")
	path, _ := rows.First().Attr("href") // by name: Ada admin before Ada owner
	form := admin.get(t, home+"/endpoints/new")
	wantStatus(t, form, http.StatusOK)
	stream := admin.listen(t, org.Slug)
	s.feed.publish(org.ID, "dlv_1")
	stream.next(t)

	asked := owner.get(t, path+"/remove")
	wantStatus(t, asked, http.StatusOK)
	if !strings.Contains(asked.text("main"), "Nightly export") {
		t.Errorf("the page does not name the key that is revoked: %s", asked.text("main"))
	}
	wantLocation(t, owner.post(t, path+"/remove", nil), home+"/team")
	stream.wantEnd(t)
	wantStatus(t, admin.get(t, home+"/endpoints"), http.StatusNotFound)
	token, _ := form.doc.Find("input[name=_csrf]").Attr("value")
	sent := endpointFields("http://127.0.0.1:9/late")
	sent.Set("_csrf", token)
	wantStatus(t, admin.do(t, admin.request(t, http.MethodPost, home+"/endpoints", sent)), http.StatusNotFound)
	if keys := owner.get(t, home+"/keys").text("tbody"); !strings.Contains(keys, "Revoked") {
		t.Errorf("the key still works: %s", keys)
	}
	wantStatus(t, admin.get(t, "/orgs"), http.StatusOK) // the session goes on
}

// fieldsOf are a form's hidden fields, as a browser would send them.
func (a *shown) fieldsOf(selector string) url.Values {
	values := url.Values{}
	a.doc.Find(selector + " input[type=hidden]").Each(func(_ int, input *goquery.Selection) {
		values.Add(input.AttrOr("name", ""), input.AttrOr("value", ""))
	})
	return values
}

func TestRoleChangeSaysWhatEnds(t *testing.T) {
	s := liveSite(t)
	owner, org := s.member(t, "Acme", models.RoleOwner)
	admin, _ := s.member(t, org.ID, models.RoleAdmin)
	home := "/o/" + org.Slug
	made := admin.post(t, home+"/keys", url.Values{"name": {"Deploys"}, "scopes": {"read", "write"}})
	wantStatus(t, made, http.StatusCreated)
	key := made.text(".secret")
	link := admin.invite(t, org.Slug, "friend@example.com", models.RoleAdmin)
	ask := func(method, path, body string) *shown {
		t.Helper()
		request, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
		must(t, err)
		request.Header.Set("Authorization", "Bearer "+key)
		request.Header.Set("Content-Type", "application/json")
		return s.browser(t).do(t, request)
	}
	endpoint := fmt.Sprintf(`{"url":%q,"eventTypes":["*"]}`, "http://127.0.0.1:9/hook")
	wantStatus(t, ask(http.MethodPost, "/api/v1/endpoints", endpoint), http.StatusCreated)

	path, _ := owner.get(t, home+"/team").doc.Find("a.rowlink").First().Attr("href")
	before := s.dump(t)
	asked := owner.post(t, path+"/role", url.Values{"role": {"member"}})
	wantStatus(t, asked, http.StatusConflict)
	for _, word := range []string{"Deploys", "goes on with read", "friend@example.com"} {
		if !strings.Contains(asked.text("main"), word) {
			t.Errorf("the page does not say %q: %s", word, asked.text("main"))
		}
	}
	if s.dump(t) != before {
		t.Error("something changed before it was confirmed")
	}
	wantLocation(t, owner.post(t, path+"/role", asked.fieldsOf("main form")), path)
	wantStatus(t, ask(http.MethodPost, "/api/v1/endpoints", endpoint), http.StatusForbidden)
	wantStatus(t, ask(http.MethodGet, "/api/v1/endpoints", ""), http.StatusOK)
	wantStatus(t, s.browser(t).get(t, link), http.StatusNotFound)

	asked = owner.post(t, path+"/role", url.Values{"role": {"guest"}})
	wantStatus(t, asked, http.StatusConflict)
	wantLocation(t, owner.post(t, path+"/role", asked.fieldsOf("main form")), path)
	wantStatus(t, ask(http.MethodGet, "/api/v1/endpoints", ""), http.StatusUnauthorized)
}

func TestTransferSaysWhatEnds(t *testing.T) {
	s := liveSite(t)
	owner, org := s.member(t, "Acme", models.RoleOwner)
	s.member(t, org.ID, models.RoleAdmin)
	link := owner.invite(t, org.Slug, "heir@example.com", models.RoleOwner)
	path, _ := owner.get(t, "/o/"+org.Slug+"/team").doc.Find("a.rowlink").First().Attr("href")
	asked := owner.post(t, path+"/transfer", nil)
	wantStatus(t, asked, http.StatusConflict)
	if !strings.Contains(asked.text("main"), "heir@example.com") {
		t.Errorf("the page does not say who is uninvited: %s", asked.text("main"))
	}
	wantLocation(t, owner.post(t, path+"/transfer", asked.fieldsOf("main form")), path)
	wantStatus(t, s.browser(t).get(t, link), http.StatusNotFound)
}
