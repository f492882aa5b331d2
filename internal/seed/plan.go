package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/store"
	"hookwell/webhook"
)

// plan is who gets what.
type plan struct {
	order
	since, now time.Time
	types      []eventType
	orgs       []*organization
	totals     *totals
}

// eventType is a type of the catalog and how often it happens.
type eventType struct {
	name   string
	data   []byte
	weight int
}

// weights are how often the types happen, of about a hundred; a type that is
// not named never does.
var weights = map[string]int{
	"payment.succeeded": 42, "payment.failed": 6, "payment.refunded": 3, "subscription.created": 7, "subscription.updated": 14,
	"subscription.cancelled": 3, "subscription.expired": 1, "org.created": 1, "org.updated": 2, "org.member.invited": 3,
	"org.member.added": 4, "org.member.role_changed": 2, "org.member.updated": 2, "org.member.left": 1, "api_key.created": 2,
	"security.2fa_enabled": 3, "security.password_changed": 3, "security.email_changed": 1,
}

type organization struct {
	id, publicID string
	weight       float64
	endpoints    []*endpoint
	byType       map[string][]*endpoint
}

type endpoint struct {
	*profile
	id, url  string
	planned  int
	disabled time.Time // zero: it is not
	schedule webhook.Schedule
	types    webhook.Subscriptions
}

const staleAfter = 10 * day // by then the endpoint that is disabled was

// plan makes the partitions, organizations and endpoints of a past that the
// clock is set back to and that it comes back from.
func (o *order) plan(ctx context.Context, store *store.Store, clock *database.Clock) (*plan, error) {
	p := &plan{order: *o, now: store.Now(), totals: newTotals()}
	back := time.Duration(o.days) * day
	p.since = p.now.Add(-back)
	clock.Advance(-back - time.Hour)
	if err := store.Database().Migrate(ctx); err != nil {
		return nil, err
	}
	for _, t := range store.Catalog().Types() {
		var data json.RawMessage = t.Example
		compact, err := json.Marshal(data)
		if err != nil {
			return nil, err
		}
		if w := weights[t.Type]; w > 0 {
			p.types = append(p.types, eventType{t.Type, compact, w})
		}
	}
	for i := range o.organizations {
		if err := p.organize(ctx, store, i); err != nil {
			return nil, err
		}
	}
	// Partitions are made for two weeks ahead: the clock comes back in steps.
	for clock.Ahead() < 0 {
		before := clock.Ahead()
		clock.Advance(min(day, -before))
		if err := store.Database().MakePartitions(ctx); err != nil {
			return nil, err
		}
		if before < -staleAfter && clock.Ahead() >= -staleAfter {
			if err := p.disableStale(ctx, store); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

func (p *plan) organize(ctx context.Context, store *store.Store, at int) error {
	operator := store.Operator()
	name := names[at%len(names)]
	if at >= len(names) {
		name = fmt.Sprintf("%s %d", name, at/len(names)+1)
	}
	inputs, profiles, err := p.inputs()
	if err != nil {
		return err
	}
	org, _, err := operator.CreateOrganization(ctx, models.NewOrganization{Name: name, ExternalID: fmt.Sprintf("customer-%d", at+1)})
	if err != nil {
		return err
	}
	if at == 0 {
		if _, _, err := operator.CreateUser(ctx, models.Account{Name: "Demo Developer", Email: p.email, Password: p.password}, org.ID, models.RoleOwner); err != nil {
			return err
		}
	}
	tenant, err := operator.Tenant(ctx, org.ID)
	if err != nil {
		return err
	}
	made := &organization{id: org.ID, publicID: org.PublicID(), weight: 1 / float64(at+1), byType: map[string][]*endpoint{}}
	// After the organization and its owner, whose events are to reach none of them.
	for i, in := range inputs {
		row, _, err := tenant.CreateEndpoint(ctx, in)
		if err != nil {
			return err
		}
		made.endpoints = append(made.endpoints, &endpoint{profile: profiles[i], id: row.ID, url: row.URL, schedule: row.Schedule,
			planned: len(row.Schedule.Delays), types: row.EventTypes})
	}
	for _, t := range p.types {
		for _, e := range made.endpoints {
			if e.types.Matches(t.name) {
				made.byType[t.name] = append(made.byType[t.name], e)
			}
		}
	}
	p.orgs = append(p.orgs, made)
	return nil
}

// inputs returns the endpoints of an organization, and who is behind each.
func (p *plan) inputs() (inputs []models.EndpointInput, profiles []*profile, err error) {
	for i := range p.endpoints {
		profile := profileAt(i)
		in := models.NewEndpointInput()
		in.Name, in.EventTypes, in.URL = profile.name, profile.types, "http://127.0.0.1:9/"+profile.path
		if i >= len(known) {
			in.Name, in.URL = fmt.Sprintf("%s %d", profile.name, i+1), fmt.Sprintf("%s/%d", in.URL, i+1)
		}
		if profile.seconds != nil {
			if in.Schedule, err = webhook.NewSchedule(profile.seconds); err != nil {
				return nil, nil, err
			}
		}
		inputs, profiles = append(inputs, in), append(profiles, profile)
	}
	return inputs, profiles, nil
}

func (p *plan) disableStale(ctx context.Context, store *store.Store) error {
	for _, o := range p.orgs {
		tenant, err := store.Operator().Tenant(ctx, o.id)
		if err != nil {
			return err
		}
		for _, e := range o.endpoints {
			if !e.stale {
				continue
			}
			e.disabled = store.Now()
			if _, err := tenant.DisableEndpoint(ctx, e.id); err != nil {
				return err
			}
		}
	}
	return nil
}
