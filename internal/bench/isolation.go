package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hookwell/client"
)

// What stands beside the healthy endpoints: fifty that never answer within
// their timeout, of the usual settings, with 10,000 deliveries waiting, and one
// that answers 500 to its share of those and to all that a healthy one gets.
const (
	hanging         = 50
	waitingEach     = 200
	healthyTenants  = 4
	isolationRate   = 1000 // events/s, unless that is more than half of what the machine can
	isolationFor    = 20   // seconds
	hangLimit       = 20 * time.Second
	badType         = "payment.succeeded"
	withoutFigure   = "healthy endpoints, p99 without bad ones"
	withFigure      = "healthy endpoints, p99 beside fifty that hang"
	isolationFigure = "healthy endpoints, p99, ratio"
)

// prepareIsolation measures the healthy with and without the others, on a fresh
// installation in each round, because the others leave work behind.
func prepareIsolation(_ context.Context, b *bench, _ *installation) (measure, error) {
	return func(ctx context.Context, f *figures) (err error) {
		i, err := b.install(ctx, setup{commands: [][]string{{"serve"}}})
		if err != nil {
			return err
		}
		// Whatever hangs is let go, so that the stop needn't wait for it.
		defer func() {
			release := b.receiver.call(context.WithoutCancel(ctx), "Reset", []Trust(nil), new(struct{}))
			err = errors.Join(err, release, i.close())
		}()
		s, err := b.tenants(ctx, i)
		if err != nil {
			return err
		}
		load, err := b.halfLoad(ctx, i, s)
		if err != nil {
			return err
		}
		without, err := b.drive(ctx, i, s, load)
		if err != nil {
			return err
		}
		with, hung, err := b.besideBad(ctx, i, s, load)
		if err != nil {
			return err
		}
		f.add("isolation, events", perSecond, load.Rate)
		f.add("isolation, exchanges that hang", "", float64(hung))
		f.add("healthy endpoints, p50 without bad ones", millis, percentile(without.latencies, 50))
		f.add("healthy endpoints, p50 beside fifty that hang", millis, percentile(with, 50))
		f.add(withoutFigure, millis, percentile(without.latencies, 99))
		f.add(withFigure, millis, percentile(with, 99))
		f.add(isolationFigure, "with/without", percentile(with, 99)/percentile(without.latencies, 99))
		return nil
	}, nil
}

// tenants makes organizations with a healthy endpoint each.
func (b *bench) tenants(ctx context.Context, i *installation) (*scenario, error) {
	s := &scenario{name: "isolation"}
	for n := range healthyTenants {
		one, err := b.fan(ctx, i, fmt.Sprintf("isolation-%d", n), 1)
		if err != nil {
			return nil, err
		}
		s.join(one)
	}
	return s, nil
}

// join adds another scenario's targets and endpoints.
func (s *scenario) join(other *scenario) {
	s.targets, s.paths, s.trusts = append(s.targets, other.targets...), append(s.paths, other.paths...), append(s.trusts, other.trusts...)
}

// halfLoad returns a steady load of at most half of what the installation can.
func (b *bench) halfLoad(ctx context.Context, i *installation, s *scenario) (Load, error) {
	full, err := b.drive(ctx, i, s, b.load(b.Count))
	if err != nil {
		return Load{}, err
	}
	load := b.load(0)
	load.Rate = min(isolationRate, float64(int(full.perSecond(full.deliveries)/2)))
	load.Count = min(b.Count, int(load.Rate)*isolationFor)
	load.Connections = 8 * connections // so that a slow answer keeps no later report waiting
	return load, nil
}

// besideBad runs the load while the others hang, and answers the healthy ones'
// latencies and how many exchanges hung when it began.
func (b *bench) besideBad(ctx context.Context, i *installation, s *scenario, load Load) (healthy []time.Duration, hung int, err error) {
	tenant := s.targets[0].Organization
	all := &scenario{trusts: slices.Clone(s.trusts)}
	for n := range hanging {
		if err := b.add(ctx, i, all, tenant, fmt.Sprintf("%s%d", pathHangs, n), client.EndpointSettings{EventTypes: []string{badType}}); err != nil {
			return nil, 0, err
		}
	}
	if err := b.add(ctx, i, all, tenant, pathFails+"0", client.EndpointSettings{EventTypes: []string{badType, paymentFailed}}); err != nil {
		return nil, 0, err
	}
	if err := b.receiver.call(ctx, "Reset", all.trusts, new(struct{})); err != nil {
		return nil, 0, err
	}
	waiting := Load{URL: i.url(), Key: i.api.Key, Targets: []Target{{tenant, badType}}, Count: waitingEach, Batch: 100, Connections: 1, Limit: b.Limit}
	var reported Reported
	if err := b.driver.call(ctx, "Report", waiting, &reported); err != nil {
		return nil, 0, err
	}
	if len(reported.Accepted) != waitingEach {
		return nil, 0, fmt.Errorf("%w: of %d events for bad endpoints, %d were accepted: %s", ErrWrong, waitingEach, len(reported.Accepted), reported.Fault)
	}
	const inFlight = 20 // what an endpoint may have unless it says otherwise
	if err := b.receiver.call(ctx, "Await", Awaited{pathHangs, hanging * inFlight, hangLimit}, &hung); err != nil {
		return nil, 0, err
	}
	healthy, err = b.steady(ctx, i, s, load)
	return healthy, hung, err
}

// steady runs the load and checks what came to the healthy endpoints. What the
// others left is still waiting, so the records are not counted.
func (b *bench) steady(ctx context.Context, i *installation, s *scenario, load Load) ([]time.Duration, error) {
	load.URL, load.Key, load.Targets = i.url(), i.api.Key, s.targets
	var reported Reported
	if err := b.driver.call(ctx, "Report", load, &reported); err != nil {
		return nil, err
	}
	var count int
	if err := b.receiver.call(ctx, "Await", Awaited{pathHealthy, len(reported.Accepted), arriveLimit}, &count); err != nil {
		return nil, err
	}
	var record Record
	if err := b.receiver.call(ctx, "Collect", struct{}{}, &record); err != nil {
		return nil, err
	}
	record.Arrivals = slices.DeleteFunc(record.Arrivals, func(a Arrival) bool { return !strings.HasPrefix(a.Path, pathHealthy) })
	if err := check(s, reported, record).err(); err != nil {
		return nil, err
	}
	return latencies(reported, record.Arrivals), nil
}
