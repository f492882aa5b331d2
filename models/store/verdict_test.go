package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/webhook"
)

// verdictsOf returns the verdicts on an event by their endpoints' names, as
// "state" or "not sent", with the reason.
func verdictsOf(t *testing.T, tenant *store.Tenant, eventID string) map[string]string {
	t.Helper()
	event, err := tenant.Event(t.Context(), eventID)
	if err != nil {
		t.Fatal(err)
	}
	list, err := tenant.Verdicts(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, v := range list {
		state := "not sent"
		if v.Delivery != nil {
			state = string(v.Delivery.State)
		}
		if v.Reason != "" {
			state += ": " + string(v.Reason)
		}
		got[v.Endpoint.Title()] = state
	}
	return got
}

func called(name string, types ...string) func(*models.EndpointInput) {
	return func(in *models.EndpointInput) {
		in.Name = name
		if types != nil {
			in.EventTypes = types
		}
	}
}

func wantVerdicts(t *testing.T, tenant *store.Tenant, eventID string, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, verdictsOf(t, tenant, eventID)); diff != "" {
		t.Error(diff)
	}
}

func (f *fixture) deliveryTo(t *testing.T, eventID string, e *models.Endpoint) models.Delivery {
	t.Helper()
	list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{EventID: eventID, EndpointID: e.ID}, models.Page{})
	if err != nil || len(list) != 1 {
		t.Fatal(len(list), err)
	}
	return list[0]
}

func TestVerdicts_of_what_was_sent(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		once, _ := webhook.NewSchedule([]int{0})
		late, _ := webhook.NewSchedule([]int{600})
		ends := func(name string) *models.Endpoint {
			return endpoint(t, f.tenant, func(in *models.EndpointInput) { in.Name, in.Schedule = name, once })
		}
		delivered, failed, blocked := ends("delivered"), ends("failed"), ends("blocked")
		retrying, flying := endpoint(t, f.tenant, called("retrying")), endpoint(t, f.tenant, called("flying"))
		held, parked := endpoint(t, f.tenant, called("held")), endpoint(t, f.tenant, called("parked"))
		endpoint(t, f.tenant, called("queued"))
		limited := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.Name, in.RateLimitPerSecond = "limited", 1 })
		endpoint(t, f.tenant, func(in *models.EndpointInput) { in.Name, in.Schedule = "scheduled", late })
		deleted := endpoint(t, f.tenant, called("deleted"))
		event := publish(t, f.tenant, "payment.failed")
		attempt := func(e *models.Endpoint, status int, cause webhook.Cause) {
			f.record(t, f.claim(t, e, 1, f.deliveryTo(t, event.ID, e).ID)[0], status, cause)
		}
		attempt(delivered, 200, "")
		attempt(failed, 500, webhook.CauseStatus)
		attempt(blocked, 0, webhook.CauseBlocked)
		attempt(retrying, 0, webhook.CauseTimeout)
		f.claim(t, flying, 1, f.deliveryTo(t, event.ID, flying).ID)
		until := f.Now().Add(time.Hour)
		must(t, f.DB().Model(&models.EndpointState{}).Where("endpoint_id = ?", held.ID).Updates(map[string]any{"held_until": until, "held_because": "circuit"}).Error)
		must(t, f.DB().Model(&models.EndpointState{}).Where("endpoint_id = ?", limited.ID).Update("rate_free_us", until.UnixMicro()).Error)
		_, err := f.tenant.DisableEndpoint(t.Context(), parked.ID)
		must(t, err)
		must(t, f.tenant.DeleteEndpoint(t.Context(), deleted.ID))

		wantVerdicts(t, f.tenant, event.ID, map[string]string{
			"delivered": "delivered", "failed": "failed: status", "blocked": "failed: blocked", "retrying": "retrying: timeout",
			"flying": "pending: in_flight", "held": "pending: circuit", "parked": "pending: endpoint_disabled",
			"queued": "pending: queued", "limited": "pending: rate_limit", "scheduled": "pending: scheduled", "deleted": "cancelled: endpoint_deleted",
		})
		list, err := f.tenant.Verdicts(t.Context(), &models.Event{ID: event.ID, OrganizationID: f.tenant.Organization().ID, CreatedAt: f.Now()})
		must(t, err)
		for _, v := range list {
			switch next := v.Delivery.NextAttemptAt; v.Endpoint.Name {
			case "held":
				if next == nil || !next.Equal(until) {
					t.Errorf("held until %v, the next attempt is at %v", until, next)
				}
			case "parked":
				if next != nil {
					t.Errorf("a parked delivery's next attempt is at %v", next)
				}
			case "retrying", "scheduled":
				if next == nil || !next.After(f.Now()) {
					t.Errorf("%s: the next attempt is at %v", v.Endpoint.Name, next)
				}
			}
		}
	})
}

func TestVerdicts_of_what_was_not_sent(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		on := endpoint(t, f.tenant, called("switched"))
		narrow := endpoint(t, f.tenant, called("resubscribed", "org.*"))
		gone := endpoint(t, f.tenant, called("deleted"))
		resubscribe := func(types ...string) {
			_, err := f.tenant.UpdateEndpoint(t.Context(), narrow.ID, func(in *models.EndpointInput) error { in.EventTypes = types; return nil })
			must(t, err)
		}
		step := func() { f.clock.Advance(time.Minute) } // so that no change overlaps an event
		step()
		first := publish(t, f.tenant, "payment.failed")
		step()
		_, err := f.tenant.DisableEndpoint(t.Context(), on.ID)
		must(t, err)
		resubscribe("payment.*")
		step()
		second := publish(t, f.tenant, "payment.failed")
		step()
		_, err = f.tenant.EnableEndpoint(t.Context(), on.ID)
		must(t, err)
		resubscribe("org.*")
		must(t, f.tenant.DeleteEndpoint(t.Context(), gone.ID))
		step()
		third := publish(t, f.tenant, "payment.failed")
		step()
		endpoint(t, f.tenant, called("younger"))
		passing := endpoint(t, f.tenant, called("passing"))
		step()
		must(t, f.tenant.DeleteEndpoint(t.Context(), passing.ID))

		wantVerdicts(t, f.tenant, first.ID, map[string]string{"switched": "pending: queued", "resubscribed": "not sent: not_subscribed",
			"deleted": "cancelled: endpoint_deleted", "younger": "not sent: not_created"})
		wantVerdicts(t, f.tenant, second.ID, map[string]string{"switched": "not sent: disabled", "resubscribed": "pending: queued",
			"deleted": "cancelled: endpoint_deleted", "younger": "not sent: not_created"})
		wantVerdicts(t, f.tenant, third.ID, map[string]string{"switched": "pending: queued", "resubscribed": "not sent: not_subscribed",
			"deleted": "not sent: deleted", "younger": "not sent: not_created"})

		t.Run("missed_events_are_listed_with_their_reasons", func(t *testing.T) {
			missed := func(e *models.Endpoint) map[string]models.Reason {
				list, _, err := f.tenant.Events(t.Context(), models.EventFilter{MissedBy: e.ID}, models.Page{})
				must(t, err)
				got := map[string]models.Reason{}
				for _, e := range list {
					got[e.ID] = e.NotSent
				}
				return got
			}
			if diff := cmp.Diff(map[string]models.Reason{second.ID: models.ReasonDisabled}, missed(on)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(map[string]models.Reason{first.ID: models.ReasonNotSubscribed, third.ID: models.ReasonNotSubscribed}, missed(narrow)); diff != "" {
				t.Error(diff)
			}
			if got := missed(gone); len(got) > 0 {
				t.Errorf("missed %v while it lived", got)
			}
		})
		t.Run("an_endpoint_deleted_long_before_is_left_out", func(t *testing.T) {
			f.clock.Advance(31 * 24 * time.Hour)
			later := publish(t, f.tenant, "payment.failed")
			if got := verdictsOf(t, f.tenant, later.ID); got["deleted"] != "" || got["passing"] != "" || len(got) != 3 {
				t.Error(got)
			}
		})
		t.Run("a_test_went_to_its_own_endpoint_alone", func(t *testing.T) {
			job, err := f.tenant.BeginTest(t.Context(), on.ID, "payment.failed", example("payment.failed"))
			must(t, err)
			f.record(t, job, 200, "")
			wantVerdicts(t, f.tenant, job.Message.EventID, map[string]string{"switched": "delivered", "resubscribed": "not sent: test", "younger": "not sent: test"})
		})
		t.Run("another_organization_has_none", func(t *testing.T) {
			event, err := f.tenant.Event(t.Context(), first.ID)
			must(t, err)
			if _, err := f.organization(t, "Other").Verdicts(t.Context(), event); !models.IsKind(err, models.NotFound) {
				t.Errorf("%v, want NotFound", err)
			}
		})
	})
}

// A change and an event may overlap: the event's time is before its
// transaction, the change's before its own. What was sent is then the truth,
// and the line that explains it is the one on the other side of the change.
func TestVerdicts_at_the_boundary(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, called("e"))
		f.clock.Advance(time.Hour)
		sent := publish(t, f.tenant, "payment.failed")
		f.clock.Advance(time.Hour)
		must(t, func() error { _, err := f.tenant.DisableEndpoint(t.Context(), e.ID); return err }())
		f.clock.Advance(time.Hour)
		unsent := publish(t, f.tenant, "payment.failed")
		event := func(id string) *models.Event {
			row, err := f.tenant.Event(t.Context(), id)
			must(t, err)
			return row
		}
		for name, c := range map[string]struct {
			event string
			shift time.Duration // of the change, against the event
			want  string
		}{
			"disabled_in_the_same_microsecond":                {unsent.ID, 0, "not sent: disabled"},
			"disabled_just_before":                            {unsent.ID, -time.Microsecond, "not sent: disabled"},
			"disabled_after_the_event_but_before_its_fan_out": {unsent.ID, time.Millisecond, "not sent: disabled"},
			"disabled_long_after_and_yet_not_sent":            {unsent.ID, time.Minute, "not sent: unknown"},
			"sent_in_the_same_microsecond":                    {sent.ID, 0, "pending: endpoint_disabled"},
		} {
			t.Run(name, func(t *testing.T) {
				at := event(c.event).CreatedAt.Add(c.shift)
				must(t, f.DB().Model(&models.EndpointHistory{}).Where("endpoint_id = ? AND enabled = ?", e.ID, false).Update("since", at).Error)
				wantVerdicts(t, f.tenant, c.event, map[string]string{"e": c.want})
			})
		}
		t.Run("enabled_before_the_event_but_seen_after_its_fan_out", func(t *testing.T) {
			at := event(unsent.ID).CreatedAt
			must(t, f.DB().Model(&models.EndpointHistory{}).Where("endpoint_id = ? AND enabled = ?", e.ID, false).Update("since", at.Add(-time.Hour)).Error)
			line := models.EndpointHistory{EndpointID: e.ID, Since: at, OrganizationID: e.OrganizationID, EventTypes: e.EventTypes, Enabled: true}
			must(t, f.DB().Create(&line).Error)
			wantVerdicts(t, f.tenant, unsent.ID, map[string]string{"e": "not sent: disabled"})
		})
	})
}

func TestVerdicts_take_the_same_queries_for_any_number_of_endpoints(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		queries := 0
		count := func(*gorm.DB) { queries++ }
		must(t, f.DB().Callback().Query().Before("gorm:query").Register("count", count))
		must(t, f.DB().Callback().Row().Before("gorm:row").Register("count", count))
		var used []int
		for range 2 {
			for range 5 {
				endpoint(t, f.tenant, nil)
				endpoint(t, f.tenant, called("", "org.*"))
			}
			event, err := f.tenant.Event(t.Context(), publish(t, f.tenant, "payment.failed").ID)
			must(t, err)
			queries = 0
			list, err := f.tenant.Verdicts(t.Context(), event)
			must(t, err)
			if sent := slices.IndexFunc(list, func(v models.Verdict) bool { return v.Delivery == nil }); sent*2 != len(list) {
				t.Errorf("%d of %d verdicts come before the first without a delivery", sent, len(list))
			}
			used = append(used, queries)
		}
		if used[0] != used[1] || used[0] > 6 {
			t.Errorf("10 endpoints took %d queries, 20 took %d", used[0], used[1])
		}
	})
}

func TestEvents_are_filtered(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		old := publish(t, f.tenant, "payment.failed")
		f.clock.Advance(time.Hour)
		since := f.Now()
		fresh := publish(t, f.tenant, "org.created")
		job, err := f.tenant.BeginTest(t.Context(), e.ID, "payment.refunded", example("payment.refunded"))
		must(t, err)
		test := job.Message.EventID
		for name, c := range map[string]struct {
			filter models.EventFilter
			want   []string
		}{
			"nothing":   {models.EventFilter{}, []string{test, fresh.ID, old.ID}},
			"a_type":    {models.EventFilter{Types: []string{"payment.failed"}}, []string{old.ID}},
			"a_prefix":  {models.EventFilter{Types: []string{"payment.*"}}, []string{test, old.ID}},
			"an_origin": {models.EventFilter{Origin: models.OriginTest}, []string{test}},
			"a_start":   {models.EventFilter{Since: since}, []string{test, fresh.ID}},
			"an_end":    {models.EventFilter{Until: since}, []string{old.ID}},
			"all":       {models.EventFilter{Types: []string{"org.*"}, Origin: models.OriginAPI, Since: since, Until: since.Add(time.Hour)}, []string{fresh.ID}},
		} {
			t.Run(name, func(t *testing.T) {
				list, _, err := f.tenant.Events(t.Context(), c.filter, models.Page{})
				must(t, err)
				if diff := cmp.Diff(c.want, named(list, func(e models.Event) string { return e.ID })); diff != "" {
					t.Error(diff)
				}
			})
		}
		t.Run("and_counted_by_state", func(t *testing.T) {
			f.record(t, job, 200, "")
			list, _, err := f.tenant.Events(t.Context(), models.EventFilter{}, models.Page{})
			must(t, err)
			states, err := f.tenant.StateCountsOf(t.Context(), list)
			must(t, err)
			want := map[string]map[models.State]int{test: {models.Delivered: 1}, fresh.ID: {models.Pending: 1}, old.ID: {models.Pending: 1}}
			if diff := cmp.Diff(want, states); diff != "" {
				t.Error(diff)
			}
		})
	})
}
