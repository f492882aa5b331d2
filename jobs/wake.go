package jobs

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// wakeSubject is the channel that says, between processes, that a task was
// enqueued.
const wakeSubject = "wake"

// longestHold is how long an idle worker goes without looking at all: what a
// wake-up that was lost on its way costs.
const longestHold = time.Second

// waker lets Asynq's processor look for tasks at once when there is one and
// hardly ever when there is none. Asynq looks in intervals; this go-redis hook
// holds the look that follows on an empty one until a task was enqueued, here
// or in another process, or a second has passed. It knows Asynq's dequeue by its
// shape; should that change, everything still works, by intervals, and
// TestWaker fails.
type waker struct {
	queue   *Queue
	signal  chan struct{}
	empty   int // looks in a row that found nothing, or as many as hold when one failed; Asynq looks one at a time
	looks   atomic.Int64
	cancel  context.CancelFunc
	stopped sync.WaitGroup
}

// newWaker hooks into the queue's client, which Asynq's server is given.
func newWaker(q *Queue) *waker {
	ctx, cancel := context.WithCancel(context.Background())
	w := &waker{queue: q, signal: make(chan struct{}, 1), cancel: cancel}
	q.redis.AddHook(w)
	q.waker.Store(w)
	w.stopped.Go(func() {
		listen(ctx, q.redis, q.channel(wakeSubject), func(err error) { q.state.note(hearing, err) }, func(string) { w.wake() })
	})
	return w
}

// close lets go of what is held.
func (w *waker) close() {
	w.cancel()
	w.stopped.Wait()
	w.wake()
}

// wake lets the next look go.
func (w *waker) wake() { call(w.signal) }

// isLook reports whether a command is Asynq's dequeue of one queue: a script of
// four keys, the first being the queue's pending list.
func isLook(cmd redis.Cmder) bool {
	args := cmd.Args()
	if cmd.Name() != "evalsha" && cmd.Name() != "eval" || len(args) < 7 {
		return false
	}
	count, ok := args[2].(int)
	first, isText := args[3].(string)
	fourth, isText4 := args[6].(string)
	return ok && count == 4 && isText && isText4 && strings.HasSuffix(first, "}:pending") && strings.HasSuffix(fourth, "}:lease")
}

// ProcessHook holds a look after an empty round through the queues.
func (w *waker) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if !isLook(cmd) {
			return next(ctx, cmd)
		}
		if w.empty >= queues {
			w.hold(ctx)
			w.empty = 0
		}
		w.looks.Add(1)
		err := next(ctx, cmd)
		w.found(err)
		return err
	}
}

// found notes what a look brought. After one that failed the next is held too:
// Asynq would repeat it without a pause.
func (w *waker) found(err error) {
	switch {
	case redis.HasErrorPrefix(err, "NOSCRIPT"): // the script follows
		return
	case err == nil:
		w.empty = 0
	case errors.Is(err, redis.Nil):
		w.empty++
		err = nil
	default:
		w.empty = queues
	}
	if !errors.Is(err, context.Canceled) && !errors.Is(err, redis.ErrClosed) {
		w.queue.state.note(dequeuing, err)
	}
}

func (w *waker) hold(ctx context.Context) {
	timer := time.NewTimer(longestHold)
	defer timer.Stop()
	select {
	case <-w.signal:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// DialHook and ProcessPipelineHook leave things as they are.
func (w *waker) DialHook(next redis.DialHook) redis.DialHook {
	return next
}

// ProcessPipelineHook leaves pipelines as they are.
func (w *waker) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
