package acceptance

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"hookwell/client"
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
		p.registers(t, receiver.URL)
	}
	for range 3 {
		p.reports(t)
	}
	for _, name := range []string{"Stripe", "Stripe of another shop"} { // one is deleted on the way
		p.receives(t, name)
	}
	eventually(t, "the first attempts", func() bool { return p.count(t, "delivered") >= 3 && p.count(t, "retrying") >= 3 })
	p.invites(t)
	return p
}

// receives makes a source with a request that it took in and one that it refused, and
// returns its id and its URL.
func (p *place) receives(t *testing.T, name string) (id, url string) {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"organizationId": p.org, "name": name, "provider": "stripe", "secrets": []string{stripeSecret}})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.server.url+"/api/v1/sources", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+p.platform)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var made struct{ ID, URL string }
	if err := json.NewDecoder(response.Body).Decode(&made); err != nil || response.StatusCode != http.StatusCreated {
		t.Fatalf("making a source: %d, %v", response.StatusCode, err)
	}
	for secret, status := range map[string]int{stripeSecret: http.StatusOK, laterSecret: http.StatusUnauthorized} {
		if got := stripeSigned(t, made.URL, secret, strings.ReplaceAll(stripePaid, `"livemode":true`, `"livemode":false`)); got != status {
			t.Fatalf("the source answered %d, want %d", got, status)
		}
	}
	return made.ID, made.URL
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

// api is a client with the platform key, which acts for the organization.
func (p *place) api() *client.Client {
	api := p.server.api(p.platform)
	api.Organization = p.org
	return api
}

// registers makes an endpoint that gets everything.
func (p *place) registers(t *testing.T, url string) *client.Endpoint {
	t.Helper()
	made, err := p.api().CreateEndpoint(t.Context(), client.EndpointSettings{URL: &url, EventTypes: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// reports reports a refund.
func (p *place) reports(t *testing.T) {
	t.Helper()
	if _, err := p.api().SendEvent(t.Context(), client.Event{Type: "payment.refunded", Data: refund}); err != nil {
		t.Fatal(err)
	}
}

// count is how many deliveries are in a state.
func (p *place) count(t *testing.T, state string) int {
	t.Helper()
	page, err := p.api().Deliveries(t.Context(), client.DeliveryFilter{States: []string{state}}, client.Paging{})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Data)
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
		link, err := p.api().CreatePortalLink(v.t.Context(), p.org, client.NewPortalLink{Role: role})
		if err != nil {
			v.t.Fatal(err)
		}
		v.do(chromedp.Navigate(link.URL), chromedp.Click(chromedp.CSS("form button[type=submit]")))
		v.sees("h1", "Overview")
	}
}
