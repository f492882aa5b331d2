package jobs

import (
	"context"
	"time"
)

// InFlight returns how many attempts of this process are being sent or wait to be
// recorded.
func (w *Workers) InFlight() int { return w.dispatcher.count(func(l *lane) int { return l.inFlight }) }

// Lanes returns how many deliveries wait in this process for a free slot of their
// endpoint.
func (w *Workers) Lanes() int { return w.dispatcher.count(func(l *lane) int { return len(l.ids) }) }

// Unrecorded returns how many outcomes of this process wait to be written.
func (w *Workers) Unrecorded() int {
	w.recorder.mu.Lock()
	defer w.recorder.mu.Unlock()
	return len(w.recorder.waiting)
}

// LastScan returns when this process last completed a due scan without an error;
// zero before the first.
func (w *Workers) LastScan() time.Time {
	if scanned := w.scanned.Load(); scanned != 0 {
		return time.UnixMicro(scanned).UTC()
	}
	return time.Time{}
}

func (d *dispatcher) count(of func(*lane) int) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lanes {
		n += of(l)
	}
	return n
}

// QueueSizes returns how many tasks wait in each of Asynq's queues, by the
// queue's kind. It fails while Redis is away.
func (q *Queue) QueueSizes(ctx context.Context) (map[string]int64, error) {
	sizes := make(map[string]int64, queues)
	for _, kind := range []string{freshQueue, dueQueue} {
		n, err := q.redis.LLen(ctx, q.pending(kind)).Result()
		if err != nil {
			return nil, err
		}
		sizes[kind] = n
	}
	return sizes, nil
}
