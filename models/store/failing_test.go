package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/webhook"
)

// noon moves the clock to the next noon (UTC), so that what a test does in some
// hours is all on one day.
func (f *fixture) noon() {
	now := f.Now()
	noon := now.Truncate(24 * time.Hour).Add(12 * time.Hour)
	if !noon.After(now) {
		noon = noon.Add(24 * time.Hour)
	}
	f.clock.Advance(noon.Sub(now))
}

// answers sends the endpoint a new event, which it answers.
func (f *fixture) answers(t *testing.T, e *models.Endpoint, status int) {
	t.Helper()
	cause := webhook.CauseStatus
	if status < 300 {
		cause = ""
	}
	jobs := f.claim(t, e, 1, f.one(t, e))
	if len(jobs) != 1 {
		t.Fatalf("claimed %d, want 1", len(jobs))
	}
	f.record(t, jobs[0], status, cause)
}

func (f *fixture) watch(t *testing.T) {
	t.Helper()
	if _, err := f.Engine().WatchEndpoints(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// told returns the kinds of the notices that stand, and to whom which mail went.
func (f *fixture) told(t *testing.T) (notices []models.NoticeKind, mail []string) {
	t.Helper()
	list, err := f.tenant.Notices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range list {
		notices = append(notices, n.Kind)
	}
	for {
		letters, err := f.ClaimMail(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(letters) == 0 {
			slices.Sort(mail)
			return notices, mail
		}
		for i := range letters {
			mail = append(mail, fmt.Sprintf("%s: %s %s", letters[i].To, letters[i].Kind, letters[i].Values.Endpoints[0].Name))
			if err := f.MailSent(t.Context(), &letters[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// expect watches and compares what stands and what was mailed.
func (f *fixture) expect(t *testing.T, when string, kind models.NoticeKind, about models.MailKind) {
	t.Helper()
	f.watch(t)
	f.watch(t) // says nothing twice
	notices, mail := f.told(t)
	var wantNotices []models.NoticeKind
	if kind != "" {
		wantNotices = append(wantNotices, kind)
	}
	var wantMail []string
	if about != "" {
		wantMail = []string{fmt.Sprintf("admin@example.com: %s Orders", about), fmt.Sprintf("owner@example.com: %s Orders", about)}
	}
	if !slices.Equal(notices, wantNotices) || !slices.Equal(mail, wantMail) {
		t.Errorf("%s: notices %q, want %q; mail %q, want %q", when, notices, wantNotices, mail, wantMail)
	}
}

// staff gives the organization one person of each role.
func (f *fixture) staff(t *testing.T) {
	t.Helper()
	for _, role := range models.Roles() {
		account := models.Account{Name: "P", Email: string(role) + "@example.com", Password: password}
		if _, _, err := f.Operator().CreateUser(t.Context(), account, f.tenant.Organization().ID, role); err != nil {
			t.Fatal(err)
		}
	}
}

func orders(in *models.EndpointInput) { in.Name = "Orders" }

func TestFailingEndpointIsDisabled(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.staff(t)
		e := endpoint(t, f.tenant, orders)
		f.noon()
		f.answers(t, e, 200)
		f.expect(t, "healthy", "", "")
		began := f.Now()
		f.answers(t, e, 404)
		f.expect(t, "just failed", "", "")
		f.clock.Advance(61 * time.Minute)
		f.expect(t, "the first day", models.NoticeFailing, models.MailEndpointFailing)
		state := f.state(t, e)
		if at, left := state.DisableAt(); at == nil || at.Sub(began).Round(time.Minute) != models.DisableAfter || left != 2 {
			t.Errorf("disabled at %v with %d days left", at, left)
		}
		for day := 1; day <= 3; day++ {
			f.clock.Advance(24 * time.Hour)
			f.answers(t, e, 404)
			f.expect(t, fmt.Sprintf("day %d", day), models.NoticeFailing, "")
		}
		state = f.state(t, e)
		if days := state.Days(); len(days) != 4 {
			t.Errorf("it failed on %v", days)
		}
		f.clock.Advance(22 * time.Hour)
		f.expect(t, "just before the last day", models.NoticeFailing, "")
		f.clock.Advance(time.Hour)
		f.expect(t, "24 h before", models.NoticeDisabling, models.MailEndpointDisabling)
		waits := f.one(t, e)
		f.clock.Advance(23*time.Hour + 58*time.Minute)
		f.expect(t, "just before", models.NoticeDisabling, "")
		f.clock.Advance(3 * time.Minute)
		f.expect(t, "when it happens", models.NoticeDisabled, models.MailEndpointDisabled)
		now, err := f.tenant.Endpoint(t.Context(), e.ID)
		if err != nil || now.Enabled() || now.DisabledReason != models.DisabledFailing || now.DisabledBy != "Hookwell" {
			t.Errorf("%+v, %v", now, err)
		}
		if d := f.delivery(t, waits); d.State != models.Pending {
			t.Errorf("what waits is parked, not %s", d.State)
		}
		if jobs := f.claim(t, e, 1, waits); len(jobs) != 0 {
			t.Error("what waits goes out")
		}
		if _, err := f.tenant.EnableEndpoint(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		f.expect(t, "enabled", "", "")
		f.clock.Advance(30 * 24 * time.Hour)
		f.expect(t, "enabled, and nothing sent", "", "")
	})
}

func TestFailingEndpointRecovers(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.staff(t)
		e := endpoint(t, f.tenant, orders)
		f.noon()
		fail := func() {
			t.Helper()
			f.answers(t, e, 404)
			f.clock.Advance(61 * time.Minute)
		}
		fail()
		f.expect(t, "failing", models.NoticeFailing, models.MailEndpointFailing)
		f.answers(t, e, 204)
		f.expect(t, "a success", models.NoticeRecovered, models.MailEndpointRecovered)
		if state := f.state(t, e); state.FailingSince != nil || state.FailingDays != "" {
			t.Errorf("%+v", state.Failing)
		}
		fail()
		f.expect(t, "failing again on the same day", models.NoticeFailing, "")
		f.answers(t, e, 204)
		f.expect(t, "what was not mailed", models.NoticeRecovered, "")
		f.clock.Advance(4 * 24 * time.Hour)
		f.expect(t, "old news", "", "")
		fail()
		f.expect(t, "failing on another day", models.NoticeFailing, models.MailEndpointFailing)
		f.answers(t, e, 204)
		f.answers(t, e, 404)
		f.expect(t, "well for a moment", models.NoticeFailing, "")
	})
}

func TestWhatDisablesNothing(t *testing.T) {
	days := func(f *fixture, n int, each func(day int)) {
		for day := range n {
			each(day)
			f.clock.Advance(24 * time.Hour)
		}
	}
	for name, test := range map[string]func(t *testing.T, f *fixture, e *models.Endpoint){
		"no events": func(t *testing.T, f *fixture, e *models.Endpoint) {
			f.clock.Advance(60 * 24 * time.Hour)
			f.watch(t)
		},
		"failures on two days alone": func(t *testing.T, f *fixture, e *models.Endpoint) {
			days(f, 10, func(day int) {
				if day < 2 {
					f.answers(t, e, 404)
				}
				f.watch(t)
			})
		},
		"a success each fourth day": func(t *testing.T, f *fixture, e *models.Endpoint) {
			days(f, 12, func(day int) {
				f.answers(t, e, 404)
				if day%4 == 3 {
					f.answers(t, e, 200)
				}
				f.watch(t)
			})
		},
		"test events": func(t *testing.T, f *fixture, e *models.Endpoint) {
			days(f, 8, func(int) {
				job, err := f.tenant.BeginTest(t.Context(), e.ID, "payment.failed", example("payment.failed"))
				if err != nil {
					t.Fatal(err)
				}
				f.record(t, job, 404, webhook.CauseStatus)
				f.watch(t)
			})
		},
		"what was cut off here": func(t *testing.T, f *fixture, e *models.Endpoint) {
			days(f, 8, func(int) {
				f.record(t, f.claim(t, e, 1, f.one(t, e))[0], 0, webhook.CauseInterrupted)
				f.watch(t)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, f *fixture) {
				e := endpoint(t, f.tenant, nil)
				f.noon()
				test(t, f, e)
				if now, err := f.tenant.Endpoint(t.Context(), e.ID); err != nil || !now.Enabled() {
					t.Errorf("disabled: %+v, %v", now, err)
				}
			})
		})
	}
}

func TestLateThirdDayIsAnnouncedADayBefore(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.staff(t)
		e := endpoint(t, f.tenant, orders)
		f.noon()
		for range 2 {
			f.answers(t, e, 404)
			f.clock.Advance(7 * 24 * time.Hour)
		}
		f.watch(t)
		f.told(t)
		f.answers(t, e, 404)
		f.expect(t, "the third day", models.NoticeDisabling, models.MailEndpointDisabling)
		f.clock.Advance(23 * time.Hour)
		f.expect(t, "within a day of it", models.NoticeDisabling, "")
		f.clock.Advance(62 * time.Minute)
		f.expect(t, "a day after", models.NoticeDisabled, models.MailEndpointDisabled)
	})
}

func TestOpenCircuitLetsTheRuleWork(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.staff(t)
		e := endpoint(t, f.tenant, orders)
		f.noon()
		for range 5 {
			f.answers(t, e, 503)
		}
		if state := f.state(t, e); state.Circuit(f.Now()) != models.CircuitOpen {
			t.Fatal("the circuit is not open")
		}
		for range 5 {
			f.clock.Advance(24 * time.Hour)
			f.answers(t, e, 503) // the one that probes
			f.watch(t)
		}
		f.clock.Advance(2 * time.Minute)
		f.watch(t)
		if now, err := f.tenant.Endpoint(t.Context(), e.ID); err != nil || now.Enabled() {
			t.Errorf("enabled: %+v, %v", now, err)
		}
	})
}

func TestGoneIsAnnounced(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.staff(t)
		e := endpoint(t, f.tenant, orders)
		f.answers(t, e, 410)
		f.expect(t, "410", models.NoticeGone, models.MailEndpointGone)
		notices, err := f.tenant.Notices(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := f.tenant.DismissNotice(t.Context(), notices[0].ID); err != nil {
			t.Fatal(err)
		}
		f.expect(t, "dismissed", "", "")
		if err := f.tenant.DismissNotice(t.Context(), notices[0].ID); !models.IsKind(err, models.NotFound) {
			t.Errorf("dismissed twice: %v", err)
		}
	})
}

func TestManyThatFailAtOnceAreOneMessage(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.staff(t)
		var names []string
		for i := range 20 {
			e := endpoint(t, f.tenant, func(in *models.EndpointInput) {
				in.Name, in.EventTypes = fmt.Sprintf("Receiver %d", i), []string{"payment.failed"}
			})
			names = append(names, e.ID)
		}
		publish(t, f.tenant, "payment.failed")
		for _, d := range deliveries(t, f.tenant) {
			f.record(t, f.claim(t, &models.Endpoint{ID: d.EndpointID}, 1, d.ID)[0], 404, webhook.CauseStatus)
		}
		f.clock.Advance(2 * time.Hour)
		f.watch(t)
		letters, err := f.ClaimMail(t.Context())
		if err != nil || len(letters) != 2 {
			t.Fatalf("%d messages, want one to each of two people: %v", len(letters), err)
		}
		var named []string
		for _, e := range letters[0].Values.Endpoints {
			named = append(named, e.ID)
		}
		slices.Sort(names)
		if slices.Sort(named); letters[0].Kind != models.MailEndpointFailing || letters[0].Values.Slug != "acme-robotics" || !slices.Equal(named, names) {
			t.Errorf("the message is %+v, want a failing one of %v", letters[0].Mail, names)
		}
	})
}

func TestEnableAndReplay(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		f.one(t, e)
		if n, err := f.tenant.Missed(t.Context(), e.ID); err != nil || n != 0 {
			t.Errorf("enabled: missed %d, %v", n, err)
		}
		f.clock.Advance(time.Second)
		if _, err := f.tenant.DisableEndpoint(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(time.Second)
		const n = 3
		for range n {
			publish(t, f.tenant, "payment.failed")
		}
		f.clock.Advance(time.Second)
		if got, err := f.tenant.Missed(t.Context(), e.ID); err != nil || got != n {
			t.Errorf("missed %d, want %d: %v", got, n, err)
		}
		now, r, err := f.tenant.EnableAndReplay(t.Context(), e.ID)
		if err != nil || !now.Enabled() || r == nil || r.Total != n || r.Kind != models.RecoverMissing {
			t.Fatalf("%+v, %+v, %v", now, r, err)
		}
		if _, again, err := f.tenant.EnableAndReplay(t.Context(), e.ID); err != nil || again != nil {
			t.Errorf("twice: %+v, %v", again, err)
		}
		if _, err := f.StepRecovery(t.Context()); err != nil {
			t.Fatal(err)
		}
		if list := deliveries(t, f.tenant); len(list) != 1+n {
			t.Errorf("%d deliveries, want %d", len(list), 1+n)
		}
	})
}
