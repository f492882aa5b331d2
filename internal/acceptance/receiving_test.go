package acceptance

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// stripeSigned posts a body as Stripe would, signed with a secret, and returns the
// status that came back.
func stripeSigned(t *testing.T, url, secret, body string) int {
	t.Helper()
	at := time.Now().Unix()
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at, body)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%s", at, hex.EncodeToString(mac.Sum(nil))))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

const (
	stripeSecret = "whsec_4fT8mQ2xV7kLwTz9Lb5wQ2fKoNaR3cUd"
	laterSecret  = "whsec_9aB3cD4eF5gH6iJ7kL8mN9oP0qR1sT2u"
	stripePaid   = `{"id":"evt_1Live","object":"event","created":1764518400,"livemode":true,"type":"invoice.paid","data":{"object":{"id":"in_1Live","object":"invoice","customer":"cus_9","currency":"usd","amount_paid":4900,"status":"paid","payments":{"data":[{"payment":{"type":"payment_intent","payment_intent":"pi_1Live"}}]},"status_transitions":{"paid_at":1764518400}}}}`
)

// TestReceiving_in_a_browser sets up a Stripe source, sends a sample and sees it
// verified, mapped and delivered; then a request is refused for a wrong secret, which
// is corrected, and the request accepted.
func TestReceiving_in_a_browser(t *testing.T) {
	t.Parallel()
	here := embedded(t)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer receiver.Close()
	here.run(t, crawlPassword+"\n", "user", "create", "--email", "owner@example.com", "--name", "The owner", "--org", "Acme", "--role", "owner")
	server := here.start(t)
	v := newVisitor(t)
	(&place{server: server}).signsIn("owner")(v)
	home := v.location()
	v.do(chromedp.Navigate(home+"/endpoints/new"), chromedp.SetValue(chromedp.CSS("input[name=url]"), receiver.URL),
		chromedp.Click(chromedp.CSS(`input[name=eventTypes][value="*"]`)), chromedp.Click(chromedp.CSS(".form-foot button[type=submit]")))
	v.sees(".secret", "whsec_")

	// A provider is chosen from the grid. What is wrong is said at its field.
	v.do(chromedp.Navigate(home+"/sources"), chromedp.Click(chromedp.CSS("main .empty a.btn")))
	v.sees("h1", "New source")
	v.do(chromedp.Click(chromedp.CSS(`.provider[href*="stripe"]`)), chromedp.WaitVisible(chromedp.CSS("input[name=slug]")),
		chromedp.SendKeys(chromedp.CSS("input[name=slug]"), "payment"), chromedp.SendKeys(chromedp.CSS("input[name=secret]"), "we_1Pasted"), chromedp.Click(chromedp.CSS("main form.panel button[type=submit]")))
	v.sees("[role=alert]", "Two things need a change")
	v.sees("#f-slug-error", "Choose another slug")
	v.sees("#f-secret-error", "secret")
	v.do(chromedp.SetValue(chromedp.CSS("input[name=slug]"), "stripe"), chromedp.Click(chromedp.CSS("main form.panel button[type=submit]")))
	v.sees("#source-setup h2", "Set up Stripe")
	v.sees("#source-setup", "Paste the signing secret")

	// The page has the URL, and takes the secret.
	v.do(chromedp.SendKeys(chromedp.CSS("#source-setup input[name=secret]"), " "+stripeSecret+"\n"))
	v.sees("#source-setup", "Signing secret saved")
	source := v.location()
	url, err := chromedp.Run(v, chromedp.Evaluate[string](`document.querySelector("#source-setup [data-copy*='/in/']").dataset.copy`))
	if err != nil {
		t.Fatal(err)
	}

	// The sample is verified, mapped and delivered.
	v.do(chromedp.Click(chromedp.CSS(`#source-setup form[action$="/sample"] button`)))
	v.sees("h1", "invoice.paid")
	v.sees("#request .state", "Verified")
	v.sees("#became", "payment.succeeded")
	v.sees("#became", "Delivered")

	// The provider's first request shows up by itself on the source's page.
	v.do(chromedp.Navigate(source), chromedp.WaitVisible(chromedp.CSS("#source-recent tbody tr")))
	v.sees("#source-setup", "The sample verified")
	if status := stripeSigned(t, url, stripeSecret, stripePaid); status != http.StatusOK {
		t.Fatalf("the source answered %d", status)
	}
	v.sees("#source-recent .stat", "2")
	v.sees("#source-state", "Healthy")

	// A wrong secret: refused, shown live in the log, diagnosed on its page.
	v.do(chromedp.Navigate(home+"/requests"), chromedp.WaitVisible(chromedp.CSS("#requests tbody tr")))
	if status := stripeSigned(t, url, laterSecret, strings.ReplaceAll(stripePaid, "1Live", "2Live")); status != http.StatusUnauthorized {
		t.Fatalf("the source answered %d to a wrong signature", status)
	}
	v.sees("#requests tbody tr", "Refused")
	v.do(chromedp.Click(chromedp.CSS("#requests tbody tr a.rowlink")), chromedp.WaitVisible(chromedp.CSS("#accept")))
	v.sees(".banner", "No secret of the source fits")
	refused := v.location()
	v.do(chromedp.Click(chromedp.CSS("#accept")))
	v.sees("#toasts", "doesn’t pass")

	// The secret is corrected, and the request accepted.
	v.do(chromedp.Navigate(source+"/secrets"), chromedp.SendKeys(chromedp.CSS("input[name=secret]"), laterSecret+"\n"))
	v.sees("#toasts", "1 refused request passes by now")
	v.do(chromedp.Navigate(refused), chromedp.Click(chromedp.CSS("#accept")))
	v.sees("#toasts", "Accepted")
	v.sees("#request .state", "Verified")
	v.sees("#became", "payment.succeeded")
	v.sees("#became", "Delivered")

	// From the event one gets back to the request.
	event, err := chromedp.Run(v, chromedp.Evaluate[string](`document.querySelector("#became .node a.mono").href`))
	if err != nil {
		t.Fatal(err)
	}
	v.do(chromedp.Navigate(event), chromedp.WaitVisible(chromedp.CSS("#event")))
	v.sees("#event", "Made from")
	v.do(chromedp.Click(chromedp.CSS(`#event a[href*="/requests/req_"]`)))
	v.sees("#request .state", "Verified")
	if at := v.location(); at != refused {
		t.Errorf("the event leads to %s, want %s", at, refused)
	}
	v.followsLog(home, url)
	v.replaysAll(home)
	v.setsUpLive(home)
	v.silent()
	server.terminate(t)
}

// receivesNext sends the source one more paid invoice of an id.
func (v *visitor) receivesNext(url, id string) {
	v.t.Helper()
	if status := stripeSigned(v.t, url, stripeSecret, strings.ReplaceAll(stripePaid, "1Live", id)); status != http.StatusOK {
		v.t.Fatalf("the source answered %d", status)
	}
}

// gone waits until no element matches.
func (v *visitor) gone(selector string) {
	v.t.Helper()
	v.do(chromedp.WaitNotPresent(chromedp.CSS(selector)))
}

// changes waits until an expression has another value than one, and none that is empty,
// and returns it.
func (v *visitor) changes(expression, than string) (now string) {
	v.t.Helper()
	for late := time.After(20 * time.Second); ; {
		now, err := chromedp.Run(v, chromedp.Evaluate[string](expression))
		if err == nil && now != "" && now != than {
			return now
		}
		select {
		case <-time.After(25 * time.Millisecond):
		case <-late:
			v.t.Fatalf("%s is still %q, %v", expression, now, err)
		}
	}
}

// followsLog reads the log from below its beginning: new rows wait behind a bar there,
// and while rows are selected. From a row, the endpoint's response is two clicks away.
func (v *visitor) followsLog(home, url string) {
	v.t.Helper()
	for i := range 12 {
		v.receivesNext(url, fmt.Sprintf("%dRow", i))
	}
	v.do(chromedp.EmulateViewport(1000, 400), chromedp.Navigate(home+"/requests?period=24h"))
	v.sees("#requests tbody tr:nth-child(12)", "2 events")
	v.sees("#request-hours", "0 refused")
	const first = `document.querySelector("#requests tbody tr")?.id ?? ""`
	newest := v.changes(first, "")
	v.receivesNext(url, "Live") // the page listens once it shows this one
	v.changes(first, newest)
	v.sees("#requests tbody tr", "2 events")
	v.changes(`window.scrollTo(0, document.body.scrollHeight); window.scrollY > 0 ? "scrolled" : ""`, "")
	before := v.changes(first, "")
	v.receivesNext(url, "Late")
	v.sees("#requests .fresh", "1 new request")
	if after, err := chromedp.Run(v, chromedp.Evaluate[string](first)); err != nil || after != before {
		v.t.Errorf("below its beginning the log begins with %s, %v; want %s as before", after, err, before)
	}
	v.do(chromedp.Click(chromedp.CSS("#requests .fresh")))
	v.gone("#requests .fresh")
	v.changes(first, before)
	v.sees("#requests tbody tr", "2 events")
	v.do(chromedp.Click(chromedp.CSS("#requests tbody tr a.rowlink")), chromedp.WaitVisible(chromedp.CSS("#became .path__branch .path__branch a")))
	v.do(chromedp.Click(chromedp.CSS("#became .path__branch .path__branch a")))
	v.sees("#delivery", "204")

	v.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(home+"/deliveries"), chromedp.WaitVisible(chromedp.CSS("#deliveries tbody tr")),
		chromedp.Click(chromedp.CSS("#deliveries tbody .tick")))
	v.receivesNext(url, "Later")
	v.sees("#deliveries .fresh", "1 new delivery")
	v.sees("[data-selected]", "1 selected")
	v.do(chromedp.Click(chromedp.CSS(".bulk button[type=reset]")))
	v.gone("#deliveries .fresh")
}

// replaysAll replays what a filter chooses, and watches it end and be cancelled.
func (v *visitor) replaysAll(home string) {
	v.t.Helper()
	begin := func(perSecond string) {
		v.t.Helper()
		v.do(chromedp.Navigate(home+"/requests/replay?type=invoice.*"), chromedp.SetValue(chromedp.CSS("input[name=perSecond]"), perSecond),
			chromedp.Click(chromedp.CSS("main form.panel__body button[type=submit]")))
	}
	begin("9")
	v.sees("#replays", "Replaying")
	v.sees("#replays", "Replayed")
	begin("1")
	v.sees("#replays", "Replaying")
	v.do(chromedp.Click(chromedp.CSS("#replays form button")))
	v.sees("#replays", "The replay was cancelled")
}

// setsUpLive has a source's page open as the provider's first request comes.
func (v *visitor) setsUpLive(home string) {
	v.t.Helper()
	v.do(chromedp.Navigate(home+"/sources/new?provider=stripe"), chromedp.SetValue(chromedp.CSS("input[name=name]"), "Second shop"),
		chromedp.SetValue(chromedp.CSS("input[name=slug]"), "second"), chromedp.SendKeys(chromedp.CSS("input[name=secret]"), stripeSecret), chromedp.Click(chromedp.CSS("main form.panel button[type=submit]")))
	v.sees("#source-setup", "Waiting for")
	url, err := chromedp.Run(v, chromedp.Evaluate[string](`document.querySelector("#source-setup [data-copy*='/in/']").dataset.copy`))
	if err != nil {
		v.t.Fatal(err)
	}
	v.receivesNext(url, "First")
	v.gone("#source-setup .step")
	v.sees("#source-state", "Healthy")
}
