package pipeline_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

// groups is an installation whose sole worker has slots for everything, and sends
// nothing by itself.
type groups struct {
	*store.Store
	options  store.Options
	tenant   *store.Tenant
	waker    *slots
	endpoint *models.Endpoint
}

// eachGroups runs a test on both databases, with an organization of endpoints that
// are known.
func eachGroups(t *testing.T, endpoints int, test func(t *testing.T, g *groups)) {
	storetest.Each(t, func(t *testing.T, o store.Options) {
		g := &groups{waker: &slots{}}
		o.Waker = g.waker
		g.options = storetest.Complete(t, o)
		g.Store = storetest.Open(t, g.options)
		g.know(t, endpoints)
		test(t, g)
	})
}

// know makes an organization with endpoints, and has one event delivered, so that they
// are known.
func (g *groups) know(t *testing.T, endpoints int) {
	t.Helper()
	g.tenant = storetest.Organization(t, g.Store, "Acme")
	for range endpoints {
		g.endpoint = storetest.Endpoint(t, g.tenant, nil)
	}
	g.report(t, "")
	for _, d := range g.deliveries(t) { // a claim reads the endpoint's template
		jobs, _, err := g.Engine().Claim(t.Context(), []pipeline.Lane{{EndpointID: d.EndpointID, DeliveryIDs: []string{d.ID}, Slots: 1}})
		storetest.Must(t, err)
		storetest.Must(t, g.Engine().Record(t.Context(), outcomes(jobs, "")))
	}
	g.attend(t)
}

func (g *groups) attend(t *testing.T) {
	t.Helper()
	storetest.Must(t, g.Engine().Attend(t.Context()))
}

// report reports an event, and returns the jobs that were begun with it.
func (g *groups) report(t *testing.T, key string) []*pipeline.Job {
	t.Helper()
	g.waker.begun = nil
	_, err := g.tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: []byte(storetest.Example(t, "payment.failed")), IdempotencyKey: key})
	storetest.Must(t, err)
	return g.waker.begun
}

// deliveries returns the rows that there are, oldest first, and expands nothing.
func (g *groups) deliveries(t *testing.T) []models.Delivery {
	t.Helper()
	list, _, err := g.tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{Limit: models.MaxLimit})
	storetest.Must(t, err)
	slices.Reverse(list)
	return list
}

// stands fails unless so many groups, pieces of work, and deliveries by state stand.
func (g *groups) stands(t *testing.T, when string, accepted, work int, states ...models.State) {
	t.Helper()
	var rows struct{ Accepted, Work int }
	storetest.Must(t, g.Database().WithContext(t.Context()).
		Raw("SELECT (SELECT count(*) FROM accepted_groups) AS accepted, (SELECT count(*) FROM delivery_work) AS work").Scan(&rows).Error)
	var got []models.State
	for _, d := range g.deliveries(t) {
		got = append(got, d.State)
	}
	if rows.Accepted != accepted || rows.Work != work || !slices.Equal(got, states) {
		t.Errorf("%s there are %d groups, %d pieces of work, deliveries %v; want %d, %d, %v", when, rows.Accepted, rows.Work, got, accepted, work, states)
	}
}

// outcomes are the results of jobs, each with one cause.
func outcomes(jobs []*pipeline.Job, cause webhook.Cause) []*pipeline.Result {
	results := make([]*pipeline.Result, len(jobs))
	for i := range jobs {
		x := webhook.Exchange{Cause: cause, StartedAt: time.Now(), Duration: time.Millisecond, Requests: 1, StatusCode: 204}
		if cause != "" {
			x.StatusCode = 500
		}
		results[i] = &pipeline.Result{Job: jobs[i], Exchange: x}
	}
	return results
}

func (g *groups) record(t *testing.T, results ...*pipeline.Result) {
	t.Helper()
	storetest.Must(t, g.Engine().Record(t.Context(), results))
}

const (
	delivered = models.Delivered
	pending   = models.Pending
	retrying  = models.Retrying
)

func TestAcceptedGroups(t *testing.T) {
	for name, test := range map[string]func(t *testing.T, g *groups, jobs []*pipeline.Job){
		"a_delivery_is_written_once_with_its_outcome": func(t *testing.T, g *groups, jobs []*pipeline.Job) {
			g.stands(t, "Once accepted", 1, 0, delivered, delivered)
			g.record(t, outcomes(jobs[:1], "")...)
			g.stands(t, "After the first outcome", 1, 0, delivered, delivered, delivered)
			g.record(t, outcomes(jobs[1:], "")...)
			g.stands(t, "After the last", 0, 0, delivered, delivered, delivered, delivered)
			for _, d := range g.deliveries(t) {
				attempts, err := g.tenant.Attempts(t.Context(), d.ID)
				storetest.Must(t, err)
				if d.AttemptCount != 1 || d.LastStatusCode != 204 || d.DeliveredAt == nil || d.EndedAt == nil || d.LastAttemptAt == nil || len(attempts) != 1 {
					t.Errorf("a delivery is kept as %+v with %d attempts; want its one attempt told", d, len(attempts))
				}
			}
		},
		"who_reads_sees_what_waits": func(t *testing.T, g *groups, jobs []*pipeline.Job) {
			g.record(t, outcomes(jobs[:1], "")...)
			storetest.Must(t, g.tenant.Expand(t.Context()))
			g.stands(t, "To who reads", 0, 1, delivered, delivered, delivered, pending)
			if d := g.deliveries(t)[3]; !d.InFlight || d.AttemptCount != 0 {
				t.Errorf("the other one is %+v; want it in flight", d)
			}
			g.record(t, outcomes(jobs[1:], "")...)
			g.stands(t, "In the end", 0, 0, delivered, delivered, delivered, delivered)
		},
		"another_process_reads_while_an_outcome_is_recorded": func(t *testing.T, g *groups, jobs []*pipeline.Job) {
			other := g.another(t)
			storetest.Must(t, other.Engine().Expand(t.Context(), g.tenant.Organization().ID))
			g.stands(t, "To the other process", 0, 2, delivered, delivered, pending, pending)
			g.record(t, outcomes(jobs, "")...)
			g.stands(t, "In the end", 0, 0, delivered, delivered, delivered, delivered)
		},
		"a_failure_is_tried_again": func(t *testing.T, g *groups, jobs []*pipeline.Job) {
			g.record(t, append(outcomes(jobs[:1], webhook.CauseStatus), outcomes(jobs[1:], "")...)...)
			g.stands(t, "After a failure", 0, 1, delivered, delivered, retrying, delivered)
		},
		"recording_twice_changes_nothing": func(t *testing.T, g *groups, jobs []*pipeline.Job) {
			g.record(t, outcomes(jobs[:1], "")...)
			g.record(t, outcomes(jobs[:1], "")...)
			g.record(t, outcomes(jobs, "")...)
			g.stands(t, "In the end", 0, 0, delivered, delivered, delivered, delivered)
		},
		"what_takes_long_gets_rows_of_its_own": func(t *testing.T, g *groups, jobs []*pipeline.Job) {
			storetest.Must(t, g.Engine().ExpandOlder(t.Context(), time.Now().Add(time.Second)))
			g.stands(t, "After a while", 0, 2, delivered, delivered, pending, pending)
			g.record(t, outcomes(jobs, "")...)
			g.stands(t, "In the end", 0, 0, delivered, delivered, delivered, delivered)
		},
		"what_is_given_back_is_due": func(t *testing.T, g *groups, jobs []*pipeline.Job) {
			storetest.Must(t, g.Engine().Release(t.Context(), jobs[1:]))
			g.record(t, outcomes(jobs[:1], "")...)
			g.stands(t, "After one was given back", 0, 1, delivered, delivered, delivered, pending)
			if d := g.deliveries(t)[3]; d.InFlight {
				t.Errorf("what was given back is %+v; want it due", d)
			}
		},
		"a_deleted_endpoint_gets_no_retry": func(t *testing.T, g *groups, jobs []*pipeline.Job) {
			storetest.Must(t, g.tenant.DeleteEndpoint(t.Context(), jobs[0].EndpointID))
			g.record(t, outcomes(jobs, webhook.CauseStatus)...)
			g.stands(t, "After both failed", 0, 1, delivered, delivered, models.Cancelled, retrying)
		},
		"who_leaves_leaves_rows": func(t *testing.T, g *groups, _ []*pipeline.Job) {
			storetest.Must(t, g.Engine().Leave(t.Context()))
			g.stands(t, "After the process has left", 0, 2, delivered, delivered, pending, pending)
		},
		"another_process_with_workers_counts_what_is_in_flight": func(t *testing.T, g *groups, _ []*pipeline.Job) {
			storetest.Must(t, g.another(t).Engine().Attend(t.Context()))
			g.stands(t, "As the other one begins", 0, 2, delivered, delivered, pending, pending)
		},
		"a_dead_process_is_taken_over": func(t *testing.T, g *groups, jobs []*pipeline.Job) {
			other := g.another(t).Engine()
			for range 6 {
				storetest.Must(t, other.Attend(t.Context()))
			}
			n, err := other.Reclaim(t.Context())
			storetest.Must(t, err)
			if n != len(jobs) {
				t.Errorf("%d attempts were taken over; want %d", n, len(jobs))
			}
			g.stands(t, "After the takeover", 0, 2, delivered, delivered, retrying, retrying)
			g.record(t, outcomes(jobs, "")...)
			g.stands(t, "After the dead one's outcomes came late", 0, 2, delivered, delivered, retrying, retrying)
		},
		"an_event_in_flight_is_not_missing": func(t *testing.T, g *groups, jobs []*pipeline.Job) {
			events, _, err := g.tenant.Events(t.Context(), models.EventFilter{MissedBy: jobs[0].EndpointID}, models.Page{})
			storetest.Must(t, err)
			if len(events) != 0 {
				t.Errorf("%d events were missed; want none", len(events))
			}
			g.stands(t, "Still", 1, 0, delivered, delivered)
		},
		"the_queue_counts_it": func(t *testing.T, g *groups, _ []*pipeline.Job) {
			depth, err := g.Engine().Depth(t.Context())
			storetest.Must(t, err)
			if depth.InFlight != 2 {
				t.Errorf("the depth is %+v; want 2 in flight", depth)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachGroups(t, 2, func(t *testing.T, g *groups) {
				jobs := g.report(t, "")
				if len(jobs) != 2 {
					t.Fatalf("%d deliveries were begun with the acceptance; want 2", len(jobs))
				}
				test(t, g, jobs)
			})
		})
	}
}

// another returns another process's store.
func (g *groups) another(t *testing.T) *store.Store {
	t.Helper()
	other, err := store.Open(t.Context(), g.options)
	storetest.Must(t, err)
	t.Cleanup(func() { storetest.Must(t, other.Close()) })
	return other
}

// TestAKeyThatIsTaken holds that an event which its idempotency key keeps out gets no
// delivery, though its group names one.
func TestAKeyThatIsTaken(t *testing.T) {
	eachGroups(t, 1, func(t *testing.T, g *groups) {
		if jobs := g.report(t, "once"); len(jobs) != 1 {
			t.Fatalf("%d deliveries were begun; want 1", len(jobs))
		} else {
			g.record(t, outcomes(jobs, "")...)
		}
		if jobs := g.report(t, "once"); len(jobs) != 0 {
			t.Fatalf("%d deliveries were begun for a replay; want none", len(jobs))
		}
		storetest.Must(t, g.tenant.Expand(t.Context()))
		storetest.Must(t, g.Engine().Leave(t.Context()))
		g.stands(t, "In the end", 0, 0, delivered, delivered)
	})
}

// TestGroupsAreOfTheirOrganizations holds that who reads expands nobody else's groups.
func TestGroupsAreOfTheirOrganizations(t *testing.T) {
	eachGroups(t, 1, func(t *testing.T, g *groups) {
		other := storetest.Organization(t, g.Store, "Other")
		g.report(t, "")
		storetest.Must(t, other.Expand(t.Context()))
		storetest.Must(t, g.another(t).Engine().Expand(t.Context(), other.Organization().ID))
		g.stands(t, "After another organization has read", 1, 0, delivered)
	})
}

// TestAGroupIsOneRow holds what a group costs: one row, whatever it holds.
func TestAGroupIsOneRow(t *testing.T) {
	eachGroups(t, 3, func(t *testing.T, g *groups) {
		var reports []store.Report
		for i := range 5 {
			reports = append(reports, store.Report{Tenant: g.tenant, Event: models.NewEvent{Type: "payment.failed",
				Data: []byte(storetest.Example(t, "payment.failed")), IdempotencyKey: fmt.Sprint(i)}})
		}
		g.waker.begun = nil
		g.PublishBatch(t.Context(), reports)
		if n := len(g.waker.begun); n != 15 {
			t.Fatalf("%d deliveries were begun; want 15", n)
		}
		g.stands(t, "Once accepted", 1, 0, delivered, delivered, delivered)
		g.record(t, outcomes(g.waker.begun, "")...)
		g.stands(t, "In the end", 0, 0, slices.Repeat([]models.State{delivered}, 18)...)
	})
}

// TestAnExpiredKeyInAGroup holds that an event whose key turns out to have expired gets
// one delivery, though the group of the first try names another.
func TestAnExpiredKeyInAGroup(t *testing.T) {
	eachGroups(t, 1, func(t *testing.T, g *groups) {
		g.record(t, outcomes(g.report(t, "once"), "")...)
		db := g.Database().WithContext(t.Context())
		storetest.Must(t, db.Exec("UPDATE idempotency_keys SET created_at = ?", time.Now().Add(-25*time.Hour)).Error)
		g.waker.begun = nil
		data := []byte(storetest.Example(t, "payment.failed"))
		for _, o := range g.PublishBatch(t.Context(), []store.Report{
			{Tenant: g.tenant, Event: models.NewEvent{Type: "payment.failed", Data: data, IdempotencyKey: "once"}},
			{Tenant: g.tenant, Event: models.NewEvent{Type: "payment.failed", Data: data}},
		}) {
			storetest.Must(t, o.Err)
		}
		storetest.Must(t, g.tenant.Expand(t.Context()))
		g.record(t, outcomes(g.waker.begun, "")...)
		g.stands(t, "In the end", 0, 0, delivered, delivered, delivered, delivered)
	})
}

// TestWhoRepeatsSeesIt holds that a delivery is seen after the 202 of a repeated report
// whose first commit nobody heard of.
func TestWhoRepeatsSeesIt(t *testing.T) {
	eachGroups(t, 1, func(t *testing.T, g *groups) {
		end := g.Engine().LoseAnswers()
		report := models.NewEvent{Type: "payment.failed", Data: []byte(storetest.Example(t, "payment.failed")), IdempotencyKey: "k"}
		_, first := g.tenant.Publish(t.Context(), report)
		end()
		if g.options.DatabaseURL != "" && first == nil {
			t.Fatal("the first report was answered; want its answer lost")
		}
		_, err := g.tenant.Publish(t.Context(), report)
		storetest.Must(t, err)
		storetest.Must(t, g.tenant.Expand(t.Context()))
		g.stands(t, "To who reads after the 202", 0, 1, delivered, pending)
	})
}

// TestAProcessThatStoodStillLooks holds that one which may have been taken over looks
// for the groups of others.
func TestAProcessThatStoodStillLooks(t *testing.T) {
	eachGroups(t, 1, func(t *testing.T, g *groups) {
		other := g.another(t).Engine()
		for range 6 {
			storetest.Must(t, other.Attend(t.Context()))
		}
		storetest.Must(t, g.Database().WithContext(t.Context()).Exec("INSERT INTO accepted_groups (token, organization_ids, accepted_at, deliveries) VALUES ('of-another', ?, ?, '[]')",
			","+g.tenant.Organization().ID+",", g.Now()).Error)
		g.Engine().StandStill(time.Minute)
		storetest.Must(t, g.tenant.Expand(t.Context()))
		g.stands(t, "After it has looked", 0, 0, delivered)
	})
}

// TestGroupsAreLockedAfterStates holds the order of locks that who changes an endpoint
// keeps to as well.
func TestGroupsAreLockedAfterStates(t *testing.T) {
	o := storetest.Postgres(t)
	waker := &slots{}
	o.Waker = waker
	g := &groups{Store: storetest.Open(t, storetest.Complete(t, o)), waker: waker}
	g.know(t, 1)
	jobs := g.report(t, "")
	recorded := make(chan error, 1)
	storetest.Must(t, g.Database().Transaction(t.Context(), func(tx *database.Tx) error {
		if err := tx.Exec("SELECT 1 FROM endpoint_states FOR UPDATE").Error; err != nil {
			return err
		}
		go func() { recorded <- g.Engine().Record(t.Context(), outcomes(jobs, webhook.CauseStatus)) }()
		for waits := 0; waits == 0; {
			if err := g.Database().WithContext(t.Context()).Raw("SELECT count(*) FROM pg_locks WHERE NOT granted").Scan(&waits).Error; err != nil {
				return err
			}
		}
		return tx.Exec("SELECT 1 FROM accepted_groups FOR UPDATE NOWAIT").Error
	}))
	storetest.Must(t, <-recorded)
	g.stands(t, "After a failure", 0, 1, delivered, retrying)
}
