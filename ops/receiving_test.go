package ops_test

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"hookwell/models"
)

// TestReceiving_stands_still takes a request in where no worker turns it into events.
// The gauges show it, and readiness says so without making the process unready.
func TestReceiving_stands_still(t *testing.T) {
	p := newPost(t)
	in := models.NewSourceInput()
	in.Name, in.Provider, in.Secrets = "Shop of Acme", "stripe", []string{"whsec_dGVzdHMtb2YtcmVjZWl2aW5nLTAxMjM0"}
	s, err := p.tenant.Receiving().CreateSource(t.Context(), in)
	must(t, err)
	says := func(ok string, detail string) {
		t.Helper()
		p.workers.scan = p.store.Now()
		status, body := p.ask(t, "GET", "/readyz", nil)
		if found := regexp.MustCompile(`"receiving": \{\s+"ok": (\w+)`).FindStringSubmatch(body); status != http.StatusOK || len(found) != 2 || found[1] != ok || !strings.Contains(body, detail) {
			t.Errorf("/readyz returned %d %s; want 200, receiving ok: %s and %q", status, body, ok, detail)
		}
	}
	says("true", "no request waits")
	_, err = p.tenant.Receiving().SendSample(t.Context(), s.ID, "")
	must(t, err)
	p.clock.Advance(4 * time.Minute)
	says("true", "waiting: 1")
	p.clock.Advance(2 * time.Minute)
	says("false", "waiting: 1, the oldest for 6m")
	p.want(t, "hookwell_requests_waiting", "1")
	if age, err := strconv.ParseFloat(p.value(t, "hookwell_oldest_request_seconds"), 64); err != nil || age < 360 || age > 420 {
		t.Errorf("the oldest request has waited for %v s, %v; want six minutes", age, err)
	}
	for _, outcome := range models.ReceivedOutcomes() {
		p.want(t, `hookwell_requests_received_total{cause="`+outcome[1]+`",state="`+outcome[0]+`"}`, "0") // a sample is none
	}
	_, body := p.ask(t, "GET", "/metrics", nil)
	if found := regexp.MustCompile(`(org|src|req)_[0-9a-z]{26}|Acme|stripe`).FindString(body); found != "" {
		t.Errorf("the metrics tell of %q", found)
	}
	_, err = p.store.Engine().ProcessRequests(t.Context())
	must(t, err)
	says("true", "no request waits")
}
