package acceptance

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hookwell/client"
	"hookwell/internal/testenv"
)

// Credentials that a sender may leave anywhere in a request.
const (
	headerCredential = "bearer-of-a-header-4711"
	queryCredential  = "key-of-a-query-4712"
	bodyCredential   = "password-of-a-body-4713"
)

// sendsCredentials posts a signed body with credentials in headers, query and body.
func sendsCredentials(t *testing.T, url, secret, id string) int {
	t.Helper()
	body := strings.ReplaceAll(strings.Replace(stripePaid, `"livemode":true`, `"livemode":true,"password":"`+bodyCredential+`"`, 1), "1Live", id)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"?api_key="+queryCredential, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Unix()
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at, body)
	request.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%s", at, hex.EncodeToString(mac.Sum(nil))))
	for _, name := range []string{"Authorization", "Cookie", "X-Api-Key", "Proxy-Authorization"} {
		request.Header.Set(name, "Bearer "+headerCredential)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// TestReceiving_between_processes has one process take requests in and another one
// turn them into events. The page of a request, open at the first, hears of what the
// second did. No credential gets into a log, a metric, the audit log or a page.
func TestReceiving_between_processes(t *testing.T) {
	t.Parallel()
	here := onPostgres(t, testenv.Database(t), "HOOKWELL_OPS_ADDR=127.0.0.1:0", "HOOKWELL_LOG_LEVEL=debug")
	var made struct{ OrganizationID string }
	account := here.run(t, crawlPassword+"\n", "user", "create", "--email", "owner@example.com", "--name", "The owner", "--org", "Acme")
	if err := json.Unmarshal([]byte(account), &made); err != nil {
		t.Fatal(err)
	}
	p := &place{org: made.OrganizationID, platform: strings.TrimSpace(here.run(t, "", "platform-key", "create", "--name", "back end"))}
	p.server = here.start(t, "serve", "--no-workers")
	source, err := p.api().CreateSource(t.Context(), client.SourceSettings{Name: new("Stripe"), Provider: new("stripe"), Secrets: []string{stripeSecret}})
	if err != nil {
		t.Fatal(err)
	}
	if status := sendsCredentials(t, source.URL, stripeSecret, "1Live"); status != http.StatusOK {
		t.Fatalf("the source answered %d, want 200", status)
	}
	if status := sendsCredentials(t, source.URL, laterSecret, "2Live"); status != http.StatusUnauthorized {
		t.Fatalf("the source answered %d to a wrong signature, want 401", status)
	}
	list, err := p.api().Requests(t.Context(), client.RequestFilter{States: []string{"verified"}}, client.Paging{})
	if err != nil || len(list.Data) != 1 {
		t.Fatalf("Requests() returned %v, %v; want the verified one", list, err)
	}
	v := newVisitor(t)
	p.signsIn("owner")(v)
	home := v.location()
	v.do(chromedp.Navigate(home+"/requests/"+list.Data[0].ID), chromedp.WaitVisible(chromedp.CSS("#became")))
	v.sees("#became", "Waiting")
	worker := here.start(t, "work")
	v.sees("#became", "payment.succeeded") // without being loaded again
	v.sees("#became", "stripe.invoice.paid")

	html := func() string {
		page, err := chromedp.Run(v, chromedp.Evaluate[string]("document.documentElement.outerHTML"))
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	said := map[string]string{"the server's log": p.server.Output(), "the worker's log": worker.Output()}
	for _, path := range []string{"/requests", "/sources", "/audit", "/events"} {
		v.do(chromedp.Navigate(home+path), chromedp.WaitVisible(chromedp.CSS("h1")))
		said[path] = html()
	}
	for name, process := range map[string]*running{"server": p.server, "worker": worker} {
		address := opsLine.FindStringSubmatch(process.Output())
		if address == nil {
			t.Fatalf("the %s doesn't say where its operations are:\n%s", name, process.Output())
		}
		_, said["the "+name+"'s metrics"] = get(t, address[1]+"/metrics")
	}
	token := source.URL[strings.LastIndex(source.URL, "/")+1:]
	for where, text := range said {
		for _, credential := range []string{headerCredential, queryCredential, bodyCredential, token, stripeSecret} {
			if strings.Contains(text, credential) {
				t.Errorf("%s has %q", where, credential)
			}
		}
	}
	// The body is shown to who may see it, and nothing else of them.
	v.do(chromedp.Navigate(home+"/requests/"+list.Data[0].ID), chromedp.WaitVisible(chromedp.CSS("#received")))
	page := html()
	for _, credential := range []string{headerCredential, queryCredential, token, stripeSecret} {
		if strings.Contains(page, credential) {
			t.Errorf("the request's page has %q", credential)
		}
	}
	if !strings.Contains(page, bodyCredential) {
		t.Error("the request's page doesn't show the body, so that this proves nothing")
	}
	for _, series := range []string{`hookwell_requests_received_total{cause="",state="verified"} 1`, `hookwell_requests_received_total{cause="signature",state="refused"} 1`,
		`hookwell_requests_received_total{cause="",state="failed"} 0`, `hookwell_receive_duration_seconds_count 2`} {
		if !strings.Contains(said["the server's metrics"], series+"\n") {
			t.Errorf("the server's metrics lack %s", series)
		}
	}
	v.silent()
}
