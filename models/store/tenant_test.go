package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/store"
	"hookwell/webhook"
)

// property is what one organization has, for another to reach for.
type property struct {
	endpoint *models.Endpoint
	event    *models.Accepted
	delivery *models.Delivery
	key      *models.Key
	earlier  *models.EndpointSecret // of the endpoint, still in force
	person   *models.User           // an owner
	recovery *models.Recovery       // of another endpoint
	notice   *models.Notice         // of the endpoint
	received *receivedOf            // nil but for cases of Receiving
	team
}

func (f *fixture) property(t *testing.T) *property {
	t.Helper()
	p := &property{endpoint: endpoint(t, f.tenant, func(in *models.EndpointInput) {
		in.Headers = []webhook.Header{{Name: "x-own", Value: "theirs"}}
	})}
	p.event = publish(t, f.tenant, "payment.failed")
	owesNothing(t, f.Store)
	list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{EndpointID: p.endpoint.ID}, models.Page{})
	if err != nil || len(list) != 1 {
		t.Fatal(len(list), err)
	}
	f.record(t, f.claim(t, p.endpoint, 1, list[0].ID)[0], 500, webhook.CauseStatus)
	if p.delivery, err = f.tenant.Delivery(t.Context(), list[0].ID); err != nil {
		t.Fatal(err)
	}
	f.rollUp(t)
	if p.key, _, err = f.tenant.CreateKey(t.Context(), models.NewKey{Name: "key", Scopes: []string{"read"}}); err != nil {
		t.Fatal(err)
	}
	f.rotate(t, p.endpoint, 24)
	p.earlier = &f.secrets(t, p.endpoint)[1]
	p.person = f.person(t, p.endpoint.ID+"@example.com")
	p.team = f.team(t, p.person)
	p.notice = &models.Notice{ID: "ntc_" + p.endpoint.ID, OrganizationID: f.tenant.Organization().ID, EndpointID: p.endpoint.ID, Kind: models.NoticeFailing, CreatedAt: f.Now()}
	if err := f.DB().Create(p.notice).Error; err != nil {
		t.Fatal(err)
	}
	since := models.RecoveryInput{Since: f.Now().Add(-time.Hour)}
	if p.recovery, err = f.tenant.Recover(t.Context(), endpoint(t, f.tenant, nil).ID, since); err != nil {
		t.Fatal(err)
	}
	return p
}

// call uses one method with the ids of p and returns the ids of what it
// reached.
type call func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error)

// refused are the methods that name a row: another tenant's is NotFound.
var refused = map[string]call{
	"Delivery": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.Delivery(ctx, p.delivery.ID)
		return nil, err
	},
	"Resend": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.Resend(ctx, p.delivery.ID)
		return nil, err
	},
	"ResendMany": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.ResendMany(ctx, []string{p.delivery.ID})
		return nil, err
	},
	"Cancel": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.Cancel(ctx, p.delivery.ID)
		return nil, err
	},
	"CancelMany": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.CancelMany(ctx, []string{p.delivery.ID})
		return nil, err
	},
	"Recover": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.Recover(ctx, p.endpoint.ID, models.RecoveryInput{Since: time.Unix(0, 0)})
		return nil, err
	},
	"CountRecovery": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.CountRecovery(ctx, p.endpoint.ID, models.RecoveryInput{Since: time.Unix(0, 0)})
		return nil, err
	},
	"Recovery": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.Recovery(ctx, p.recovery.ID)
		return nil, err
	},
	"CancelRecovery": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.CancelRecovery(ctx, p.recovery.ID)
		return nil, err
	},
	"BeginTest": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.BeginTest(ctx, p.endpoint.ID, "payment.failed", example("payment.failed"))
		return nil, err
	},
	"Endpoint": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.Endpoint(ctx, p.endpoint.ID)
		return nil, err
	},
	"HeaderNames": func(_ context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.HeaderNames(p.endpoint)
		return nil, err
	},
	"UpdateEndpoint": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.UpdateEndpoint(ctx, p.endpoint.ID, func(in *models.EndpointInput) error {
			in.Name = "Renamed"
			return nil
		})
		return nil, err
	},
	"DisableEndpoint": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.DisableEndpoint(ctx, p.endpoint.ID)
		return nil, err
	},
	"EnableEndpoint": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.EnableEndpoint(ctx, p.endpoint.ID)
		return nil, err
	},
	"EnableAndReplay": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, _, err := tenant.EnableAndReplay(ctx, p.endpoint.ID)
		return nil, err
	},
	"Missed": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.Missed(ctx, p.endpoint.ID)
		return nil, err
	},
	"DismissNotice": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		return nil, tenant.DismissNotice(ctx, p.notice.ID)
	},
	"DeleteEndpoint": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		return nil, tenant.DeleteEndpoint(ctx, p.endpoint.ID)
	},
	"Secrets": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.Secrets(ctx, p.endpoint.ID)
		return nil, err
	},
	"RotateSecret": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, _, err := tenant.RotateSecret(ctx, p.endpoint.ID, models.Rotation{OverlapHours: 24})
		return nil, err
	},
	"ExpireSecret": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.ExpireSecret(ctx, p.endpoint.ID, p.earlier.ID)
		return nil, err
	},
	"SwitchSignature": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.SwitchSignature(ctx, p.endpoint.ID)
		return nil, err
	},
	"RevealSecrets": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := store.ActingAs(tenant, p.person).RevealSecrets(ctx, p.endpoint.ID, password)
		return nil, err
	},
	"Event": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.Event(ctx, p.event.ID)
		return nil, err
	},
	"RevokeKey": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		return nil, tenant.RevokeKey(ctx, p.key.ID)
	},
	"Member": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.Member(ctx, p.member.ID)
		return nil, err
	},
	"MemberNews": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.MemberNews(ctx, p.member.ID)
		return nil, err
	},
	"Own": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := store.ActingAs(tenant, p.colleague).Own(ctx)
		return nil, err
	},
	"Revocations": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.Revocations(ctx, p.member.ID, models.RoleGuest)
		return nil, err
	},
	"SetRole": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.SetRole(ctx, p.member.ID, models.RoleGuest)
		return nil, err
	},
	"SetTitle": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.SetTitle(ctx, p.member.ID, "Operations")
		return nil, err
	},
	"TransferOwnership": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := store.ActingAs(tenant, p.person).TransferOwnership(ctx, p.member.ID)
		return nil, err
	},
	"RemoveMember": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, err := tenant.RemoveMember(ctx, p.member.ID)
		return nil, err
	},
	"Leave": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		return nil, store.ActingAs(tenant, p.colleague).Leave(ctx)
	},
	"ResendInvitation": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		_, _, err := tenant.ResendInvitation(ctx, p.invitation.ID, false)
		return nil, err
	},
	"RevokeInvitation": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		return nil, tenant.RevokeInvitation(ctx, p.invitation.ID)
	},
}

// hidden are the methods that list: another tenant's rows are not among them.
var hidden = map[string]call{
	"Deliveries": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		filter := models.DeliveryFilter{EndpointID: p.endpoint.ID, EventID: p.event.ID}
		list, _, err := tenant.Deliveries(ctx, filter, models.Page{})
		return named(list, func(d models.Delivery) string { return d.ID }), err
	},
	"Attempts": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		list, err := tenant.Attempts(ctx, p.delivery.ID)
		return named(list, func(a models.Attempt) string { return a.ID() }), err
	},
	"Siblings": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		list, err := tenant.Siblings(ctx, &models.Delivery{ID: "dlv_none", EventID: p.event.ID})
		return named(list, func(d models.Delivery) string { return d.ID }), err
	},
	"Recoveries": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		list, err := tenant.Recoveries(ctx, p.recovery.EndpointID)
		return named(list, func(r models.Recovery) string { return r.ID }), err
	},
	"Endpoints": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		list, err := tenant.Endpoints(ctx)
		return named(list, func(e models.Endpoint) string { return e.ID }), err
	},
	"Notices": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		list, err := tenant.Notices(ctx)
		return named(list, func(n models.Notice) string { return n.ID }), err
	},
	"EndpointPage": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		list, err := tenant.EndpointPage(ctx, models.EndpointFilter{}, models.Page{})
		return named(list.Rows, func(e models.JudgedEndpoint) string { return e.ID }), err
	},
	"CountEndpoints": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		n, err := tenant.CountEndpoints(ctx)
		return slices.Repeat([]string{p.endpoint.ID}, n), err
	},
	"CountHealths": func(ctx context.Context, tenant *store.Tenant, p *property) (seen []string, err error) {
		counts, err := tenant.CountHealths(ctx, "")
		for range counts {
			seen = append(seen, p.endpoint.ID)
		}
		return seen, err
	},
	"EndpointChoices": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		choices, err := tenant.EndpointChoices(ctx, "", p.endpoint.ID)
		return named(choices.Rows, func(e models.EndpointChoice) string { return e.ID }), err
	},
	"CountSubscribers": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		counts, err := tenant.CountSubscribers(ctx)
		return slices.Repeat([]string{p.endpoint.ID}, counts["payment.failed"]), err
	},
	"Subscribers": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		list, err := tenant.Subscribers(ctx, "payment.failed")
		return named(list, func(e models.Endpoint) string { return e.ID }), err
	},
	"SummarizeEndpoints": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		summary, err := tenant.SummarizeEndpoints(ctx, time.Now().Add(-models.Day), 5, 5)
		return named(summary.Worst, func(e models.JudgedEndpoint) string { return e.ID }), err
	},
	"Backlogs": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		backlogs, err := tenant.Backlogs(ctx)
		return slices.Collect(maps.Keys(backlogs)), err
	},
	"BacklogsOf": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		backlogs, err := tenant.BacklogsOf(ctx, p.endpoint.ID)
		return slices.Collect(maps.Keys(backlogs)), err
	},
	"Traffic": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		steps, err := tenant.Traffic(ctx, time.Now().Add(-models.Hour), time.Now().Add(models.Hour), models.HalfHour)
		return busy(steps), err
	},
	"EndpointTraffic": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		steps, err := tenant.EndpointTraffic(ctx, p.endpoint.ID, time.Now().Add(-models.Hour), time.Now().Add(models.Hour), models.Hour)
		return busy(steps), err
	},
	"EndpointCounts": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		counts, err := tenant.EndpointCounts(ctx, time.Now().Add(-models.Day))
		return slices.Collect(maps.Keys(counts)), err
	},
	"Strips": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		strips, err := tenant.Strips(ctx, []string{p.endpoint.ID})
		return busy(strips[p.endpoint.ID]), err
	},
	"StateCounts": func(ctx context.Context, tenant *store.Tenant, p *property) (seen []string, err error) {
		counts, err := tenant.StateCounts(ctx, models.DeliveryFilter{EndpointID: p.endpoint.ID})
		for state, n := range counts {
			if n.N > 0 {
				seen = append(seen, string(state))
			}
		}
		return seen, err
	},
	"Events": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		list, _, err := tenant.Events(ctx, models.EventFilter{}, models.Page{})
		return named(list, func(e models.Event) string { return e.ID }), err
	},
	"Verdicts": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		event := &models.Event{ID: p.event.ID, OrganizationID: tenant.Organization().ID, Type: "payment.failed", CreatedAt: store.IDTime(p.event.ID)}
		list, err := tenant.Verdicts(ctx, event)
		return named(list, func(v models.Verdict) string { return v.Endpoint.ID }), err
	},
	"StateCountsOf": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		states, err := tenant.StateCountsOf(ctx, []models.Event{{ID: p.event.ID, CreatedAt: store.IDTime(p.event.ID)}})
		return slices.Collect(maps.Keys(states)), err
	},
	"Audit": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		list, _, err := tenant.Audit(ctx, models.AuditFilter{TargetID: p.endpoint.ID}, models.Page{})
		return named(list, func(e models.AuditEntry) string { return e.ID }), err
	},
	"AuditAll": func(ctx context.Context, tenant *store.Tenant, p *property) (ids []string, err error) {
		for entry, failed := range tenant.AuditAll(ctx, models.AuditFilter{TargetID: p.endpoint.ID}) {
			ids, err = append(ids, entry.ID), errors.Join(err, failed)
		}
		return ids, err
	},
	"Keys": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		list, err := tenant.Keys(ctx)
		return named(list, func(k models.Key) string { return k.ID }), err
	},
	"Members": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		list, err := tenant.Members(ctx)
		return named(list, func(m models.TeamMember) string { return m.ID }), err
	},
	"Invitations": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		list, err := tenant.Invitations(ctx)
		return named(list, func(i models.Invitation) string { return i.ID }), err
	},
}

// own are the methods that name nobody's row: they make rows of their own.
var own = map[string]call{
	"Organization": func(_ context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		return []string{tenant.Organization().ID}, nil
	},
	"Receiving": func(_ context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		return []string{tenant.Receiving().OrganizationID()}, nil // whose methods have their own test
	},
	"EventRequest": func(ctx context.Context, tenant *store.Tenant, p *property) ([]string, error) {
		q, err := tenant.EventRequest(ctx, p.event.ID)
		if q != nil {
			return []string{q.OrganizationID}, err
		}
		return []string{tenant.Organization().ID}, err
	},
	"Expand": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		return []string{tenant.Organization().ID}, tenant.Expand(ctx) // of nobody else's groups: TestGroupsAreOfTheirOrganizations
	},
	"If": func(_ context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		return []string{tenant.If(nil).Organization().ID}, nil
	},
	"CreateEndpoint": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		in := models.NewEndpointInput()
		in.URL, in.EventTypes = "http://127.0.0.1:9/other", []string{"*"}
		e, _, err := tenant.CreateEndpoint(ctx, in)
		return []string{e.OrganizationID}, err
	},
	"NoteRefusal": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		return []string{tenant.Organization().ID}, tenant.NoteRefusal(ctx, "GET /o/:org/keys", "as guest")
	},
	"CreateKey": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		key, _, err := tenant.CreateKey(ctx, models.NewKey{Name: "other", Scopes: []string{"read"}})
		return []string{*key.OrganizationID}, err
	},
	"Invite": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		i, _, err := tenant.Invite(ctx, models.NewInvitation{Email: "somebody@example.com", Role: models.RoleMember})
		if err != nil {
			return nil, err
		}
		return []string{i.OrganizationID}, nil
	},
	"UpdateOrganization": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		name := tenant.Organization().Name + " Renamed"
		org, err := tenant.UpdateOrganization(ctx, models.OrganizationChange{Name: &name})
		return []string{org.ID}, err
	},
	"Publish": func(ctx context.Context, tenant *store.Tenant, _ *property) ([]string, error) {
		accepted, err := tenant.Publish(ctx, models.NewEvent{Type: "payment.failed", Data: example("payment.failed"), IdempotencyKey: "one"})
		if err != nil {
			return nil, err
		}
		event, err := tenant.Event(ctx, accepted.ID)
		return []string{event.OrganizationID}, err
	},
}

func example(eventType string) []byte {
	c, err := storetest.Catalog()
	if err != nil {
		panic(err)
	}
	et, _ := c.Lookup(eventType)
	return et.Example
}

// busy are the steps in which something was counted.
func busy(steps []models.Step) (seen []string) {
	for _, s := range steps {
		if s.Counts.Attempts > 0 {
			seen = append(seen, s.At.String())
		}
	}
	return seen
}

func named[T any](rows []T, id func(T) string) []string {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = id(row)
	}
	return ids
}

// methodsOf lists what a type exports, so that a method without a case fails.
func methodsOf[T any]() []string {
	kind := reflect.TypeFor[T]()
	names := make([]string, kind.NumMethod())
	for i := range names {
		names[i] = kind.Method(i).Name
	}
	return names
}

func TestTenantIsolation(t *testing.T) {
	for _, name := range methodsOf[*store.Tenant]() {
		if refused[name] == nil && hidden[name] == nil && own[name] == nil && name != "DeleteOrganization" { // which has a test of its own
			t.Errorf("Tenant.%s has no case of another organization's ids", name)
		}
	}
	eachStore(t, func(t *testing.T, f *fixture) {
		other, w := f.organization(t, "Other"), newWatch(t, f.Store)
		// A property is made anew once a method has changed something of the last one.
		var unused *property
		property := func(t *testing.T) *property {
			if p := unused; p != nil {
				return p
			}
			unused = f.property(t)
			return unused
		}
		for name, use := range refused {
			t.Run(name, func(t *testing.T) {
				p := property(t)
				w.drop(t) // what the property's making has changed
				wakes := len(f.woken.list)
				if _, err := use(t.Context(), other, p); !models.IsKind(err, models.NotFound) {
					t.Errorf("another tenant got %v, want NotFound", err)
				}
				w.untouched(t)
				if len(f.woken.list) != wakes {
					t.Error("another tenant woke a delivery")
				}
				if _, err := use(t.Context(), f.tenant, p); err != nil {
					t.Errorf("its own tenant got %v", err)
				}
				if len(w.take(t)) > 0 {
					unused = nil
				}
			})
		}
		for name, list := range hidden {
			t.Run(name, func(t *testing.T) {
				p := property(t)
				w.drop(t)
				if seen, err := list(t.Context(), other, p); err != nil || len(seen) != 0 {
					t.Errorf("another tenant saw %v, %v", seen, err)
				}
				if seen, err := list(t.Context(), f.tenant, p); name != "Siblings" && len(seen) == 0 || err != nil {
					t.Errorf("its own tenant saw %v, %v", seen, err)
				}
				w.untouched(t)
			})
		}
		p := f.property(t)
		for name, make := range own {
			t.Run(name, func(t *testing.T) {
				id := f.tenant.Organization().ID
				w.drop(t)
				if of, err := make(t.Context(), other, p); err != nil || of[0] != other.Organization().ID {
					t.Errorf("made rows of %v, %v", of, err)
				}
				w.untouchedOf(t, id)
				if of, err := make(t.Context(), f.tenant, p); err != nil || of[0] != id {
					t.Errorf("its own tenant made rows of %v, %v", of, err)
				}
			})
		}
	})
}

// strangeNames are ids and names that no row has, and some that no row can have.
var strangeNames = []string{"", "org_", "org_00000000000000000000000000", "nobody", "a\x00b", "\xff\xfe", "' OR 1=1 --", "%", "..", "NULL"}

func TestTenantUnknownNames(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.property(t)
		before := dumpAll(t, f.Store)
		for _, name := range strangeNames {
			p := &property{endpoint: &models.Endpoint{ID: name}, event: &models.Accepted{ID: name}, delivery: &models.Delivery{ID: name}, key: &models.Key{ID: name},
				earlier: &models.EndpointSecret{ID: name}, person: &models.User{}, recovery: &models.Recovery{ID: name}, notice: &models.Notice{ID: name},
				team: team{colleague: &models.User{ID: name}, member: &models.TeamMember{Member: models.Member{ID: name}}, invitation: &models.Invitation{ID: name}}}
			for method, use := range refused {
				if _, err := use(t.Context(), f.tenant, p); !models.IsKind(err, models.NotFound) {
					t.Errorf("%s of %q: %v, want NotFound", method, name, err)
				}
			}
			if name == "" {
				continue // no filter at all
			}
			for _, method := range []string{"Deliveries", "Attempts", "Siblings"} {
				if seen, err := hidden[method](t.Context(), f.tenant, p); err != nil || len(seen) != 0 {
					t.Errorf("%s of %q: %v, %v", method, name, seen, err)
				}
			}
			if list, _, err := f.tenant.Events(t.Context(), models.EventFilter{MissedBy: name}, models.Page{}); err != nil || len(list) != 0 {
				t.Errorf("events missed by %q: %d, %v", name, len(list), err)
			}
			for _, types := range [][]string{{name}, {name + "*"}} {
				if list, _, err := f.tenant.Events(t.Context(), models.EventFilter{Types: types}, models.Page{}); err != nil || len(list) != 0 {
					t.Errorf("events of type %q: %d, %v", types, len(list), err)
				}
			}
		}
		sameRows(t, before, dumpAll(t, f.Store))
	})
}

func TestPlatformUnknownNames(t *testing.T) {
	account := models.Account{Name: "Ada", Email: "ada@example.com", Password: "correct horse battery"}
	cases := map[string]func(ctx context.Context, f *fixture, p *store.Platform, name string) error{
		"Organization": func(ctx context.Context, _ *fixture, p *store.Platform, name string) error {
			_, err := p.Organization(ctx, name)
			return err
		},
		"Tenant": func(ctx context.Context, _ *fixture, p *store.Platform, name string) error {
			_, err := p.Tenant(ctx, name)
			return err
		},
		"ReportingTenant": func(ctx context.Context, _ *fixture, p *store.Platform, name string) error {
			_, err := p.ReportingTenant(ctx, name)
			return err
		},
		"CreatePortalLink": func(ctx context.Context, _ *fixture, p *store.Platform, name string) error {
			_, _, err := p.CreatePortalLink(ctx, name, models.NewPortalLink{Role: "guest", Minutes: 1})
			return err
		},
		"RevokeKey": func(ctx context.Context, _ *fixture, p *store.Platform, name string) error {
			return p.RevokeKey(ctx, name)
		},
		"ResetPassword": func(ctx context.Context, _ *fixture, p *store.Platform, name string) error {
			return p.ResetPassword(ctx, name, models.PasswordChange{New: account.Password})
		},
		"RemoveTwoFactor": func(ctx context.Context, _ *fixture, p *store.Platform, name string) error {
			return p.RemoveTwoFactor(ctx, name)
		},
		"LiftSuppression": func(ctx context.Context, _ *fixture, p *store.Platform, name string) error {
			return p.LiftSuppression(ctx, name)
		},
		"References": func(ctx context.Context, _ *fixture, p *store.Platform, name string) error {
			_, err := p.References(ctx, name)
			return err
		},
		"SetReferences": func(ctx context.Context, _ *fixture, p *store.Platform, name string) error {
			return p.SetReferences(ctx, name, map[string]string{"stripe": "cus_1"})
		},
		"CreateUser": func(ctx context.Context, _ *fixture, p *store.Platform, name string) error {
			_, _, err := p.CreateUser(ctx, account, models.PrefixOrganization+name, models.RoleOwner)
			return err
		},
	}
	for _, name := range methodsOf[*store.Platform]() {
		if cases[name] == nil && !slices.Contains([]string{"Organizations", "CreateOrganization", "CreateKey", "Keys", "RekeySecrets", "MailOutcome", "TestMail", "Receiving", "Suppressions"}, name) {
			t.Errorf("Platform.%s has no case of an unknown name", name)
		}
	}
	eachStore(t, func(t *testing.T, f *fixture) {
		owned := f.property(t)
		names := append(slices.Clone(strangeNames), f.tenant.Organization().Name, f.tenant.Organization().Slug, owned.key.ID, owned.endpoint.ID)
		before := dumpAll(t, f.Store)
		for method, use := range cases {
			for _, name := range names {
				if err := use(t.Context(), f, f.Operator(), name); !models.IsKind(err, models.NotFound) {
					t.Errorf("%s of %q: %v, want NotFound", method, name, err)
				}
			}
		}
		sameRows(t, before, dumpAll(t, f.Store))
		if keys, err := f.Operator().Keys(t.Context()); err != nil || len(keys) != 0 {
			t.Errorf("an organization's keys among the platform's: %v, %v", keys, err)
		}
		key, _, err := f.Operator().CreateKey(t.Context(), models.NewKey{Name: "platform"})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.tenant.RevokeKey(t.Context(), key.ID); !models.IsKind(err, models.NotFound) {
			t.Errorf("an organization revoked a platform key: %v", err)
		}
		if err := f.Operator().RevokeKey(t.Context(), key.ID); err != nil {
			t.Error(err)
		}
	})
}

func TestPersonIsNoMember(t *testing.T) {
	covered := []string{"User", "Organizations", "Tenant", "CreateOrganization", "Accept"}
	// What concerns the person's own account names no organization to be kept out of.
	own := []string{"If", "Rename", "AskEmail", "ChangePassword", "Sessions", "RevokeSession", "RevokeOtherSessions", "TwoFactor", "TwoFactorKey", "BeginTwoFactor",
		"EnableTwoFactor", "DisableTwoFactor", "RenewRecoveryCodes", "Identities", "LinkIdentity", "UnlinkIdentity", "CheckProof", "Prove", "ProveCode",
		"ProveWith", "Proved", "Suppression"}
	for _, name := range methodsOf[*store.Person]() {
		if !slices.Contains(covered, name) && !slices.Contains(own, name) {
			t.Errorf("Person.%s has no case of somebody who is no member", name)
		}
	}
	eachStore(t, func(t *testing.T, f *fixture) {
		people := make([]*store.Person, 2)
		for i := range people {
			account := models.Account{Name: "P", Email: fmt.Sprintf("p%d@example.com", i), Password: "correct horse battery"}
			user, err := f.SignUp(t.Context(), models.SignupOpen, account, models.Actor{})
			if err != nil {
				t.Fatal(err)
			}
			people[i] = f.As(user, models.Actor{})
		}
		org, err := people[0].CreateOrganization(t.Context(), "Theirs")
		if err != nil {
			t.Fatal(err)
		}
		if _, role, err := people[0].Tenant(t.Context(), org.Slug); err != nil || role != models.RoleOwner {
			t.Errorf("the owner got %s, %v", role, err)
		}
		before := dumpAll(t, f.Store)
		for _, slug := range append(slices.Clone(strangeNames), org.Slug, org.ID, f.tenant.Organization().Slug) {
			if _, _, err := people[1].Tenant(t.Context(), slug); !models.IsKind(err, models.NotFound) {
				t.Errorf("%q: %v, want NotFound", slug, err)
			}
			if _, err := people[1].Accept(t.Context(), slug); !models.IsKind(err, models.NotFound) {
				t.Errorf("the invitation %q: %v, want NotFound", slug, err)
			}
		}
		if list, err := people[1].Organizations(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("saw %v, %v", list, err)
		}
		sameRows(t, before, dumpAll(t, f.Store))
		if _, err := people[1].CreateOrganization(t.Context(), "Mine"); err != nil {
			t.Fatal(err)
		}
		if list, err := people[0].Organizations(t.Context()); err != nil || len(list) != 1 || list[0].ID != org.ID {
			t.Errorf("the other's organization: %v, %v", list, err)
		}
		if people[1].User().Name != "P" {
			t.Error("not the person")
		}
	})
}
