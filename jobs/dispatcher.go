package jobs

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// dispatcher sends due deliveries. Each endpoint has a lane: the ids that wait
// for it, and how many of its attempts are under way here. A lane whose
// endpoint hangs fills its own slots and nobody else's; no Asynq task waits
// for an answer.
type dispatcher struct {
	engine   *pipeline.Engine
	sender   *webhook.Sender
	recorder *recorder
	log      *slog.Logger

	mu      sync.Mutex
	lanes   map[string]*lane
	most    int // exchanges at once, over all lanes
	taken   int // of those, in flight or being claimed
	claims  int // over all lanes, see there
	turns   int // of a lane's slots that may wait claimed: mostTurns
	waiting int // bytes of what is claimed and waits, or will
	signal  chan struct{}
	apart   chan struct{} // the same, for the claimer beside a crowd
	turn    chan struct{}
	// apartAt is when something was last claimed beside a crowd, in Unix nanoseconds.
	apartAt atomic.Int64
	largest int // lanes of one organization that waited when something was last gathered

	claiming sync.WaitGroup
	flights  sync.WaitGroup
	stop     chan struct{}
	halted   bool            // stop is closed
	exchange context.Context // ends when the grace of a stop is over
	cut      context.CancelFunc
}

const (
	// claimers is how many claims there may be at once. They take turns, so that
	// what comes during one makes the next one larger; but one that stands still,
	// for a lock that somebody holds, has its turn for stuckClaim at most.
	claimers   = 2
	stuckClaim = 100 * time.Millisecond
	// claimIDs and claimLanes bound one claim, and claimRefills how many lanes that
	// have run empty it asks the database for more of, one query each.
	claimIDs     = 200
	claimLanes   = 64
	claimRefills = 10
	// crowd is of how many lanes an organization's crowd consists. While one waits,
	// a claimer of their own claims for all others, which would wait for long
	// claims and for locks that the crowd's outcomes hold.
	crowd = 32
	// throng is of how many lanes a crowd consists that rests beside others: one
	// that is smaller is through in no time, and may be an organization's everyday.
	throng = 200
	// While something is claimed beside a throng, and for besideOthers after it, the
	// crowd's claims take besideIDs for each processor at most, and a claimer rests
	// after each for besideRest times as long as it took, up to restLimit: others
	// find the processors and the database free most of the time.
	besideOthers = time.Second
	besideIDs    = 5
	besideRest   = 8
	restLimit    = 200 * time.Millisecond
	// laneIDs bounds one lane's hints; the due scan brings the rest later.
	laneIDs = 10_000
	// claimPause is how long a claimer waits after the database failed.
	claimPause = time.Second
	// claimLimit is how long a claim may take: one that waits for a connection
	// that is gone, or for a lock, holds up every lane in it.
	claimLimit = 10 * time.Second
	// mostExchanges bounds the exchanges of this process, by the memory that they
	// take while receivers hang.
	mostExchanges = 10_000
	// fullLook is how soon a lane looks again whose endpoint's slots other
	// processes have, if none of its own attempts lands before. Each look in vain
	// doubles it up to longestLook: the slots may be taken by attempts that hang.
	fullLook    = 20 * time.Millisecond
	longestLook = 16 * fullLook
	// cutGrace is how long exchanges that were cut off have to be recorded.
	cutGrace = 5 * time.Second
)

func newDispatcher(engine *pipeline.Engine, sender *webhook.Sender, recorder *recorder, log *slog.Logger) *dispatcher {
	exchange, cut := context.WithCancel(context.Background())
	d := &dispatcher{engine: engine, sender: sender, recorder: recorder, log: log, lanes: map[string]*lane{}, turns: mostTurns,
		// Half of the files: a dial may try two addresses, and there are kept
		// connections, the API's and the database's.
		most:   min(mostExchanges, webhook.OpenFiles()/2),
		signal: make(chan struct{}, claimers), apart: make(chan struct{}, 1), turn: make(chan struct{}, 1), stop: make(chan struct{}), exchange: exchange, cut: cut}
	recorder.landed = d.landed
	for range claimers {
		d.claiming.Go(func() { d.run(d.signal, d.claimNext) })
	}
	d.claiming.Go(func() { d.run(d.apart, d.claimApart) })
	return d
}

// offer adds due deliveries to their lanes and returns at once.
func (d *dispatcher) offer(lanes []pipeline.DueLane) {
	d.mu.Lock()
	for _, due := range lanes {
		l := d.lanes[due.EndpointID]
		if l == nil {
			l = newLane(due.OrganizationID)
			d.lanes[due.EndpointID] = l
		}
		if due.Urgent {
			l.hurry(due.DeliveryIDs)
		} else {
			l.wait(due.DeliveryIDs)
		}
		l.more = l.more || due.More
	}
	d.mu.Unlock()
	d.wakeClaimer()
}

func (d *dispatcher) wakeClaimer() {
	call(d.signal)
	call(d.apart)
}

// run claims what waits until the dispatcher stops.
func (d *dispatcher) run(signal <-chan struct{}, claimNext func() bool) {
	for {
		select {
		case <-signal:
		case <-d.stop:
			return
		}
		for claimNext() {
		}
	}
}

// claimNext claims some of what waits, and reports whether anything did.
func (d *dispatcher) claimNext() bool {
	stuck := time.NewTimer(stuckClaim)
	defer stuck.Stop()
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-stuck.C:
	}
	began := time.Now()
	most, beside := d.share(began)
	claimed := d.claimSome(d.gather(false, most))
	if claimed && beside {
		d.rest(min(besideRest*time.Since(began), restLimit))
	}
	return claimed
}

// share returns how much is claimed at once now, and whether others are beside
// a throng.
func (d *dispatcher) share(now time.Time) (most int, beside bool) {
	d.mu.Lock()
	largest := d.largest
	d.mu.Unlock()
	if largest <= throng || now.UnixNano()-d.apartAt.Load() >= int64(besideOthers) {
		return claimIDs, false
	}
	return min(besideIDs*runtime.GOMAXPROCS(0), claimIDs), true
}

// claimApart claims for those who wait beside a crowd, without a turn.
func (d *dispatcher) claimApart() bool {
	claimed := d.claimSome(d.gather(true, claimIDs))
	if claimed {
		d.apartAt.Store(time.Now().UnixNano())
	}
	return claimed
}

func (d *dispatcher) claimSome(wanted []pipeline.Lane) bool {
	if len(wanted) == 0 {
		return false
	}
	d.claim(wanted)
	return true
}

// claim claims what the lanes want and starts sending it. If the database does
// not let it, the ids are left to the due scan.
func (d *dispatcher) claim(wanted []pipeline.Lane) {
	ctx, cancel := context.WithTimeout(d.exchange, claimLimit)
	defer cancel()
	d.refill(ctx, wanted)
	jobs, outlooks, err := d.engine.Claim(ctx, wanted)
	byEndpoint := make(map[string][]*pipeline.Job, len(wanted))
	for _, job := range jobs {
		byEndpoint[job.EndpointID] = append(byEndpoint[job.EndpointID], job)
	}
	d.mu.Lock()
	next, back := jobs, []*pipeline.Job(nil)
	d.flights.Add(len(jobs))
	for i, w := range wanted {
		l := d.applyClaim(w, byEndpoint[w.EndpointID], outlooks[i])
		l.left = 0 // of what was left for this claim
		sent, late := d.nextClaimed(l)
		next, back = append(next, sent...), append(back, late...)
		d.forgetIdle(w.EndpointID, l)
	}
	d.mu.Unlock()
	d.send(next, back)
	if err != nil {
		d.log.Error("claiming deliveries", "error", err)
		d.pause()
	}
}

// refill asks the database for more of lanes that have run empty.
func (d *dispatcher) refill(ctx context.Context, wanted []pipeline.Lane) {
	for i := range wanted {
		if len(wanted[i].DeliveryIDs) > 0 {
			continue
		}
		due, err := d.engine.DueFor(ctx, wanted[i].EndpointID)
		if err != nil {
			d.log.Error("looking for more deliveries", "endpoint", wanted[i].EndpointID, "error", err)
		}
		d.mu.Lock()
		l := d.lanes[wanted[i].EndpointID]
		l.more = due.More
		free := max(min(d.room(l), len(due.DeliveryIDs)), 0)
		d.taken += free
		l.asked += free
		wanted[i].DeliveryIDs, wanted[i].Slots = due.DeliveryIDs[:free], free
		for _, id := range due.DeliveryIDs[free:] {
			l.ids = append(l.ids, id)
			l.known[id] = struct{}{}
		}
		d.mu.Unlock()
	}
}

// applyClaim notes what a claim brought for one lane. Where every slot is taken, here
// or elsewhere, the rate limit is used up or the circuit is not closed, what was
// not claimed waits for its turn here; otherwise it was not due, or claimed by
// another process, and the due scan brings back what is left.
func (d *dispatcher) applyClaim(w pipeline.Lane, jobs []*pipeline.Job, outlook pipeline.Outlook) *lane {
	l := d.lanes[w.EndpointID]
	d.taken -= w.Slots - len(jobs)
	l.asked -= w.Slots
	if len(jobs) > 0 {
		l.limit = jobs[0].MaxInFlight
	}
	look := l.nextLook(outlook.Full, len(jobs))
	wait := max(outlook.Wait, look)
	switch {
	case wait == 0:
		l.state = l.state.after(claimOpen)
	case outlook.Full && wait == look:
		l.state = l.state.after(claimCrowded)
	default:
		l.state = l.state.after(claimHeld)
	}
	if l.state.paused() {
		if l.pause != nil {
			l.pause.Stop() // of a lane that was hurried
		}
		l.pause = time.AfterFunc(wait, func() { d.resume(l) })
	}
	full := len(jobs) > 0 && l.inFlight+len(jobs) >= l.limit
	if len(jobs) < len(w.DeliveryIDs) && (full || wait > 0) {
		l.putBack(w.DeliveryIDs, jobs)
	}
	l.inFlight += len(jobs)
	return l
}

// resume lets a lane look again.
func (d *dispatcher) resume(l *lane) {
	d.mu.Lock()
	l.state = l.state.after(pauseOver)
	d.mu.Unlock()
	d.wakeClaimer()
}

func (d *dispatcher) forgetIdle(endpointID string, l *lane) {
	if l.inFlight == 0 && !l.waits() && l.claims() == 0 && !l.state.claiming() {
		delete(d.lanes, endpointID)
	}
}

func (d *dispatcher) pause() { d.rest(claimPause) }

func (d *dispatcher) rest(wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.stop:
	}
}

// fly sends one attempt. Its slot is free again once the outcome is recorded,
// which is when the database counts it free too.
func (d *dispatcher) fly(job *pipeline.Job) {
	exchange := d.sender.Send(d.exchange, job.Message)
	d.recorder.put(&pipeline.Result{Job: job, Exchange: exchange})
}

// landed frees the slots of a group at once, so that one claim takes them all.
func (d *dispatcher) landed(group []unrecorded) {
	var next, back []*pipeline.Job
	touched := make(map[string]*lane, len(group))
	attends := d.engine.Attends()
	d.mu.Lock()
	waiting := d.taken >= d.most // others may wait for what is free now
	d.taken -= len(group)
	for i := range group {
		endpointID, exchange := group[i].result.Job.EndpointID, &group[i].result.Exchange
		l := d.lanes[endpointID]
		touched[endpointID] = l
		l.inFlight--
		if l.state == laneCrowdedOut {
			l.pause.Stop()
			l.look = 0
		}
		l.state = l.state.after(attemptLanded)
		l.soon, l.took = exchange.Cause == "" && exchange.Duration < soon, time.Since(exchange.StartedAt)
		if !l.soon || !attends {
			back = append(back, d.takeBack(l)...)
		}
	}
	for endpointID, l := range touched {
		sent, late := d.nextClaimed(l)
		next, back = append(next, sent...), append(back, late...)
		waiting = waiting || l.waits()
		d.forgetIdle(endpointID, l)
	}
	d.mu.Unlock()
	if waiting {
		d.wakeClaimer()
	}
	d.send(next, back)
	d.flights.Add(-len(group))
}

// left returns what waits in the lanes. After halt nobody here claims it.
func (d *dispatcher) left() (lanes []pipeline.DueLane) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for endpointID, l := range d.lanes {
		for ids := range slices.Chunk(l.ids, taskIDs) {
			lanes = append(lanes, pipeline.DueLane{OrganizationID: l.organizationID, EndpointID: endpointID, DeliveryIDs: ids})
		}
	}
	return lanes
}

// halt ends claiming; what is in flight goes on. What was claimed and not begun is
// given back, to wait in the lanes.
func (d *dispatcher) halt() {
	var back []*pipeline.Job
	d.mu.Lock()
	d.halted = true
	close(d.stop)
	for _, l := range d.lanes {
		back = append(back, d.takeBack(l)...)
	}
	d.mu.Unlock()
	if len(back) > 0 {
		d.release(back)
	}
}

// close waits, after halt, until what is in flight is recorded. When the
// context ends, what is still in flight is cut off, and recorded as that.
func (d *dispatcher) close(ctx context.Context) {
	defer d.cut()
	d.claiming.Wait()
	landed := make(chan struct{})
	go func() { d.flights.Wait(); close(landed) }()
	select {
	case <-landed:
		return
	case <-ctx.Done():
		d.cut()
	}
	select {
	case <-landed:
	case <-time.After(cutGrace):
	}
}
