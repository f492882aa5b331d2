package store_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

// TestExecModes migrates an empty database and does what a server and its
// workers do, in each way in which statements may run.
func TestExecModes(t *testing.T) {
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		for where, address := range map[string]func(t *testing.T) string{
			"directly": func(t *testing.T) string { return testenv.Database(t) },
			"pooled": func(t *testing.T) string {
				return testenv.PgBouncer(t, testenv.Database(t), "default_pool_size = 2").URL()
			},
		} {
			t.Run(mode+"_"+where, func(t *testing.T) {
				t.Parallel()
				o := store.Options{DatabaseURL: withSetting(address(t), "default_query_exec_mode", mode)}
				if where == "pooled" && mode == "cache_statement" { // whose names a pooler loses
					if _, err := store.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), mode) {
						t.Errorf("Open() returned %v, want that %s does not work", err, mode)
					}
					return
				}
				f := newFixture(t, o)
				if pooled := f.Database().Access().Pooled; pooled != (where == "pooled") {
					t.Errorf("a pooler is found: %t", pooled)
				}
				f.worksAndServes(t)
			})
		}
	}
}

// worksAndServes goes through accepting, sending, recording, rounds and what
// people do.
func (f *fixture) worksAndServes(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	person := strings.ToLower(rand.Text()) + "@example.com"
	_, err := f.SignUp(ctx, models.SignupOpen, models.Account{Email: person, Name: "Priya", Password: "correct horse battery staple"}, models.Actor{})
	must(t, err)
	_, err = f.SignIn(ctx, models.Credentials{Email: person, Password: "correct horse battery staple"}, models.Actor{})
	must(t, err)
	e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.Headers = []webhook.Header{{Name: "x-own", Value: "ours"}} })
	for range 3 {
		publish(t, f.tenant, "payment.failed")
	}
	_, err = f.tenant.Publish(ctx, models.NewEvent{Type: "payment.failed", Data: example("payment.failed"), IdempotencyKey: rand.Text()})
	must(t, err)
	list, _, err := f.tenant.Deliveries(ctx, models.DeliveryFilter{EndpointID: e.ID}, models.Page{})
	must(t, err)
	ids := make([]string, len(list))
	for i, d := range list {
		ids[i] = d.ID
	}
	jobs := f.claim(t, e, 10, ids...)
	if len(jobs) != 4 || !strings.Contains(string(jobs[0].Message.Body), "payment.failed") {
		t.Fatalf("%d attempts were claimed, want 4", len(jobs))
	}
	f.record(t, jobs[0], 200, "")
	f.record(t, jobs[1], 200, "")
	f.record(t, jobs[2], 500, "status")
	f.clock.Advance(10 * time.Minute)
	for what, do := range map[string]func() error{
		"reclaim": func() error { _, err := f.Engine().Reclaim(ctx); return err },
		"due":     func() error { _, err := f.Engine().Due(ctx); return err },
		"rollup":  func() error { _, err := f.Engine().RollUp(ctx); return err },
		"watch":   func() error { _, err := f.Engine().WatchEndpoints(ctx); return err },
		"end":     func() error { _, err := f.Engine().EndWaiting(ctx); return err },
		"mail":    func() error { _, err := f.ClaimMail(ctx); return err },
		"prune":   func() error { return f.Engine().Prune(ctx, f.Now().Add(-pipeline.MinRetention)) },
		"depth":   func() error { _, err := f.Engine().Depth(ctx); return err },
		"resend":  func() error { _, err := f.tenant.Resend(ctx, jobs[0].DeliveryID); return err },
		"counts":  func() error { _, err := f.tenant.StateCounts(ctx, models.DeliveryFilter{}); return err },
		"waiting": func() error {
			_, _, err := f.tenant.Deliveries(ctx, models.DeliveryFilter{States: []models.State{models.Pending, models.Retrying}}, models.Page{})
			return err
		},
		"attempts": func() error { _, err := f.tenant.Attempts(ctx, jobs[2].DeliveryID); return err },
		"audit":    func() error { _, _, err := f.tenant.Audit(ctx, models.AuditFilter{}, models.Page{}); return err },
	} {
		if err := do(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
