package jobs_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"hookwell/models"
	"hookwell/webhook"
)

// TestRetryStatuses has receivers answer with statuses that their endpoints do and
// don't retry.
func TestRetryStatuses(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		twice, err := webhook.NewSchedule([]int{0, 3600})
		must(t, err)
		once, err := webhook.NewSchedule([]int{0})
		must(t, err)
		answering := func(name string, status *atomic.Int64, statuses webhook.RetryStatuses, schedule webhook.Schedule) *models.Endpoint {
			to := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(int(status.Load()))
			})
			e, _ := f.endpoint(t, to.URL, func(in *models.EndpointInput) { in.Name, in.RetryStatuses, in.Schedule = name, statuses, schedule })
			return e
		}
		always := func(status int64) *atomic.Int64 {
			var n atomic.Int64
			n.Store(status)
			return &n
		}
		const few = "408,429,500-599"
		changing := always(503)
		endpoints := map[string]*models.Endpoint{
			"404":               answering("404", always(404), few, twice),
			"302":               answering("302", always(302), few, twice),
			"410":               answering("410", always(410), few, twice),
			"429 not named":     answering("429 not named", always(429), "500-599", twice),
			"excluded":          answering("excluded", always(401), "!401,!404", twice),
			"503":               answering("503", changing, few, twice),
			"not excluded":      answering("not excluded", always(400), "!401,!404", twice),
			"without a list":    answering("without a list", always(404), "", twice),
			"the last attempt":  answering("the last attempt", always(404), few, once),
			"999":               answering("999", always(999), few, twice),
			"999 excluded":      answering("999 excluded", always(999), "!300-599", twice),
			"410 that is named": answering("410 that is named", always(410), "410", twice),
		}
		refused, _ := f.endpoint(t, "http://127.0.0.1:9/", func(in *models.EndpointInput) { in.RetryStatuses, in.Schedule = few, twice })
		endpoints["refused"] = refused
		f.start(t)
		f.publish(t, 1)
		made := f.until(t, "every endpoint was asked once", models.DeliveryFilter{}, func(list []models.Delivery) bool {
			for _, d := range list {
				if d.AttemptCount != 1 || d.InFlight {
					return false
				}
			}
			return len(list) == len(endpoints)
		})
		byEndpoint := map[string]models.Delivery{}
		for _, d := range made {
			byEndpoint[d.EndpointID] = d
		}
		for name, want := range map[string]struct {
			state models.State
			cause webhook.Cause
			says  string
		}{
			"404":               {models.Failed, webhook.CauseNotRetried, "The receiver has nothing at this URL (404). Not tried again: the endpoint's setting retries only 408, 429, 500-599."},
			"302":               {models.Failed, webhook.CauseNotRetried, "Not tried again: "},
			"410":               {models.Failed, webhook.CauseStatus, ""},
			"999":               {models.Retrying, webhook.CauseStatus, ""},
			"999 excluded":      {models.Failed, webhook.CauseNotRetried, "The receiver failed (999). Not tried again: the endpoint's setting retries all but 300-599."},
			"429 not named":     {models.Failed, webhook.CauseNotRetried, "Not tried again: the endpoint's setting retries only 500-599."},
			"excluded":          {models.Failed, webhook.CauseNotRetried, "Not tried again: the endpoint's setting retries all but 401, 404."},
			"503":               {models.Retrying, webhook.CauseStatus, ""},
			"not excluded":      {models.Retrying, webhook.CauseStatus, ""},
			"without a list":    {models.Retrying, webhook.CauseStatus, ""},
			"refused":           {models.Retrying, webhook.CauseRefused, ""},
			"the last attempt":  {models.Failed, webhook.CauseStatus, ""},
			"410 that is named": {models.Retrying, webhook.CauseStatus, ""},
		} {
			d := byEndpoint[endpoints[name].ID]
			if d.State != want.state || d.LastCause != want.cause {
				t.Errorf("%s: the delivery is %s, %s; want %s, %s", name, d.State, d.LastCause, want.state, want.cause)
			}
			attempts, err := f.tenant.Attempts(t.Context(), d.ID)
			must(t, err)
			if len(attempts) != 1 || !strings.Contains(attempts[0].Error, want.says) || want.says == "" && strings.Contains(attempts[0].Error, "Not tried") || attempts[0].Cause == webhook.CauseNotRetried {
				t.Errorf("%s: the attempts are %+v; want one that says %q", name, attempts, want.says)
			}
			if (d.State == models.Failed) != (d.NextAttemptAt == nil) && !strings.HasPrefix(name, "410") {
				t.Errorf("%s: the next attempt of a %s delivery is at %v", name, d.State, d.NextAttemptAt)
			}
		}
		for _, name := range []string{"410", "410 that is named"} {
			if e, err := f.tenant.Endpoint(t.Context(), endpoints[name].ID); err != nil || e.DisabledReason != models.DisabledGone {
				t.Errorf("%s: the endpoint is disabled by %q, %v; want %q", name, e.DisabledReason, err, models.DisabledGone)
			}
		}
		event, err := f.tenant.Event(t.Context(), made[0].EventID)
		must(t, err)
		verdicts, err := f.tenant.Verdicts(t.Context(), event)
		must(t, err)
		for _, v := range verdicts {
			if v.Endpoint.Name == "404" && v.Reason != models.Reason(webhook.CauseNotRetried) {
				t.Errorf("the verdict's reason is %q; want %q", v.Reason, webhook.CauseNotRetried)
			}
		}

		// A resend leaves the schedule where it was, whatever it is answered.
		changing.Store(404)
		open := byEndpoint[endpoints["503"].ID]
		_, err = f.tenant.Resend(t.Context(), open.ID)
		must(t, err)
		after := f.until(t, "the resend was made", models.DeliveryFilter{EndpointID: open.EndpointID}, func(list []models.Delivery) bool {
			return list[0].AttemptCount == 2 && !list[0].InFlight
		})[0]
		if after.State != models.Retrying || after.LastCause != webhook.CauseStatus || after.NextAttemptAt == nil || !after.NextAttemptAt.Equal(*open.NextAttemptAt) {
			t.Errorf("after a resend the delivery is %s, %s, and its next attempt at %v; want it as before, at %v", after.State, after.LastCause, after.NextAttemptAt, open.NextAttemptAt)
		}
		// What the setting ended is found by the class of its status.
		recovery, err := f.tenant.Recover(t.Context(), endpoints["404"].ID, models.RecoveryInput{Since: event.CreatedAt, Causes: []string{"4xx"}, Kind: models.RecoverFailed, PerSecond: 10})
		must(t, err)
		if recovery.Total != 1 {
			t.Errorf("a recovery of 4xx has %d deliveries; want 1", recovery.Total)
		}
	})
}
