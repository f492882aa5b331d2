package acceptance

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const crawlPassword = "correct horse battery staple"

// place is a running server with an organization that has one of everything.
type place struct {
	server   *running
	receiver string // that takes what is sent
	platform string
	org      string
}

// furnish makes a place: people of each role, endpoints that take, refuse and
// want no more, what was sent to them, a key and an invitation.
func furnish(t *testing.T) *place {
	t.Helper()
	here := embedded(t)
	var made struct{ OrganizationID string }
	create := func(role, org string) {
		t.Helper()
		account := here.run(t, crawlPassword+"\n", "user", "create", "--email", role+"@example.com", "--name", "The "+role, "--org", org, "--role", role)
		if err := json.Unmarshal([]byte(account), &made); err != nil {
			t.Fatal(err)
		}
	}
	create("owner", "Acme")
	for _, role := range []string{"admin", "member", "guest"} {
		create(role, made.OrganizationID)
	}
	p := &place{org: made.OrganizationID, platform: strings.TrimSpace(here.run(t, "", "platform-key", "create", "--name", "back end"))}
	p.server = here.start(t)
	for _, status := range []int{http.StatusOK, http.StatusInternalServerError, http.StatusGone} {
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(receiver.Close)
		if p.receiver == "" {
			p.receiver = receiver.URL
		}
		p.calls(t, "POST", "/endpoints", http.StatusCreated, map[string]any{"url": receiver.URL, "eventTypes": []string{"*"}, "organizationId": p.org}, nil)
	}
	for range 3 {
		p.calls(t, "POST", "/events", http.StatusAccepted, map[string]any{"type": "payment.refunded", "data": refund, "organizationId": p.org}, nil)
	}
	eventually(t, "the first attempts", func() bool { return p.count(t, "delivered") == 3 && p.count(t, "retrying") >= 3 })
	p.invites(t)
	return p
}

// invites makes a key and an invitation, for which there is no API.
func (p *place) invites(t *testing.T) {
	t.Helper()
	v := newVisitor(t)
	p.signsIn("owner")(v)
	home := v.location()
	v.do(chromedp.Navigate(home+"/team"), chromedp.SendKeys(chromedp.CSS("input[name=email]"), "elena@example.com"),
		chromedp.Click(chromedp.CSS(`form[action$="/invitations"] button[type=submit]`)))
	v.sees(".secret", "/invite/")
	v.do(chromedp.Navigate(home+"/keys"), chromedp.WaitVisible(chromedp.CSS("input[name=name]")), chromedp.SendKeys(chromedp.CSS("input[name=name]"), "CI"),
		chromedp.Click(chromedp.CSS(`input[name=scopes][value="read"]`)), chromedp.Click(chromedp.CSS("form button[type=submit].btn--primary")))
	v.sees("body", "hwk_")
}

func (p *place) calls(t *testing.T, method, path string, want int, body, answer any) {
	t.Helper()
	if status := call(t, method, p.server.url+"/api/v1"+path, p.platform, body, answer); status != want {
		t.Fatalf("%s %s: %d", method, path, status)
	}
}

// count is how many deliveries are in a state.
func (p *place) count(t *testing.T, state string) int {
	t.Helper()
	var list struct{ Data []struct{ ID string } }
	p.calls(t, "GET", "/deliveries?state="+state+"&organizationId="+p.org, http.StatusOK, nil, &list)
	return len(list.Data)
}

// signsIn signs in who has a role.
func (p *place) signsIn(role string) func(v *visitor) {
	return func(v *visitor) {
		v.t.Helper()
		v.do(chromedp.Navigate(p.server.url+"/login"), chromedp.SendKeys(chromedp.CSS("input[name=email]"), role+"@example.com"),
			chromedp.SendKeys(chromedp.CSS("input[name=password]"), crawlPassword), chromedp.Click(chromedp.CSS("form button[type=submit]")))
		v.sees("h1", "Overview")
	}
}

// byPortal comes by a portal link.
func (p *place) byPortal(role string) func(v *visitor) {
	return func(v *visitor) {
		v.t.Helper()
		var link struct{ URL string }
		p.calls(v.t, "POST", "/organizations/"+p.org+"/portal-link", http.StatusCreated, map[string]any{"role": role}, &link)
		v.do(chromedp.Navigate(link.URL), chromedp.Click(chromedp.CSS("form button[type=submit]")))
		v.sees("h1", "Overview")
	}
}
