package jobs

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"hookwell/models"
)

// recorder writes outcomes as they come, in groups across endpoints. A group
// is what has gathered while the one before was written. An outcome that can't
// be written is kept and tried again.
type recorder struct {
	store *models.Store
	feed  *Feed
	log   *slog.Logger

	mu      sync.Mutex
	waiting []landing
	signal  chan struct{}
	done    chan struct{}
	closing chan struct{}
}

// landing is an outcome, and what is to be done once it is in the database.
type landing struct {
	result models.Result
	landed func()
}

const (
	recordGroup = 500
	recordLimit = 30 * time.Second
	// recordPause is how long the recorder waits before it tries again.
	recordPause = 500 * time.Millisecond
)

func newRecorder(store *models.Store, feed *Feed, log *slog.Logger) *recorder {
	r := &recorder{store: store, feed: feed, log: log, signal: make(chan struct{}, 1), done: make(chan struct{}), closing: make(chan struct{})}
	go r.run()
	return r
}

// put hands an outcome over; landed is called once it is recorded.
func (r *recorder) put(result models.Result, landed func()) {
	r.mu.Lock()
	r.waiting = append(r.waiting, landing{result, landed})
	r.mu.Unlock()
	select {
	case r.signal <- struct{}{}:
	default:
	}
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
		if failed := r.write(group); len(failed) > 0 {
			r.keep(failed)
			<-time.After(recordPause)
		}
	}
}

// next waits for outcomes; nil means that the recorder is closing and has none.
func (r *recorder) next() []landing {
	for {
		r.mu.Lock()
		n := min(len(r.waiting), recordGroup)
		group := r.waiting[:n:n]
		r.waiting = r.waiting[n:]
		r.mu.Unlock()
		if n > 0 {
			return group
		}
		select {
		case <-r.signal:
		case <-r.closing:
			r.mu.Lock()
			empty := len(r.waiting) == 0
			r.mu.Unlock()
			if empty {
				return nil
			}
		}
	}
}

func (r *recorder) keep(failed []landing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(failed, r.waiting...)
}

// write records a group. If that fails each outcome is tried alone, so that
// one that the database refuses can't keep the others out.
func (r *recorder) write(group []landing) (failed []landing) {
	err := r.record(group)
	if err == nil {
		return nil
	}
	r.log.Error("recording outcomes", "count", len(group), "error", err)
	if len(group) == 1 {
		return group
	}
	for i, l := range group {
		if err := r.record(group[i : i+1]); err != nil {
			failed = append(failed, l)
			if ping := r.store.Ping(context.Background()); ping != nil {
				return append(failed, group[i+1:]...)
			}
		}
	}
	return failed
}

func (r *recorder) record(group []landing) error {
	ctx, cancel := context.WithTimeout(context.Background(), recordLimit)
	defer cancel()
	results := make([]models.Result, len(group))
	for i := range group {
		results[i] = group[i].result
	}
	if err := r.store.Record(ctx, results); err != nil {
		return err
	}
	woken := make([]models.Woken, len(group))
	for i := range group {
		result := &group[i].result
		woken[i] = models.Woken{OrganizationID: result.OrganizationID(), EndpointID: result.Job.EndpointID, DeliveryID: result.Job.DeliveryID}
		x := &result.Exchange
		r.log.Info("attempt", "delivery", result.Job.DeliveryID, "endpoint", result.Job.EndpointID, "number", result.Job.Message.Number,
			"status", x.StatusCode, "cause", x.Cause, "ms", x.Duration.Milliseconds(), "event", result.Job.Message.EventID, "request", result.Job.RequestID)
		group[i].landed()
	}
	r.feed.changed(woken)
	return nil
}
