package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hookwell/client"
)

const (
	receivers      = 4   // sources that take requests in turn
	receiveRate    = 200 // requests/s to sources, where the time to answer is measured
	deliveryRate   = 500 // events/s that are delivered meanwhile
	receiveFor     = 10  // seconds
	receiveFigure  = "received, verified requests"
	answerFigure   = "received, answered at 200/s beside deliveries"
	pathPlainHooks = pathHealthy + "receive-plain"
)

// received is a scenario with sources beside it.
type received struct {
	*scenario
	hooks Hooks // whose count and rate a run sets
	plain Trust
}

// prepareReceive measures the front door of sources: how many requests a second it
// accepts, and how long it takes for each while events are delivered.
func prepareReceive(ctx context.Context, b *bench, i *installation) (measure, error) {
	s, err := b.fan(ctx, i, "receive", 1)
	if err != nil {
		return nil, err
	}
	r := &received{scenario: s, plain: Trust{pathPlainHooks, newSecret()}}
	r.hooks = Hooks{Secret: "whsec_" + strings.Repeat("0123456789abcdef", 2), Limit: b.Limit}
	api := *i.api
	api.Organization = s.targets[0].Organization
	for n := range receivers {
		const mostPerSecond = 10_000 // of one source
		made, err := api.CreateSource(ctx, client.SourceSettings{Name: new(fmt.Sprintf("receive %d", n)), Provider: new("stripe"),
			Secrets: []string{r.hooks.Secret}, RateLimitPerSecond: new(mostPerSecond)})
		if err != nil {
			return nil, err
		}
		r.hooks.URLs = append(r.hooks.URLs, made.URL)
	}
	return func(ctx context.Context, f *figures) error {
		if err := b.receiveAll(ctx, i, r, f); err != nil {
			return err
		}
		return b.receiveBeside(ctx, i, r, f)
	}, nil
}

// receiveAll sends as fast as the answers come, and waits until every request has
// become its events.
func (b *bench) receiveAll(ctx context.Context, i *installation, s *received, f *figures) error {
	hooks := s.hooks
	hooks.Count, hooks.Connections = b.Count, connections
	before, err := i.newestRequest(ctx)
	if err != nil {
		return err
	}
	profiling, err := b.beginProfile(ctx, i, s.name, Load{})
	if err != nil {
		return err
	}
	read, err := b.meter(ctx, i)
	if err != nil {
		return err
	}
	var reported Reported
	if err := b.driver.call(ctx, "Hook", hooks, &reported); err != nil {
		return err
	}
	if err := i.checkReceived(ctx, before, reported); err != nil {
		return err
	}
	took := time.Since(time.Unix(0, reported.Began))
	r := &run{accepted: len(reported.Accepted), deliveries: len(reported.Accepted)}
	if err := read(r); err != nil {
		return err
	}
	if err := profiling.end(ctx, r.deliveries); err != nil {
		return err
	}
	rate := float64(r.accepted) / time.Duration(reported.Ended-reported.Began).Seconds()
	f.add(receiveFigure, perSecond, rate)
	if plain := f.value(plainFigure, b.round); plain > 0 {
		f.add(receiveFigure+", ratio", ratio, rate/plain)
	}
	f.add("received, until all of them are processed", "s", took.Seconds())
	f.add("per request, received and processed", cpuMillis, r.perDelivery(r.cpu.total()))
	for _, part := range parts {
		if used, counted := r.cpu[part]; counted {
			f.add("per request, received and processed, "+part, cpuMillis, r.perDelivery(used))
		}
	}
	f.add("per request, driver and receiver besides", cpuMillis, r.perDelivery(r.beside))
	return nil
}

// receiveBeside measures the time to answer while events are delivered, and that of
// the plain client's requests while as many are.
func (b *bench) receiveBeside(ctx context.Context, i *installation, s *received, f *figures) error {
	count := min(b.Count, receiveRate*receiveFor)
	hooks := s.hooks
	hooks.Count, hooks.Rate, hooks.Connections = count, receiveRate, connections
	before, err := i.newestRequest(ctx)
	if err != nil {
		return err
	}
	reported, err := b.besideDeliveries(ctx, i, s, "Hook", hooks)
	if err != nil {
		return err
	}
	if err := i.checkReceived(ctx, before, reported); err != nil {
		return err
	}
	plain, err := b.besideDeliveries(ctx, i, s, "Send", Plain{URL: "http://" + b.receiverAddress + s.plain.Path, Secret: s.plain.Secret, Count: count, Limit: b.Limit, Connections: connections, Rate: receiveRate})
	if err != nil {
		return err
	}
	for _, percent := range []float64{50, 99} {
		got, yardstick := percentile(answered(reported), percent), percentile(answered(plain), percent)
		f.add(fmt.Sprintf("%s, p%.0f", answerFigure, percent), millis, got)
		if yardstick > 0 {
			f.add(fmt.Sprintf("%s, p%.0f, to the plain client's", answerFigure, percent), "times", got/yardstick)
		}
	}
	return nil
}

// besideDeliveries has the driver do something while it reports events, and checks
// that each of these was delivered once.
func (b *bench) besideDeliveries(ctx context.Context, i *installation, s *received, method string, what any) (reported Reported, err error) {
	if err := b.receiver.call(ctx, "Reset", append(slices.Clone(s.trusts), s.plain), new(struct{})); err != nil {
		return reported, err
	}
	mark, err := i.mark(ctx)
	if err != nil {
		return reported, err
	}
	load := b.load(min(b.Count, deliveryRate*receiveFor))
	load.URL, load.Key, load.Targets, load.Rate, load.Keyed = i.url(), i.api.Key, s.targets, deliveryRate, true
	var events Reported
	done := make(chan error, 1)
	go func() { done <- b.driver.call(ctx, "Report", load, &events) }()
	if err := b.driver.call(ctx, method, what, &reported); err != nil {
		return reported, err
	}
	if err := <-done; err != nil {
		return reported, err
	}
	if reported.Refused > 0 {
		return reported, fmt.Errorf("%w: %d requests were refused: %s", ErrWrong, reported.Refused, reported.Fault)
	}
	var count int
	if err := b.receiver.call(ctx, "Await", Awaited{s.paths[0][0], len(events.Accepted), arriveLimit}, &count); err != nil {
		return reported, err
	}
	if _, err := i.settle(ctx, mark); err != nil {
		return reported, err
	}
	var record Record
	if err := b.receiver.call(ctx, "Collect", struct{}{}, &record); err != nil {
		return reported, err
	}
	record.Arrivals = slices.DeleteFunc(record.Arrivals, func(a Arrival) bool { return a.Path == s.plain.Path })
	return reported, check(s.scenario, events, record).err()
}

// answered returns the times from each call to its answer, sorted.
func answered(r Reported) []time.Duration {
	all := make([]time.Duration, len(r.Accepted))
	for n, a := range r.Accepted {
		all[n] = time.Duration(a.Answered - a.Called)
	}
	slices.Sort(all)
	return all
}

// newestRequest returns the id of the newest request on record, "" if there is none.
func (i *installation) newestRequest(ctx context.Context) (id string, err error) {
	if err := i.db.QueryRowContext(ctx, "SELECT coalesce(max(id), '') FROM requests").Scan(&id); err != nil {
		return "", fmt.Errorf("reading the database: %w", err)
	}
	return id, nil
}

// checkReceived waits until all requests are processed, and checks that each that
// was answered is on record once, as verified, and was processed.
func (i *installation) checkReceived(ctx context.Context, since string, reported Reported) error {
	f := &faults{}
	if reported.Refused > 0 {
		f.add("%d requests were refused: %s", reported.Refused, reported.Fault)
	}
	waiting, cancel := context.WithTimeout(ctx, recordLimit)
	defer cancel()
	for left := true; left; {
		// A count would read all of them, each time.
		if err := i.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM request_work)").Scan(&left); err != nil {
			return fmt.Errorf("reading the database: %w", err)
		}
		if !left {
			break
		}
		select {
		case <-time.After(settleEvery):
			continue
		case <-waiting.Done():
			f.add("not all requests were processed")
		}
		break
	}
	var rows, distinct, good int
	err := i.db.QueryRowContext(ctx, `SELECT count(*), count(DISTINCT external_id), count(CASE WHEN state = 'verified' AND processing IN ('processed', 'ignored') THEN 1 END)
		FROM requests WHERE id > $1`, since).Scan(&rows, &distinct, &good)
	if err != nil {
		return fmt.Errorf("reading the database: %w", err)
	}
	if want := len(reported.Accepted); rows != want || distinct != want || good != want {
		f.add("of %d requests that were answered %d are on record, %d of them different, %d verified and processed", want, rows, distinct, good)
	}
	return f.err()
}
