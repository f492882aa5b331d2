package jobs

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"hookwell/models"
	"hookwell/models/pipeline"
)

// recorder writes outcomes as they come, in groups across endpoints. A group
// is what has gathered while the one before was written. An outcome that can't
// be written is kept and tried again: for ever, while the database takes none;
// alone and a few times, when it takes others.
type recorder struct {
	engine *pipeline.Engine
	feed   *Feed
	log    *slog.Logger
	landed func([]unrecorded) // told what needs no more recording

	mu       sync.Mutex
	waiting  []unrecorded
	slots    map[string]int // of each endpoint, that wait with what waits
	suspects []unrecorded   // the database refused them, each alone
	written  int            // groups, so far
	signal   chan struct{}
	pressing chan struct{} // has one while what waits is not to wait for more
	done     chan struct{}
	closing  chan struct{}
}

// unrecorded is an outcome that is to be recorded.
type unrecorded struct {
	result  *pipeline.Result
	refused int // how often the database refused it, and took others
	since   int // what was written when it was refused last
}

const (
	recordGroup = 500
	recordLimit = 30 * time.Second
	// recordPause is how long the recorder waits before it tries again.
	recordPause = 500 * time.Millisecond
	// While much lands, of which a last group of busyGroup speaks, the recorder lets
	// a group gather for lingerLimit, up to lingerGroup outcomes: a transaction for
	// many costs little more than one for a few. It does not wait while half of an
	// endpoint's slots do.
	busyGroup   = 8
	lingerGroup = 128
	lingerLimit = 20 * time.Millisecond
	// mostRefusals is how often an outcome is refused, while others are taken,
	// until it is given up.
	mostRefusals = 5
	// fewRefusals is how many in a row are enough to believe that it takes none.
	fewRefusals = 3
)

func newRecorder(engine *pipeline.Engine, feed *Feed, log *slog.Logger) *recorder {
	r := &recorder{engine: engine, feed: feed, log: log, slots: map[string]int{}, signal: make(chan struct{}, 1), pressing: make(chan struct{}, 1), done: make(chan struct{}), closing: make(chan struct{})}
	go r.run()
	return r
}

// put hands an outcome over.
func (r *recorder) put(result *pipeline.Result) {
	r.mu.Lock()
	r.waiting = append(r.waiting, unrecorded{result: result})
	r.slots[result.Job.EndpointID]++
	if 2*r.slots[result.Job.EndpointID] >= result.Job.MaxInFlight || len(r.waiting) >= lingerGroup {
		call(r.pressing)
	}
	r.mu.Unlock()
	call(r.signal)
}

// close writes what is left and ends, at the latest when the context does.
func (r *recorder) close(ctx context.Context) {
	close(r.closing)
	select {
	case <-r.done:
	case <-ctx.Done():
		r.log.Error("stopped before every outcome was recorded; their leases will end as interrupted")
	}
}

func (r *recorder) run() {
	defer close(r.done)
	for {
		group := r.next()
		if group == nil {
			return
		}
		if r.write(group) {
			<-time.After(recordPause)
		} else if len(group) >= busyGroup {
			r.linger()
		}
	}
}

// linger lets outcomes gather.
func (r *recorder) linger() {
	timer := time.NewTimer(lingerLimit)
	defer timer.Stop()
	select {
	case <-r.pressing:
	case <-timer.C:
	case <-r.closing:
	}
}

// next waits for outcomes; nil means that the recorder is closing and has none.
func (r *recorder) next() []unrecorded {
	for patient := true; ; {
		group, suspects := r.take(patient)
		if group != nil {
			return group
		}
		closing, again := r.closing, (<-chan time.Time)(nil)
		if suspects {
			closing, again = nil, time.After(recordPause)
		}
		select {
		case <-r.signal:
		case <-again:
			patient = false
		case <-closing:
			if r.empty() {
				return nil
			}
		}
	}
}

// take takes what is written next: one that was refused, when others have been
// written since or nothing else is to be done; or what has gathered.
func (r *recorder) take(patient bool) (group []unrecorded, suspects bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from, n := &r.waiting, min(len(r.waiting), recordGroup)
	if len(r.suspects) > 0 && (r.written > r.suspects[0].since || !patient && n == 0) {
		from, n = &r.suspects, 1
	}
	if n == 0 {
		return nil, len(r.suspects) > 0
	}
	group = (*from)[:n:n]
	*from = (*from)[n:]
	if from == &r.waiting {
		clear(r.slots)
		select {
		case <-r.pressing:
		default:
		}
	}
	return group, false
}

func (r *recorder) empty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting) == 0 && len(r.suspects) == 0
}

// write records a group and keeps what can't be written. If the group fails each
// outcome is tried alone, so that one that the database refuses can't keep the
// others out. It reports whether the database takes nothing at all.
func (r *recorder) write(group []unrecorded) (away bool) {
	err := r.record(group)
	if err == nil {
		return false
	}
	r.log.Error("recording outcomes", "count", len(group), "error", err)
	if models.IsCode(err, models.CodeDatabaseBusy) { // which speaks against none of them
		r.keep(&r.waiting, group)
		return true
	}
	before, refused := r.written, 0
	for i := range group {
		if len(group) > 1 {
			err = r.record(group[i : i+1])
		}
		if err == nil {
			continue
		}
		if models.IsCode(err, models.CodeDatabaseBusy) || r.engine.Ping(context.Background()) != nil {
			r.keep(&r.waiting, group[i:])
			return true
		}
		r.refuse(group[i], err)
		if refused++; refused == fewRefusals && r.written == before {
			r.keep(&r.waiting, group[i+1:])
			return true
		}
	}
	return false
}

func (r *recorder) keep(where *[]unrecorded, failed []unrecorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*where = append(*where, failed...)
}

// refuse keeps an outcome that was refused, or gives it up: its lease runs out,
// and the attempt is on record as interrupted. While the database takes no
// others either, that speaks against the database, and the outcome is kept.
func (r *recorder) refuse(l unrecorded, err error) {
	if l.refused == 0 || r.written > l.since {
		l.refused++
	}
	l.since = r.written
	if l.refused < mostRefusals {
		r.keep(&r.suspects, []unrecorded{l})
		return
	}
	r.log.Error("an outcome can't be recorded; its attempt will be on record as interrupted", "delivery", l.result.Job.DeliveryID,
		"endpoint", l.result.Job.EndpointID, "number", l.result.Job.Message.Number, "status", l.result.Exchange.StatusCode, "error", err)
	r.landed([]unrecorded{l})
}

func (r *recorder) record(group []unrecorded) error {
	ctx, cancel := context.WithTimeout(context.Background(), recordLimit)
	defer cancel()
	results := make([]*pipeline.Result, len(group))
	for i := range group {
		results[i] = group[i].result
	}
	if err := r.engine.Record(ctx, results); err != nil {
		return err
	}
	r.written++
	woken := make([]models.Woken, len(group))
	for i := range group {
		result := group[i].result
		woken[i] = result.Job.Woken()
		r.logAttempt(result)
	}
	r.landed(group)
	r.feed.changed(woken)
	return nil
}

// logAttempt writes a line for each attempt, and so with typed attributes, which
// are not boxed one by one.
func (r *recorder) logAttempt(result *pipeline.Result) {
	job, x := result.Job, &result.Exchange
	r.log.LogAttrs(context.Background(), slog.LevelInfo, "attempt", slog.String("delivery", job.DeliveryID), slog.String("endpoint", job.EndpointID),
		slog.Int("number", job.Message.Number), slog.Int("status", x.StatusCode), slog.String("cause", string(x.Cause)),
		slog.Int64("ms", x.Duration.Milliseconds()), slog.String("event", job.Message.EventID), slog.String("request", job.RequestID))
}
