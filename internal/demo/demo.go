// Package demo shows Hookwell at work: a sample organization, three receivers
// of its own (one healthy, one flaky, one dead), one event of every type, a source
// that receives what Stripe would send, and a table of what becomes of them.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"hookwell/client"
	"hookwell/models"
	"hookwell/models/store"
	"hookwell/webhook"
)

// Options are what a demo runs on: a started Hookwell that nobody uses yet.
type Options struct {
	Store   *store.Store
	Catalog *webhook.Catalog
	URL     string // where the pages are
	Once    bool   // leave when every delivery has ended
	Out     io.Writer
	Failed  <-chan error // the server ended by itself
}

const (
	email = "demo@example.com"
	look  = 200 * time.Millisecond // how often the table is read anew
	limit = time.Minute            // by then everything has ended
)

// seconds is the demo's own schedule, short enough to watch.
var seconds = []int{0, 1, 2, 3}

// errIncomplete is what Run ends with, with Once, when the receivers' records
// do not show all that should have arrived.
var errIncomplete = errors.New("not everything arrived as it should")

// show is one demo under way.
type show struct {
	Options
	tenant    *store.Tenant
	api       *client.Client // as a back end has it
	receivers []*receiver
	endpoints []string // ids, in the receivers' order
	table     *table
	provider  *provider
}

// Run makes the sample, sends one event of every type and shows what happens.
// Without Once it then leaves the pages running until the context ends.
func Run(ctx context.Context, o Options) error {
	s := &show{Options: o}
	defer s.close()
	password, err := s.prepare(ctx)
	if err != nil {
		return fmt.Errorf("preparing the demo: %w", err)
	}
	fmt.Fprintf(o.Out, "Hookwell runs at %s\n  sign in with  %s\n  password      %s\n\n", o.URL, email, password)
	if err := s.publish(ctx); err != nil {
		return fmt.Errorf("sending the events: %w", err)
	}
	if err := s.provider.send(ctx); err != nil {
		return fmt.Errorf("sending Stripe’s requests: %w", err)
	}
	ended, err := s.watch(ctx)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		if o.Once {
			return ctx.Err() // nobody knows whether all would have arrived
		}
		return nil
	}
	complete := s.report() && ended
	if o.Once {
		if !complete {
			return errIncomplete
		}
		return nil
	}
	fmt.Fprintf(o.Out, "\nThe pages go on at %s (%s, %s). Stop with Ctrl+C.\n", o.URL, email, password)
	select {
	case <-ctx.Done():
		return nil
	case err := <-o.Failed:
		return err
	}
}

func (s *show) prepare(ctx context.Context) (password string, err error) {
	password = rand.Text()[:20]
	account := models.Account{Name: "Demo Developer", Email: email, Password: password}
	_, org, err := s.Store.Operator().CreateUser(ctx, account, "Acme Robotics", models.RoleOwner)
	if err != nil {
		return "", err
	}
	if s.tenant, err = s.Store.Operator().Tenant(ctx, org.ID); err != nil {
		return "", err
	}
	_, key, err := s.tenant.CreateKey(ctx, models.NewKey{Name: "Demo back end", Scopes: []string{string(models.ScopeEventsWrite), string(models.ScopeWrite)}})
	if err != nil {
		return "", err
	}
	s.api = &client.Client{URL: s.URL, Key: key}
	answers := []struct {
		name   string
		answer func(earlier int) int
	}{
		{"healthy", func(int) int { return 204 }},
		{"flaky", func(earlier int) int {
			if earlier < 2 {
				return 503
			}
			return 200
		}},
		{"dead", func(int) int { return 500 }},
	}
	for _, a := range answers {
		if err := s.register(ctx, a.name, a.answer); err != nil {
			return "", err
		}
	}
	if s.provider, err = newProvider(ctx, s.tenant, s.URL); err != nil {
		return "", err
	}
	s.table = newTable(s.Out, s.rows(), s.receivers, s.endpoints)
	return password, nil
}

// rows name what the table shows: the catalog's types, then Stripe's requests.
func (s *show) rows() (names []string) {
	for _, t := range s.Catalog.Types() {
		names = append(names, t.Type)
	}
	for _, sent := range providerTypes {
		names = append(names, rowOf(sent))
	}
	return names
}

func (s *show) register(ctx context.Context, name string, answer func(int) int) error {
	r, err := newReceiver(name, answer)
	if err != nil {
		return err
	}
	s.receivers = append(s.receivers, r)
	endpoint, err := s.api.CreateEndpoint(ctx, client.EndpointSettings{Name: &name, URL: new(r.url()), EventTypes: []string{"*"}, Schedule: &client.Schedule{Seconds: seconds}})
	if err != nil {
		return err
	}
	s.endpoints = append(s.endpoints, endpoint.ID)
	return r.trust(endpoint.Secret)
}

func (s *show) publish(ctx context.Context) error {
	for _, t := range s.Catalog.Types() {
		if _, err := s.api.SendEvent(ctx, client.Event{Type: t.Type, Data: t.Example}); err != nil {
			return err
		}
	}
	return nil
}

// watch draws the table until every delivery has ended, and answers whether
// that was in time.
func (s *show) watch(ctx context.Context) (ended bool, err error) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	late := time.After(limit)
	for {
		deliveries, _, err := s.tenant.Deliveries(ctx, models.DeliveryFilter{}, models.Page{Limit: models.MaxLimit})
		if err != nil && ctx.Err() == nil {
			return false, err
		}
		received, err := s.provider.received(ctx, s.tenant)
		if err != nil && ctx.Err() == nil {
			return false, err
		}
		if s.table.draw(deliveries, received) {
			return true, nil
		}
		select {
		case <-ticker.C:
		case <-late:
			fmt.Fprintf(s.Out, "\nSome deliveries have not ended after %s.\n", limit)
			return false, nil
		case err := <-s.Failed:
			return false, err
		case <-ctx.Done():
			return false, nil
		}
	}
}

// report compares the receivers' own records with what should have arrived.
func (s *show) report() (complete bool) {
	all := len(s.rows())
	// By each receiver's nature: how many it accepts, and after how many attempts.
	want := []struct{ accepted, attempts int }{{all, all}, {all, 3 * all}, {0, len(seconds) * all}}
	complete = true
	fmt.Fprintln(s.Out, "\nWhat the receivers recorded, each signature verified with the Standard Webhooks library:")
	for i, r := range s.receivers {
		events, accepted, attempts, forged := r.record()
		verdict := "as it should be"
		// At least once: an attempt more is no fault, an event less is.
		if events != all || accepted != want[i].accepted || attempts < want[i].attempts || forged > 0 {
			verdict, complete = fmt.Sprintf("expected %d accepted in %d attempts", want[i].accepted, want[i].attempts), false
		}
		fmt.Fprintf(s.Out, "  %-8s %2d events, %2d accepted, %2d attempts, %d bad signatures: %s\n", r.name, events, accepted, attempts, forged, verdict)
	}
	return complete
}

func (s *show) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, r := range s.receivers {
		r.close(ctx)
	}
}
