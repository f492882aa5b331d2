package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// Store is what workers need from the store.
type Store interface {
	Mailbox
	// StepRecovery does the next step of one recovery and returns it, nil if none
	// is due.
	StepRecovery(ctx context.Context) (*models.Recovery, error)
	// StepReplay does the next step of one replay of requests and returns it, nil if
	// none is due.
	StepReplay(ctx context.Context) (*models.RequestReplay, error)
	// CloseOrganizations closes, in one step, deleted organizations for which nothing
	// waits any more, and returns how many.
	CloseOrganizations(ctx context.Context) (int, error)
	// EraseReceived erases, in one step, what the sources of a closed organization
	// received. It returns pipeline.FullStep while there is more.
	EraseReceived(ctx context.Context) (int, error)
	// Prune removes what is no longer needed.
	Prune(ctx context.Context) error
}

// Options configure workers.
type Options struct {
	Engine *pipeline.Engine
	Store  Store
	Sender *webhook.Sender
	Redis  redis.UniversalClient
	// CutRedis closes Redis while Asynq waits for it during a stop; if it is nil,
	// Asynq waits.
	CutRedis func()
	Queue    *Queue
	Feed     *Feed
	Log      *slog.Logger
	// Words writes the text of messages.
	Words Words
	// Mailer is nil if no mail server is set.
	Mailer *Mailer
	// Retention is how long events and deliveries are kept, at least
	// models.MinRetention.
	Retention time.Duration
}

// Workers send deliveries, find lost ones, and run the periodic rounds.
type Workers struct {
	Options
	server     *asynq.Server
	dispatcher *dispatcher
	recorder   *recorder
	waker      *waker
	mailCalled chan struct{}
	stop       context.CancelFunc
	rounds     sync.WaitGroup
	leave      context.CancelFunc // ends attending
	attending  sync.WaitGroup
	once       sync.Once
	scanned    atomic.Int64 // Unix microseconds of the last look for due deliveries that ended well
}

const (
	// handlers is how many tasks are read at once. None of them waits for an
	// exchange, so a few are enough.
	handlers = 4
	// lookInterval is how often Asynq looks for tasks; while there are none the
	// waker holds it back.
	lookInterval = time.Millisecond
	// handBackLimit is how long a stop takes for what it leaves to others.
	handBackLimit = 3 * time.Second
	// asynqLimit is how long Asynq takes to stop where Redis replies: its own limit
	// for handlers, and what is handed back.
	asynqLimit = asynqGrace + handBackLimit
	asynqGrace = 5 * time.Second
	// StopGrace is how long a stop waits for exchanges: the longest timeout and 5
	// s.
	StopGrace = models.MaxTimeoutSeconds*time.Second + 5*time.Second
)

// Start starts workers in this process. They run until Shutdown. It fails only if
// Asynq can't be started; Redis may be away and come back.
func Start(o Options) (*Workers, error) {
	if o.CutRedis == nil {
		o.CutRedis = func() {}
	}
	w := &Workers{Options: o, mailCalled: make(chan struct{}, 1)}
	w.recorder = newRecorder(o.Engine, o.Feed, o.Log)
	w.dispatcher = newDispatcher(o.Engine, o.Sender, w.recorder, o.Log)
	o.Queue.local.Store(w.dispatcher)
	w.waker = newWaker(o.Queue)
	w.server = asynq.NewServerFromRedisClient(o.Redis, asynq.Config{
		Concurrency:       handlers,
		Queues:            map[string]int{o.Queue.queue(freshQueue): 3, o.Queue.queue(dueQueue): 1},
		TaskCheckInterval: lookInterval,
		Logger:            asynqLog{o.Log},
		LogLevel:          asynq.WarnLevel,
		ShutdownTimeout:   asynqGrace,
	})
	mux := asynq.NewServeMux()
	mux.HandleFunc(deliverTask, w.deliver)
	mux.HandleFunc(mailTask, w.callMail)
	mux.HandleFunc(receiveTask, w.callRequests)
	if err := w.server.Start(mux); err != nil {
		return nil, fmt.Errorf("starting Asynq: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	attending, leave := context.WithCancel(context.Background())
	w.leave = leave
	w.attending.Go(func() { w.repeat(attending, attendInterval, nil, "noting that there are workers", w.attend) })
	w.attending.Go(func() { w.repeat(attending, expandInterval, nil, "expanding what waits for outcomes", w.expandLate) })
	w.every(ctx, dueInterval, "looking for due deliveries", w.wakeDue)
	w.every(ctx, tryRedisInterval, "trying Redis", w.tryRedis)
	w.every(ctx, reclaimInterval, "reclaiming leases", w.reclaim)
	w.every(ctx, endInterval, "ending what waited", w.endRound)
	w.every(ctx, watchInterval, "watching endpoints", w.watch)
	w.every(ctx, recoverInterval, "recovering", w.recover)
	w.everyOr(ctx, receiveInterval, w.Engine.RequestsCalled(), "processing requests", w.processRequests)
	w.every(ctx, receiveInterval, "replaying requests", w.replayRequests)
	w.everyOr(ctx, mailInterval, w.mailCalled, "sending mail", w.sendMail)
	w.every(ctx, finishInterval, "finishing events", w.finishFanOuts)
	w.every(ctx, rollUpInterval, "rolling up", w.rollUp)
	w.every(ctx, noteInterval, "noting successes", w.Engine.FlushSuccesses)
	w.every(ctx, housekeepingInterval, "keeping house", w.keepHouse)
	return w, nil
}

// Shutdown takes no new work and waits until attempts in flight are recorded. If
// the context ends first, it cuts them off, and their leases hand them back. A
// second call does nothing.
func (w *Workers) Shutdown(ctx context.Context) { w.once.Do(func() { w.shutdown(ctx) }) }

func (w *Workers) shutdown(ctx context.Context) {
	w.stop()
	w.dispatcher.halt()
	// Beside the exchanges: while Redis hangs, Asynq would wait for it.
	defer time.AfterFunc(asynqLimit, w.CutRedis).Stop()
	var asynqStops sync.WaitGroup
	defer asynqStops.Wait()
	asynqStops.Go(func() {
		w.waker.close()
		w.server.Shutdown()
		w.handBack()
	})
	w.rounds.Wait()
	w.dispatcher.close(ctx)
	final, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	w.recorder.close(final)
	// Not before: others would take over what is still in flight here.
	w.leave()
	w.attending.Wait()
	if err := w.Engine.Leave(final); err != nil {
		w.Log.Error("leaving", "error", err)
	}
	if err := w.Engine.FlushSuccesses(final); err != nil {
		w.Log.Error("noting successes", "error", err)
	}
}

// handBack gives what waits in the lanes to the workers of other processes, or
// of this one's successor. Without it, or without Redis, it waits until the due
// scan looks at it again.
func (w *Workers) handBack() {
	ctx, cancel := context.WithTimeout(context.Background(), handBackLimit)
	defer cancel()
	for _, group := range byCount(w.dispatcher.left()) {
		if err := w.Queue.enqueue(ctx, freshQueue, group); err != nil {
			return
		}
	}
}

// deliver reads a task and hands its deliveries to their lanes. It never
// waits for them, and a task that can't be read is dropped: the due scan finds
// its rows.
func (w *Workers) deliver(_ context.Context, task *asynq.Task) error {
	var payload deliverPayload
	if err := json.Unmarshal(task.Payload(), &payload); err != nil {
		w.Log.Error("a task can't be read", "error", err)
		return nil
	}
	w.dispatcher.offer(payload.Lanes)
	return nil
}

// callMail lets the round that sends mail look at once.
func (w *Workers) callMail(context.Context, *asynq.Task) error {
	call(w.mailCalled)
	return nil
}

// asynqLog writes Asynq's messages to our log.
type asynqLog struct{ log *slog.Logger }

// Debug logs at its own level, as the other methods do.
func (l asynqLog) Debug(args ...any) { l.log.Debug(fmt.Sprint(args...)) }

// Info logs at its own level.
func (l asynqLog) Info(args ...any) { l.log.Info(fmt.Sprint(args...)) }

// Warn logs at its own level.
func (l asynqLog) Warn(args ...any) { l.log.Warn(fmt.Sprint(args...)) }

// Error logs at its own level.
func (l asynqLog) Error(args ...any) { l.log.Error(fmt.Sprint(args...)) }

// Fatal logs an error and leaves the process running.
func (l asynqLog) Fatal(args ...any) { l.log.Error(fmt.Sprint(args...)) }
