package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
	"hookwell/webhook"
)

func TestEndpointFaults(t *testing.T) {
	bad := []struct {
		field  string
		change func(*models.EndpointInput)
	}{
		{"url", func(in *models.EndpointInput) { in.URL = "" }},
		{"url", func(in *models.EndpointInput) { in.URL = "ftp://127.0.0.1/" }},
		{"url", func(in *models.EndpointInput) { in.URL = "https://169.254.169.254/latest" }},
		{"url", func(in *models.EndpointInput) { in.URL = "http://127.0.0.1/\x00" }},
		{"url", func(in *models.EndpointInput) { in.URL = "http://127.0.0.1/\xff" }},
		{"name", func(in *models.EndpointInput) { in.Name = strings.Repeat("ä", 101) }},
		{"name", func(in *models.EndpointInput) { in.Name = "a\nb" }},
		{"name", func(in *models.EndpointInput) { in.Name = "a\xff" }},
		{"description", func(in *models.EndpointInput) { in.Description = strings.Repeat("ä", 501) }},
		{"description", func(in *models.EndpointInput) { in.Description = "a\x00b" }},
		{"description", func(in *models.EndpointInput) { in.Description = "a\xffb" }},
		{"eventTypes", func(in *models.EndpointInput) { in.EventTypes = nil }},
		{"eventTypes", func(in *models.EndpointInput) { in.EventTypes = []string{"no.such"} }},
		{"eventTypes", func(in *models.EndpointInput) { in.EventTypes = []string{"org.*", "a\x00*"} }},
		{"timeoutSeconds", func(in *models.EndpointInput) { in.TimeoutSeconds = 0 }},
		{"timeoutSeconds", func(in *models.EndpointInput) { in.TimeoutSeconds = 31 }},
		{"maxInFlight", func(in *models.EndpointInput) { in.MaxInFlight = 0 }},
		{"maxInFlight", func(in *models.EndpointInput) { in.MaxInFlight = 101 }},
		{"rateLimitPerSecond", func(in *models.EndpointInput) { in.RateLimitPerSecond = -1 }},
		{"signatureFormat", func(in *models.EndpointInput) { in.SignatureFormat = "md5" }},
		{"sourceSignature", func(in *models.EndpointInput) { in.SourceSignature = "both" }},
		{"headers", func(in *models.EndpointInput) { in.Headers = make21Headers() }},
		{"headers.Host", func(in *models.EndpointInput) { in.Headers = []webhook.Header{{Name: "Host", Value: "x"}} }},
		{"headers.x-a", func(in *models.EndpointInput) { in.Headers = []webhook.Header{{Name: "x-a", Value: "a\r\nb: c"}} }},
		{"headers.X-A", func(in *models.EndpointInput) {
			in.Headers = []webhook.Header{{Name: "x-a", Value: "1"}, {Name: "X-A", Value: "2"}}
		}},
	}
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		before := dumpAll(t, f.Store)
		for i, c := range bad {
			in := input("http://127.0.0.1:9/")
			c.change(&in)
			_, _, err := f.tenant.CreateEndpoint(t.Context(), in)
			if got := fields(t, err); !slices.Equal(got, []string{c.field}) {
				t.Errorf("case %d: creating has faults at %v, want %s", i, got, c.field)
			}
			_, err = f.tenant.UpdateEndpoint(t.Context(), e.ID, func(in *models.EndpointInput) error {
				c.change(in)
				return nil
			})
			if got := fields(t, err); !slices.Equal(got, []string{c.field}) {
				t.Errorf("case %d: editing has faults at %v, want %s", i, got, c.field)
			}
		}
		own := errors.New("the caller's own")
		if _, err := f.tenant.UpdateEndpoint(t.Context(), e.ID, func(*models.EndpointInput) error { return own }); !errors.Is(err, own) {
			t.Errorf("%v, want the caller's error", err)
		}
		sameRows(t, before, dumpAll(t, f.Store))
		if e, _, err := f.tenant.CreateEndpoint(t.Context(), models.EndpointInput{URL: "http://127.0.0.1:9/", EventTypes: []string{"*"}, Description: "two\nlines\tand ümlauts",
			EndpointPolicy: models.EndpointPolicy{TimeoutSeconds: 1, MaxInFlight: 1, Schedule: webhook.Schedules()[1]}}); err != nil || e.Description != "two\nlines\tand ümlauts" {
			t.Errorf("%+v, %v", e, err)
		}
	})
}

func make21Headers() (list []webhook.Header) {
	for i := range 21 {
		list = append(list, webhook.Header{Name: fmt.Sprintf("x-%d", i), Value: "v"})
	}
	return list
}

func TestEditsAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		edits := map[string]func(*models.EndpointInput){
			"name":        func(in *models.EndpointInput) { in.Name = "New" },
			"description": func(in *models.EndpointInput) { in.Description = "New" },
			"timeout":     func(in *models.EndpointInput) { in.TimeoutSeconds = 7 },
			"in flight":   func(in *models.EndpointInput) { in.MaxInFlight = 7 },
			"types":       func(in *models.EndpointInput) { in.EventTypes = []string{"payment.*"} },
		}
		kept := map[string]func(*models.Endpoint) bool{
			"name":        func(e *models.Endpoint) bool { return e.Name == "New" },
			"description": func(e *models.Endpoint) bool { return e.Description == "New" },
			"timeout":     func(e *models.Endpoint) bool { return e.TimeoutSeconds == 7 },
			"in flight":   func(e *models.Endpoint) bool { return e.MaxInFlight == 7 },
			"types":       func(e *models.Endpoint) bool { return slices.Equal(e.EventTypes, []string{"payment.*"}) },
			"disabled":    func(e *models.Endpoint) bool { return !e.Enabled() },
		}
		var mu sync.Mutex
		saved := map[string]bool{"disabled": true}
		var all sync.WaitGroup
		for name, edit := range edits {
			all.Go(func() {
				_, err := f.tenant.UpdateEndpoint(t.Context(), e.ID, func(in *models.EndpointInput) error {
					edit(in)
					return nil
				})
				if err != nil && !models.IsKind(err, models.Conflict) {
					t.Errorf("%s: %v", name, err)
				}
				mu.Lock()
				defer mu.Unlock()
				saved[name] = err == nil
			})
		}
		all.Go(func() {
			if _, err := f.tenant.DisableEndpoint(t.Context(), e.ID); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		now, err := f.tenant.Endpoint(t.Context(), e.ID)
		if err != nil {
			t.Fatal(err)
		}
		for name, is := range kept {
			if is(now) != saved[name] {
				t.Errorf("%s: answered saved=%v, and the row says %v", name, saved[name], is(now))
			}
		}
		if changes := len(dumpTable(t, f.Store, "endpoint_settings")); changes < 2 {
			t.Errorf("%d lines of history", changes)
		}
	})
}

func TestEndpointSecretsAreSealed(t *testing.T) {
	const value = "Bearer s3cr3t-of-the-receiver"
	eachStore(t, func(t *testing.T, f *fixture) {
		in := input("http://127.0.0.1:9/hook")
		in.Headers = []webhook.Header{{Name: "authorization", Value: value}, {Name: "x-team", Value: "another-secret-value"}}
		e, secret, err := f.tenant.CreateEndpoint(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		publish(t, f.tenant, "payment.failed")
		job := f.claim(t, e, 1, deliveries(t, f.tenant)[0].ID)[0]
		if !cmp.Equal(job.Message.Headers, in.Headers) || !job.Message.Secrets[0].Equal(secret) {
			t.Error("the claim carries other headers or secrets")
		}
		f.record(t, job, 500, webhook.CauseStatus)
		update := func(headers []webhook.Header) []string {
			t.Helper()
			e, err := f.tenant.UpdateEndpoint(t.Context(), e.ID, func(in *models.EndpointInput) error {
				in.Name, in.Headers = "Named", headers
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			names, err := f.tenant.HeaderNames(e)
			if err != nil {
				t.Fatal(err)
			}
			return names
		}
		if names := update(nil); !slices.Equal(names, []string{"authorization", "x-team"}) {
			t.Errorf("an edit that leaves them alone: %v", names)
		}
		all := dumpAll(t, f.Store)
		for _, hidden := range []string{value, "another-secret-value", secret.Reveal(), strings.TrimPrefix(secret.Reveal(), "whsec_")} {
			all.holdsNowhere(t, "a secret", hidden)
		}
		if names := update([]webhook.Header{}); len(names) != 0 {
			t.Errorf("removed: %v", names)
		}
		update(in.Headers)
		if err := f.tenant.DeleteEndpoint(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		var left int64
		if err := f.DB().Raw("SELECT count(*) FROM endpoint_secrets").Scan(&left).Error; err != nil || left != 0 {
			t.Errorf("deleting left %d secrets, %v", left, err)
		}
		if err := f.DB().Raw("SELECT count(*) FROM endpoints WHERE length(headers) > 0").Scan(&left).Error; err != nil || left != 0 {
			t.Errorf("deleting left the headers, %v", err)
		}
	})
}

func TestEndpointHistory(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		steps := []func() error{
			func() error {
				_, err := f.tenant.UpdateEndpoint(t.Context(), e.ID, func(in *models.EndpointInput) error {
					in.EventTypes = []string{"payment.failed"}
					return nil
				})
				return err
			},
			func() error { _, err := f.tenant.DisableEndpoint(t.Context(), e.ID); return err },
			func() error { _, err := f.tenant.DisableEndpoint(t.Context(), e.ID); return err },
			func() error { _, err := f.tenant.EnableEndpoint(t.Context(), e.ID); return err },
			func() error { _, err := f.tenant.EnableEndpoint(t.Context(), e.ID); return err },
			func() error { return f.tenant.DeleteEndpoint(t.Context(), e.ID) },
		}
		for i, step := range steps {
			if err := step(); err != nil {
				t.Fatalf("step %d: %v", i, err)
			}
		}
		var lines []models.EndpointHistory
		if err := f.DB().Where("endpoint_id = ?", e.ID).Order("since").Find(&lines).Error; err != nil {
			t.Fatal(err)
		}
		got := named(lines, func(l models.EndpointHistory) string { return fmt.Sprint(l.EventTypes, l.Enabled, l.Deleted) })
		want := []string{"[*] true false", "[payment.failed] true false", "[payment.failed] false false", "[payment.failed] true false", "[payment.failed] true true"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
		if list, err := f.tenant.Endpoints(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("still listed: %v, %v", list, err)
		}
		for name, use := range refused {
			p := &property{endpoint: e, event: &models.Accepted{}, delivery: &models.Delivery{}, key: &models.Key{},
				earlier: &models.EndpointSecret{}, person: &models.User{}}
			if !strings.Contains(name, "Endpoint") && !strings.Contains(name, "Secret") && name != "SwitchSignature" && name != "BeginTest" {
				continue
			}
			if _, err := use(t.Context(), f.tenant, p); !models.IsKind(err, models.NotFound) {
				t.Errorf("%s of a deleted endpoint: %v", name, err)
			}
		}
	})
}

func TestBacklogs(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		before := f.Now()
		for range 3 {
			publish(t, f.tenant, "payment.failed")
		}
		job := f.claim(t, e, 1, deliveries(t, f.tenant)[2].ID)[0]
		f.record(t, job, 500, webhook.CauseStatus)
		health, err := f.tenant.Backlogs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		h := health[e.ID]
		if waiting := (models.CountSoFar{N: 3}); h.Waiting != waiting || h.LastFailureAt == nil || h.LastSuccessAt != nil || h.OldestWaiting == nil || h.OldestWaiting.Before(before.Add(-time.Second)) {
			t.Errorf("%+v", h)
		}
	})
}

func TestEndpointWithoutASignatureFormatHasTheDefault(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.SignatureFormat = "" })
		if kept, err := f.tenant.Endpoint(t.Context(), e.ID); err != nil || kept.SignatureFormat != webhook.FormatSHA256TimestampBody {
			t.Errorf("%q, %v", kept.SignatureFormat, err)
		}
	})
}
