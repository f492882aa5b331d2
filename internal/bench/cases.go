package bench

import (
	"context"
	"time"

	"hookwell/webhook"
)

// Names of figures that others are put in relation to.
const (
	plainFigure      = "plain client, requests"
	throughputFigure = "accepted and delivered, an Idempotency-Key each"
	keylessFigure    = "accepted and delivered, one per request"
	fanoutFigure     = "1 event to 10 endpoints, deliveries"
)

const (
	perSecond = "/s"
	ratio     = "of plain"
	ofBare    = "of bare"
	millis    = "ms"
	cpuMillis = "CPU-ms"
)

func preparePlain(_ context.Context, b *bench, _ *installation) (measure, error) {
	const path, factor = pathHealthy + "plain", 2 // about as long as a run of Hookwell
	trust := Trust{path, newSecret()}
	plain := Plain{URL: "http://" + b.receiverAddress + path, Secret: trust.Secret, Count: factor * b.Count, Limit: b.Limit, Connections: connections}
	s := &scenario{targets: []Target{{}}, paths: [][]string{{path}}, trusts: []Trust{trust}}
	return func(ctx context.Context, f *figures) error {
		_, reported, err := b.beside(ctx, s, "Send", plain)
		if err != nil {
			return err
		}
		f.add(plainFigure, perSecond, float64(len(reported.Accepted))/time.Duration(reported.Ended-reported.Began).Seconds())
		return nil
	}, nil
}

func newSecret() string { return webhook.NewSecret().Reveal() }

// beside has the driver do something that Hookwell has no part in, and checks
// what came of it at the receiver.
func (b *bench) beside(ctx context.Context, s *scenario, method string, load any) ([]Arrival, Reported, error) {
	var reported Reported
	var record Record
	var count int
	if err := b.receiver.call(ctx, "Reset", s.trusts, new(struct{})); err != nil {
		return nil, reported, err
	}
	if err := b.driver.call(ctx, method, load, &reported); err != nil {
		return nil, reported, err
	}
	if err := b.receiver.call(ctx, "Await", Awaited{pathHealthy, len(reported.Accepted), arriveLimit}, &count); err != nil {
		return nil, reported, err
	}
	if err := b.receiver.call(ctx, "Collect", struct{}{}, &record); err != nil {
		return nil, reported, err
	}
	return record.Arrivals, reported, check(s, reported, record).err()
}

// prepareThroughput reports as the README shows it: every event has a key.
func prepareThroughput(ctx context.Context, b *bench, i *installation) (measure, error) {
	s, err := b.fan(ctx, i, "throughput", 1)
	return func(ctx context.Context, f *figures) error {
		load := b.load(b.Count)
		load.Keyed = true
		r, err := b.drive(ctx, i, s, load)
		if err != nil {
			return err
		}
		b.addThroughput(f, throughputFigure, "a key each", r)
		return nil
	}, err
}

func prepareKeyless(ctx context.Context, b *bench, i *installation) (measure, error) {
	s, err := b.fan(ctx, i, "keyless", 1)
	return func(ctx context.Context, f *figures) error {
		r, err := b.drive(ctx, i, s, b.load(b.Count))
		if err != nil {
			return err
		}
		b.addThroughput(f, keylessFigure, "one per request", r)
		f.add("accepted, one per request", perSecond, float64(r.accepted)/r.accepting.Seconds())
		return nil
	}, err
}

// prepareTLS has receivers that are called as most are: by https.
func prepareTLS(ctx context.Context, b *bench, i *installation) (measure, error) {
	s, err := b.fanTo(ctx, i, "tls", 1, "https://"+b.secure.Address)
	return func(ctx context.Context, f *figures) error {
		load := b.load(b.Count)
		load.Keyed = true
		r, err := b.drive(ctx, i, s, load)
		if err != nil {
			return err
		}
		b.addThroughput(f, "accepted and delivered over TLS", "over TLS", r)
		return nil
	}, err
}

// prepareLarge has events of 10 kB.
func prepareLarge(ctx context.Context, b *bench, i *installation) (measure, error) {
	const size = 10_000
	s, err := b.fan(ctx, i, "large", 1)
	return func(ctx context.Context, f *figures) error {
		load := b.load(max(1, b.Count/2))
		load.Keyed, load.Size = true, size
		r, err := b.drive(ctx, i, s, load)
		if err != nil {
			return err
		}
		b.addThroughput(f, "accepted and delivered, events of 10 kB", "10 kB", r)
		return nil
	}, err
}

func prepareFanout(ctx context.Context, b *bench, i *installation) (measure, error) {
	const endpoints = 10
	s, err := b.fan(ctx, i, "fanout", endpoints)
	return func(ctx context.Context, f *figures) error {
		r, err := b.drive(ctx, i, s, b.load(max(1, b.Count/endpoints*2)))
		if err != nil {
			return err
		}
		b.addThroughput(f, fanoutFigure, "1 to 10", r)
		return nil
	}, err
}

// addThroughput adds deliveries per second, their ratio to the plain client of
// the same round, and processor time.
func (b *bench) addThroughput(f *figures, name, short string, r *run) {
	rate := r.perSecond(r.deliveries)
	f.add(name, perSecond, rate)
	if plain := f.value(plainFigure, b.round); plain > 0 {
		f.add(name+", ratio", ratio, rate/plain)
	}
	if bare := f.value(bareFigure, b.round); bare > 0 {
		f.add(name+", to the bare program", ofBare, rate/bare)
	}
	f.add("per delivery, "+short, cpuMillis, r.perDelivery(r.cpu.total()))
	for _, part := range parts {
		if used, counted := r.cpu[part]; counted {
			f.add("per delivery, "+short+", "+part, cpuMillis, r.perDelivery(used))
		}
	}
	f.add("per delivery, "+short+", driver and receiver besides", cpuMillis, r.perDelivery(r.beside))
	f.add("resident at most, "+short, "MiB", float64(r.resident)/(1<<20))
	if r.spent != nil {
		count := float64(r.deliveries)
		f.add("per delivery, "+short+", WAL", "bytes", float64(r.spent.wal)/count)
		f.add("per delivery, "+short+", tables and indexes", "bytes", float64(r.spent.disk)/count)
		f.add("per delivery, "+short+", Redis", "commands", float64(r.spent.commands)/count)
	}
}

// value is what a figure had in a round; 0 when it wasn't measured.
func (f figures) value(name string, round int) float64 {
	for _, one := range f {
		if one.Name == name && round < len(one.Values) {
			return one.Values[round]
		}
	}
	return 0
}

func prepareLatency(ctx context.Context, b *bench, i *installation) (measure, error) {
	const rate, count = 20, 500
	s, err := b.fan(ctx, i, "latency", 1)
	return func(ctx context.Context, f *figures) error {
		load := b.load(min(count, b.Count))
		load.Rate = rate
		r, err := b.drive(ctx, i, s, load)
		if err != nil {
			return err
		}
		f.add("call to receipt at 20 events/s, p50", millis, percentile(r.latencies, 50))
		f.add("call to receipt at 20 events/s, p99", millis, percentile(r.latencies, 99))
		return nil
	}, err
}

func prepareBatch(ctx context.Context, b *bench, i *installation) (measure, error) {
	const size, senders = 100, 8
	s, err := b.fan(ctx, i, "batch", 1)
	return func(ctx context.Context, f *figures) error {
		load := b.load(b.Count / 2 * 3)
		load.Batch, load.Connections = size, senders
		r, err := b.drive(ctx, i, s, load)
		if err != nil {
			return err
		}
		f.add("accepted, 100 per request", perSecond, float64(r.accepted)/r.accepting.Seconds())
		f.add("until all of them are delivered", "s", r.took.Seconds())
		b.addThroughput(f, "delivered, 100 per request", "100 per request", r)
		return nil
	}, err
}

func prepareIdle(_ context.Context, b *bench, i *installation) (measure, error) {
	return func(ctx context.Context, f *figures) error {
		before, err := i.cpu()
		if err != nil {
			return err
		}
		began := time.Now()
		select {
		case <-time.After(b.Idle):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		after, err := i.cpu()
		if err != nil {
			return err
		}
		used, watched := after.since(before), time.Since(began)
		for _, part := range parts {
			if time, counted := used[part]; counted {
				f.add("idle, "+part, "% of a core", 100*float64(time)/float64(watched))
			}
		}
		return nil
	}, nil
}
