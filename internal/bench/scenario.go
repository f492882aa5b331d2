package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hookwell/client"
)

// scenario is organizations with endpoints, and which events go where.
type scenario struct {
	name    string
	targets []Target
	paths   [][]string // by target: the endpoints that its events should reach
	trusts  []Trust    // of every endpoint, those that get nothing included
}

// deliveries returns how many an event of each target makes; it is the same for all.
func (s *scenario) deliveries() int { return len(s.paths[0]) }

// maxInFlight is the most that an endpoint may have in flight. Throughput is
// measured with it, lest the receiver's time to answer is what is measured.
const maxInFlight = 100

const paymentFailed = "payment.failed"

// fan makes an organization with so many endpoints that all get its events.
func (b *bench) fan(ctx context.Context, i *installation, name string, endpoints int) (*scenario, error) {
	return b.fanTo(ctx, i, name, endpoints, "http://"+b.receiverAddress)
}

// fanTo is fan with endpoints at a URL of the receiver's.
func (b *bench) fanTo(ctx context.Context, i *installation, name string, endpoints int, base string) (*scenario, error) {
	organization, err := i.api.CreateOrganization(ctx, client.NewOrganization{Name: name})
	if err != nil {
		return nil, err
	}
	s := &scenario{name: name, targets: []Target{{organization.ID, paymentFailed}}, paths: make([][]string, 1)}
	for n := range endpoints {
		path := fmt.Sprintf("%s%s-%d", pathHealthy, name, n)
		if err := b.add(ctx, i, s, organization.ID, path, client.EndpointSettings{URL: &base, EventTypes: []string{paymentFailed}, MaxInFlight: new(maxInFlight)}); err != nil {
			return nil, err
		}
		s.paths[0] = append(s.paths[0], path)
	}
	return s, nil
}

// add makes one endpoint at the receiver, by http unless its URL says otherwise.
func (b *bench) add(ctx context.Context, i *installation, s *scenario, organization, path string, e client.EndpointSettings) error {
	base := "http://" + b.receiverAddress
	if e.URL != nil {
		base = *e.URL
	}
	e.URL = new(base + path)
	api := *i.api
	api.Organization = organization
	made, err := api.CreateEndpoint(ctx, e)
	if err != nil {
		return err
	}
	s.trusts = append(s.trusts, Trust{path, made.Secret})
	return nil
}

// run is one run of a load, after it was found to be right.
type run struct {
	accepted   int
	arrivals   []Arrival
	reported   Reported
	took       time.Duration // from the first call to the last arrival
	accepting  time.Duration // from the first call to the last answer
	cpu        cpu           // of the installation, until everything was recorded
	beside     time.Duration // processor time of driver and receiver
	spent      *spent        // nil on the embedded default
	latencies  []time.Duration
	deliveries int
	resident   int64 // bytes: the most that one of the hookwell processes had
}

func (r *run) perSecond(count int) float64 { return float64(count) / r.took.Seconds() }

// perDelivery is processor time in milliseconds.
func (r *run) perDelivery(used time.Duration) float64 {
	return float64(used) / float64(time.Millisecond) / float64(r.deliveries)
}

const (
	arriveLimit = 3 * time.Minute
	recordLimit = 2 * time.Minute
)

// drive runs a load of a scenario and checks what became of every event: it
// arrived exactly once at each endpoint that should get it, as it was reported
// and rightly signed, and is on record with one attempt.
func (b *bench) drive(ctx context.Context, i *installation, s *scenario, load Load) (*run, error) {
	load.URL, load.Key, load.Targets, load.First = i.url(), i.api.Key, s.targets, 0
	if err := b.receiver.call(ctx, "Reset", s.trusts, new(struct{})); err != nil {
		return nil, err
	}
	mark, err := i.mark(ctx)
	if err != nil {
		return nil, err
	}
	profiling, err := b.beginProfile(ctx, i, s.name, load)
	if err != nil {
		return nil, err
	}
	read, err := b.meter(ctx, i)
	if err != nil {
		return nil, err
	}
	r := &run{}
	if err := b.driver.call(ctx, "Report", load, &r.reported); err != nil {
		return nil, err
	}
	r.accepted = len(r.reported.Accepted)
	r.deliveries = r.accepted * s.deliveries()
	var count int
	if err := b.receiver.call(ctx, "Await", Awaited{pathHealthy, r.deliveries, arriveLimit}, &count); err != nil {
		return nil, err
	}
	unfinished, err := i.settle(ctx, mark)
	if err != nil {
		return nil, err
	}
	if err := read(r); err != nil {
		return nil, err
	}
	if err := profiling.end(ctx, r.deliveries); err != nil {
		return nil, err
	}
	if err := b.judge(ctx, i, s, mark, unfinished, r); err != nil {
		return nil, err
	}
	return r, nil
}

// judge collects what arrived, checks it, and works out the times.
func (b *bench) judge(ctx context.Context, i *installation, s *scenario, m mark, unfinished int, r *run) error {
	var record Record
	if err := b.receiver.call(ctx, "Collect", struct{}{}, &record); err != nil {
		return err
	}
	r.arrivals = record.Arrivals
	faults := check(s, r.reported, record)
	recorded, err := i.recordedSince(ctx, m)
	if err != nil {
		return err
	}
	if unfinished > 0 {
		faults.add("%d deliveries did not end", unfinished)
	}
	if want := (recordCounts{r.accepted, r.deliveries, r.deliveries, r.deliveries}); recorded != want {
		faults.add("on record are %+v, want %+v", recorded, want)
	}
	if err := faults.err(); err != nil {
		return err
	}
	r.accepting = time.Duration(r.reported.Ended - r.reported.Began)
	r.latencies = latencies(r.reported, record.Arrivals)
	r.took = lastArrival(record.Arrivals, r.reported)
	return nil
}

// lastArrival returns when the last event arrived, from the first call on.
func lastArrival(arrivals []Arrival, reported Reported) (took time.Duration) {
	for _, a := range arrivals {
		took = max(took, time.Duration(a.At-reported.Began))
	}
	return took
}

// latencies returns the times from the API call to each receipt, sorted.
func latencies(reported Reported, arrivals []Arrival) []time.Duration {
	called := make(map[string]int64, len(reported.Accepted))
	for _, a := range reported.Accepted {
		called[a.ID] = a.Called
	}
	var all []time.Duration
	for _, a := range arrivals {
		if at, found := called[a.ID]; found {
			all = append(all, time.Duration(a.At-at))
		}
	}
	slices.Sort(all)
	return all
}

// percentile is of sorted times, in milliseconds; 0 of none.
func percentile(sorted []time.Duration, percent float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := sorted[min(len(sorted)-1, int(float64(len(sorted))*percent/100))]
	return float64(at) / float64(time.Millisecond)
}
