package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hookwell/client"
	"hookwell/webhook"
)

// prepareWorkers measures a server that only accepts, with two processes beside
// it that only work.
func prepareWorkers(_ context.Context, b *bench, _ *installation) (measure, error) {
	return func(ctx context.Context, f *figures) (err error) {
		i, err := b.install(ctx, setup{commands: [][]string{{"serve", "--no-workers"}, {"work"}, {"work"}}})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, i.close()) }()
		s, err := b.fan(ctx, i, "workers", 1)
		if err != nil {
			return err
		}
		r, err := b.drive(ctx, i, s, b.load(b.Count))
		if err != nil {
			return err
		}
		f.add("server and two workers, delivered exactly once", "events", float64(r.deliveries))
		// One that waits for Due to find it again would show here.
		f.add("server and two workers, call to receipt, p50", millis, percentile(r.latencies, 50))
		f.add("server and two workers, call to receipt, p99", millis, percentile(r.latencies, 99))
		f.add("server and two workers, call to receipt, longest", millis, percentile(r.latencies, 100))
		b.addThroughput(f, "server and two workers, accepted and delivered", "server and two workers", r)
		return nil
	}, nil
}

// shape is how many there are. Each event matches one endpoint.
type shape struct{ organizations, endpoints int }

// shapes are measured in each round; the first is what the others are compared
// with.
var shapes = []shape{{1, 1}, {1, 10}, {1, 1000}, {10, 10}, {100, 1000}}

func (s shape) String() string {
	return fmt.Sprintf("%d organizations, %d endpoints", s.organizations, s.endpoints)
}

// prepareGrowth measures the same load on more organizations and endpoints, on
// an empty database and on one with a past.
func prepareGrowth(ctx context.Context, b *bench, _ *installation) (measure, error) {
	catalog, err := b.manyTypes(1000)
	if err != nil {
		return nil, err
	}
	type grown struct {
		old int
		*installation
		scenarios []*scenario
	}
	var all []grown
	for _, old := range slices.Compact([]int{0, b.Old}) {
		b.tell("growth: making an installation with %d old deliveries", old)
		i, err := b.install(ctx, setup{env: []string{"HOOKWELL_CATALOG=" + catalog}, old: old, commands: [][]string{{"serve"}}})
		if err != nil {
			return nil, err
		}
		b.opened = append(b.opened, i)
		g := grown{old: old, installation: i}
		for _, shape := range shapes {
			s, err := b.grow(ctx, i, shape)
			if err != nil {
				return nil, err
			}
			g.scenarios = append(g.scenarios, s)
		}
		all = append(all, g)
	}
	return func(ctx context.Context, f *figures) error {
		base := 0.0
		for _, g := range all {
			for n, s := range g.scenarios {
				r, err := b.drive(ctx, g.installation, s, b.load(b.Count))
				if err != nil {
					return err
				}
				name := fmt.Sprintf("growth, %s, %d old deliveries", shapes[n], g.old)
				rate := r.perSecond(r.deliveries)
				f.add(name, perSecond, rate)
				f.add(name+", CPU", cpuMillis, r.perDelivery(r.cpu.total()))
				if base == 0 {
					base = rate
				}
				f.add(name+", ratio", "of the first", rate/base)
			}
		}
		return nil
	}, nil
}

// grow makes a shape's organizations and endpoints. Each endpoint has a type of
// its own within its organization, and events go to all of them in turn.
func (b *bench) grow(ctx context.Context, i *installation, of shape) (*scenario, error) {
	s := &scenario{name: fmt.Sprintf("growth-%d-%d", of.organizations, of.endpoints)}
	each := of.endpoints / of.organizations
	for o := range of.organizations {
		organization, err := i.api.CreateOrganization(ctx, client.NewOrganization{Name: fmt.Sprintf("%s %d", s.name, o)})
		if err != nil {
			return nil, err
		}
		for e := range each {
			path := fmt.Sprintf("%s%s-%d-%d", pathHealthy, s.name, o, e)
			if err := b.add(ctx, i, s, organization.ID, path, client.EndpointSettings{EventTypes: []string{benchType(e)}, MaxInFlight: new(maxInFlight)}); err != nil {
				return nil, err
			}
			s.targets, s.paths = append(s.targets, Target{organization.ID, benchType(e)}), append(s.paths, []string{path})
		}
	}
	return s, nil
}

func benchType(n int) string { return fmt.Sprintf("bench.n%d", n) }

// manyTypes writes an operator's catalog of as many types as one organization
// has endpoints.
func (b *bench) manyTypes(count int) (path string, err error) {
	builtIn, err := webhook.NewCatalog(nil)
	if err != nil {
		return "", err
	}
	like, found := builtIn.Lookup(paymentFailed)
	if !found {
		return "", fmt.Errorf("the catalog has no %s", paymentFailed)
	}
	types := make([]map[string]any, count)
	for n := range types {
		types[n] = map[string]any{"type": benchType(n), "category": "bench", "description": "A type among many.", "fires_when": "While measuring.",
			"schema": like.Schema, "example": map[string]any{"type": benchType(n), "timestamp": time.Now().UTC().Format(time.RFC3339), "data": like.Example}}
	}
	encoded, err := json.Marshal(types)
	if err != nil {
		return "", err
	}
	path = filepath.Join(b.folder, "catalog.json")
	return path, os.WriteFile(path, encoded, 0o644)
}
