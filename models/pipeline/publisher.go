package pipeline

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"hookwell/models"
)

// publisher commits reports in groups, across tenants. A group is whatever waits
// when a committer becomes free, so no report waits for a group to fill.
// Organizations take turns, and a group has a maximum of deliveries, so that an
// organization with many reports, or with thousands of endpoints, delays others
// by one group at most.
type publisher struct {
	store   *Engine
	turns   turns
	turn    chan struct{} // of committers
	signal  chan struct{}
	stop    chan struct{}
	stopped sync.WaitGroup
	started atomic.Bool
	// owed is how many deliveries are yet to be written of events that were answered.
	owed atomic.Int64
	// ordinaryAt is when a group that is no slice was last committed, in Unix
	// nanoseconds.
	ordinaryAt atomic.Int64
}

// submission is drafts whose reporter waits until each is accepted or refused.
type submission struct {
	ctx  context.Context
	done chan struct{} // closed when nothing is left

	mu   sync.Mutex
	left int
}

const (
	committers   = 2
	stuckCommit  = 50 * time.Millisecond
	maxGroup     = 256
	maxGroupSize = 4 << 20 // bytes of bodies in one transaction
	// CommitLimit is how long a group's transaction may take.
	CommitLimit = 20 * time.Second
	// mostOwed is the most deliveries that may be owed. An event beyond it is
	// answered only when enough are written, so a client that reports faster than
	// that waits.
	mostOwed = 100_000
)

func newPublisher(s *Engine) *publisher {
	p := &publisher{store: s, turn: make(chan struct{}, 1), signal: make(chan struct{}, committers), stop: make(chan struct{})}
	p.turns.weigh, p.turns.most = s.weigh, s.db.Dialect.GroupWeight()
	return p
}

// start starts the committers. Before that, the publisher takes no reports.
func (p *publisher) start() {
	if p.started.Swap(true) {
		return
	}
	for range committers {
		p.stopped.Go(p.run)
	}
}

var errAtRest = errors.New("the engine is not started")

// close stops the publisher. Reports that it took in still get their outcome.
func (p *publisher) close() {
	p.turns.close()
	close(p.stop)
	p.stopped.Wait()
}

// do commits one draft, in any group.
func (p *publisher) do(ctx context.Context, d *Draft) (*models.Accepted, error) {
	o := p.submit(ctx, []*Draft{d})[0]
	return o.Accepted, o.Err
}

// Start starts committing reports, until Close. Before it, publishing fails, and
// unfinished fan-outs are left to other processes.
func (p *Engine) Start() { p.publish.start() }

// PublishDraft commits one draft, in a group with others. It fails with the context's
// error if that ends before the commit, while the engine is not started or stops, by
// what the database finds of the draft (an organization that was deleted, a key that was
// revoked, an idempotency key of other data), and if the database fails.
func (p *Engine) PublishDraft(ctx context.Context, d *Draft) (*models.Accepted, error) {
	return p.publish.do(ctx, d)
}

// Submit waits until the drafts are committed or refused and returns their
// outcomes in the same order. When the context ends, drafts not yet committed are
// refused with its error; each outcome fails as PublishDraft does.
func (p *Engine) Submit(ctx context.Context, drafts []*Draft) []Outcome {
	return p.publish.submit(ctx, drafts)
}

// Owed returns how many deliveries this process has yet to write, of events whose
// reporters already got their response.
func (p *Engine) Owed() int { return int(p.publish.owed.Load()) }

// Stopping reports whether the engine has stopped taking reports.
func (p *Engine) Stopping() bool { return p.publish.turns.isClosed() }

// Outcome is the result of one report: either Accepted or Err.
type Outcome struct {
	Accepted *models.Accepted
	Err      error
}

// submit waits until the drafts are committed or refused and returns their
// outcomes.
func (p *publisher) submit(ctx context.Context, drafts []*Draft) []Outcome {
	outcomes := make([]Outcome, len(drafts))
	if len(drafts) == 0 {
		return outcomes
	}
	if !p.started.Load() {
		for i := range outcomes {
			outcomes[i].Err = errAtRest
		}
		return outcomes
	}
	sub := &submission{ctx: ctx, done: make(chan struct{}), left: len(drafts)}
	for _, d := range drafts {
		d.sub = sub
	}
	err := error(errStopping)
	if p.turns.add(drafts) {
		p.call()
		select {
		case <-sub.done:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	sub.mu.Lock()
	defer sub.mu.Unlock()
	for i, d := range drafts {
		if outcomes[i] = d.outcome; d.outcome.Accepted == nil && d.outcome.Err == nil {
			outcomes[i].Err = err
		}
	}
	return outcomes
}

var errStopping = &models.Error{Kind: models.Unavailable, Code: "stopping", Message: "Hookwell is stopping. Send this again in a moment."}

// resume writes what is left of events that are committed. At rest it leaves
// that to others, see FinishFanOuts.
func (p *publisher) resume(drafts []*Draft) {
	if p.started.Load() && len(drafts) > 0 && p.turns.add(drafts) {
		p.call()
	}
}

func (p *publisher) call() {
	select {
	case p.signal <- struct{}{}:
	default:
	}
}

func (p *publisher) run() {
	for {
		p.commitAll()
		select {
		case <-p.signal:
		case <-p.stop:
			p.commitAll()
			return
		}
	}
}

// commitAll commits group after group until nothing waits.
func (p *publisher) commitAll() {
	for p.commitNext() {
	}
}

// commitNext commits the next group, and reports whether there was one. Committers
// take turns, so that what comes during one commit makes the next one larger; one
// that stands still, for a lock that somebody holds, has its turn for stuckCommit at
// most. A slice needs none: its committer rests, and the other one goes on.
func (p *publisher) commitNext() bool {
	stuck := time.NewTimer(stuckCommit)
	defer stuck.Stop()
	leave := func() {}
	select {
	case p.turn <- struct{}{}:
		leave = sync.OnceFunc(func() { <-p.turn })
	case <-stuck.C:
	}
	defer leave()
	group, slice, more := p.turns.take()
	if len(group) == 0 {
		return false
	}
	if slice {
		leave()
	}
	if more {
		p.call() // the other committer, if it is free
	}
	p.commit(group)
	return true
}

// commit writes a group and answers those who wait for it. Of what is written
// in slices the next one waits for its organization's next turn.
func (p *publisher) commit(group []*Draft) {
	ctx, cancel := context.WithTimeout(context.Background(), CommitLimit)
	defer cancel()
	var left []*Draft
	began := time.Now()
	if first := group[0]; first.committed {
		most, beside := p.slice(began)
		p.store.writeSlice(ctx, first, most)
		if beside {
			p.rest(besideRest * time.Since(began))
		}
	} else if fresh := wanted(group); len(fresh) > 0 {
		_, beside := p.slice(began)
		left = p.store.acceptEach(ctx, fresh)
		switch {
		case len(first.rest) == 0:
			p.ordinaryAt.Store(time.Now().UnixNano())
		case beside:
			p.rest(besideRest * time.Since(began))
		}
	}
	stopping := p.turns.isClosed()
	for _, d := range group {
		d.committed = d.committed || len(d.rest) > 0
		if stopping {
			d.rest = nil // which FinishFanOuts writes, here or elsewhere
		}
		if len(d.rest) > 0 {
			left = append(left, d)
		}
		if p.mayAnswer(d) {
			d.reply()
		}
	}
	p.turns.done(group, left)
}

// While others report, and for besideOthers after it, a slice is as many 32nds of
// a group as there are processors, and a committer rests after each for
// besideRest times as long as it took, up to restLimit: others find the
// processors and the database free most of the time.
const (
	besideOthers = time.Second
	besideShare  = 32
	besideRest   = 8
	restLimit    = 200 * time.Millisecond
)

// slice returns how many deliveries a slice has now, and whether others report
// beside it.
func (p *publisher) slice(now time.Time) (most int, beside bool) {
	if now.UnixNano()-p.ordinaryAt.Load() >= int64(besideOthers) {
		return p.turns.most, false
	}
	return max(p.turns.most*min(runtime.GOMAXPROCS(0), besideShare)/besideShare, 1), true
}

func (p *publisher) rest(wait time.Duration) {
	timer := time.NewTimer(min(wait, restLimit))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.stop:
	}
}

// wanted leaves out the drafts whose reporter has gone: each is refused.
func wanted(group []*Draft) []*Draft {
	fresh := group[:0:0]
	for _, d := range group {
		if d.refused = d.sub.ctx.Err(); d.refused == nil {
			fresh = append(fresh, d)
		}
	}
	return fresh
}

// mayAnswer reports whether the draft's reporter need not wait for it any more:
// it was refused, or is committed, and not too much of it and others is yet to be
// written.
func (p *publisher) mayAnswer(d *Draft) bool {
	if len(d.rest) == 0 {
		p.owed.Add(-d.owes)
		d.owes = 0
		return true
	}
	if d.sub == nil || d.owes > 0 {
		return false
	}
	owes := int64(len(d.rest))
	if p.owed.Add(owes) > mostOwed {
		p.owed.Add(-owes)
		return false
	}
	d.owes = owes
	return true
}

// reply hands the draft's reporter what became of it, if anything, once.
func (d *Draft) reply() {
	sub := d.sub
	if sub == nil {
		return
	}
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if d.answered || d.accepted == nil && d.refused == nil {
		return
	}
	d.answered, d.outcome = true, Outcome{Accepted: d.accepted, Err: d.refused}
	if sub.left--; sub.left == 0 {
		close(sub.done)
	}
}
