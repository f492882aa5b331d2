package acceptance

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"hookwell/client"
	"hookwell/internal/testenv"
)

// visitor is a person at a browser, who notices what the console says.
type visitor struct {
	context.Context
	t *testing.T

	mu         sync.Mutex
	complaints []string
}

func newVisitor(t *testing.T) *visitor {
	v := &visitor{Context: testenv.Browser(t), t: t}
	err := chromedp.Listen(v, func(ev any) {
		v.mu.Lock()
		defer v.mu.Unlock()
		switch e := ev.(type) {
		case *cdplog.EventEntryAdded:
			// Chromium logs every answer from 400 on as a failed resource; a form's
			// 422 and 409 are what the page is made for.
			if !strings.Contains(e.Entry.Text, "422 (Unprocessable") && !strings.Contains(e.Entry.Text, "409 (Conflict") {
				v.complaints = append(v.complaints, string(e.Entry.Level)+": "+e.Entry.Text+" "+e.Entry.URL)
			}
		case *runtime.EventConsoleAPICalled:
			v.complaints = append(v.complaints, "console."+string(e.Type))
		case *runtime.EventExceptionThrown:
			v.complaints = append(v.complaints, "exception: "+e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// silent fails when the console has said anything.
func (v *visitor) silent() {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.complaints) > 0 {
		v.t.Errorf("the console says:\n%s", strings.Join(v.complaints, "\n"))
	}
}

func (v *visitor) do(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	if err := chromedp.Do(v, steps...); err != nil {
		v.t.Fatalf("%v; %s", err, v.sight())
	}
}

// sight is what is seen at the end, also when the visitor's time is over.
func (v *visitor) sight() string {
	late, cancel := context.WithTimeout(context.WithoutCancel(v), 5*time.Second)
	defer cancel()
	const script = `location.href + " (" + document.readyState + ") says:\n" + document.body?.innerText`
	sight, err := chromedp.Run(late, chromedp.Evaluate[string](script))
	if err != nil {
		return err.Error()
	}
	return sight
}

func (v *visitor) text(selector string) string {
	text, err := chromedp.Run(v, chromedp.Evaluate[string](`document.querySelector(`+quoted(selector)+`)?.innerText ?? ""`))
	if err != nil {
		return err.Error()
	}
	return text
}

func quoted(text string) string {
	encoded, _ := json.Marshal(text)
	return string(encoded)
}

// sees waits until an element holds some words.
func (v *visitor) sees(selector, words string) {
	v.t.Helper()
	late := time.After(20 * time.Second)
	for {
		if strings.Contains(v.text(selector), words) {
			return
		}
		select {
		case <-time.After(25 * time.Millisecond):
		case <-late:
			v.t.Fatalf("%s does not say %q; %s", selector, words, v.sight())
		}
	}
}

func (v *visitor) location() string {
	v.t.Helper()
	at, err := chromedp.Run(v, chromedp.Location())
	if err != nil {
		v.t.Fatal(err)
	}
	return at
}

// TestMainJob is the first visit of all: sign up, name an organization, add an
// endpoint, edit and send a test event, see events arrive live, and resend one.
func TestMainJob(t *testing.T) {
	t.Parallel()
	here := embedded(t)
	server := here.start(t)
	var bodies sync.Map
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies.Store(r.Header.Get("x-webhook-delivery-id")+" "+r.Header.Get("x-webhook-retry"), string(body))
		w.Header().Set("content-type", "application/json")
		io.WriteString(w, `{"thanks":"<script>alert(1)</script>"}`)
	}))
	defer receiver.Close()
	v := newVisitor(t)

	// The first visitor is led to sign up, then to an organization, then to the first endpoint.
	v.do(chromedp.Navigate(server.url), chromedp.WaitVisible(chromedp.CSS("input[name=email]")),
		chromedp.SendKeys(chromedp.CSS("input[name=name]"), "Priya Raman"),
		chromedp.SendKeys(chromedp.CSS("input[name=email]"), "priya@example.com"),
		chromedp.SendKeys(chromedp.CSS("input[name=password]"), "correct horse battery"),
		chromedp.Click(chromedp.CSS("form button[type=submit]")))
	v.sees("h1", "Welcome")
	v.do(chromedp.SendKeys(chromedp.CSS("input[name=name]"), "Acme Robotics"), chromedp.Click(chromedp.CSS("form button[type=submit].btn--primary")))
	v.sees("h1", "New endpoint")

	// What is wrong is said at its field, and what was typed stays.
	v.do(chromedp.SendKeys(chromedp.CSS("input[name=url]"), "ftp://example.com"), chromedp.Click(chromedp.CSS(".form-foot button[type=submit]")))
	v.sees("[role=alert]", "need")
	if value, _ := chromedp.Run(v, chromedp.Value(chromedp.CSS("input[name=url]"))); value != "ftp://example.com" {
		t.Errorf("the form forgot the URL: %q", value)
	}
	v.do(chromedp.SetValue(chromedp.CSS("input[name=url]"), receiver.URL),
		chromedp.Click(chromedp.CSS(`input[name=eventTypes][value="*"]`)),
		chromedp.Click(chromedp.CSS(".form-foot button[type=submit]")))
	v.sees("body", "whsec_")

	// A fault of the data is said at its field; then the edited event is sent.
	endpoint := "#send-test"
	v.do(chromedp.WaitVisible(chromedp.CSS(endpoint)), chromedp.SetValue(chromedp.CSS("textarea[name=data]"), `{"organizationId": 5, "name": "Edited by hand"}`),
		chromedp.Click(chromedp.CSS(endpoint)))
	v.sees("#test-form .error", "organizationId")
	v.do(chromedp.SetValue(chromedp.CSS("textarea[name=data]"), `{"organizationId": "org_1", "name": "Edited by hand"}`), chromedp.Click(chromedp.CSS(endpoint)))
	v.sees("#test-answer", "200")
	v.sees("#test-answer", "<script>alert(1)</script>")
	found := false
	bodies.Range(func(_, body any) bool {
		found = strings.Contains(body.(string), `"test":true`) && strings.Contains(body.(string), "Edited by hand")
		return true
	})
	if !found {
		t.Error("the receiver did not get the edited test event")
	}

	// The log shows an event that the API reports, without a reload.
	slug := strings.Split(strings.TrimPrefix(v.location(), server.url+"/o/"), "/")[0]
	v.do(chromedp.Navigate(server.url+"/o/"+slug+"/keys"), chromedp.WaitVisible(chromedp.CSS("input[name=name]")),
		chromedp.SendKeys(chromedp.CSS("input[name=name]"), "back end"),
		chromedp.Click(chromedp.CSS(`input[name=scopes][value="events:write"]`)),
		chromedp.Click(chromedp.CSS("form button[type=submit].btn--primary")))
	v.sees("body", "hwk_")
	key, err := chromedp.Run(v, chromedp.Evaluate[string](`document.body.innerText.match(/hwk_[A-Z2-7]{30,}/)[0]`))
	if err != nil {
		t.Fatal(err)
	}
	v.do(chromedp.Navigate(server.url+"/o/"+slug+"/deliveries"), chromedp.WaitVisible(chromedp.CSS("#deliveries")))
	if _, err := server.api(key).SendEvent(t.Context(), client.Event{Type: "payment.refunded", Data: refund}); err != nil {
		t.Fatal(err)
	}
	v.sees("#deliveries", "payment.refunded")
	v.sees("#deliveries tbody tr", "Delivered")

	// One delivery, and a resend that shows up by itself.
	v.do(chromedp.Click(chromedp.CSS("#deliveries tbody tr a.rowlink")), chromedp.WaitVisible(chromedp.CSS("#delivery")))
	v.sees("h1", "payment.refunded")
	v.do(chromedp.Click(chromedp.CSS(`form[action$="/resend"] button`)))
	v.sees("#delivery", "Attempt 2")

	// The catalog is filtered while one types, by types, descriptions and categories.
	v.do(chromedp.Navigate(server.url+"/o/"+slug+"/catalog"), chromedp.WaitVisible(chromedp.CSS("[data-filter] input")),
		chromedp.SendKeys(chromedp.CSS("[data-filter] input"), "refunded full"))
	v.sees("#types", "payment.refunded")
	if list := v.text("#types"); strings.Contains(list, "payment.failed") || strings.Contains(list, "Organization") {
		t.Errorf("the filter leaves:\n%s", list)
	}
	v.do(chromedp.SendKeys(chromedp.CSS("[data-filter] input"), "x"))
	v.sees("#types-none", "No event type matches")
	v.do(chromedp.SendKeys(chromedp.CSS("[data-filter] input"), "\b\r"))
	v.sees("#type-title", "payment.refunded")

	v.silent()
	server.terminate(t)
}

var refund = map[string]any{"paymentId": "pay_1", "amount": 500, "currency": "usd", "status": "refunded", "refundId": "re_1", "refundedAmount": 500, "amountRefunded": 500}
