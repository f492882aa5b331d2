// Package jobs delivers. The database schedules and Asynq distributes: a task
// only wakes workers and carries ids, the row is the truth, and everything in
// Redis may be lost at any time.
//
//   - Queue is the engine's Waker: it puts ids into Asynq tasks (queue.go, wake.go;
//     turns.go shares tasks between organizations).
//   - Workers read the tasks (workers.go) and pass their ids to the dispatcher.
//   - The dispatcher has one lane for each endpoint (lane.go; lane_state.go has the
//     table of a lane's states), claims for free slots (gather.go) and starts the
//     exchanges (dispatcher.go). at_once.go starts those claimed on acceptance.
//   - The recorder writes outcomes in groups (recorder.go).
//   - Rounds do the periodic work (rounds.go), among it mail (mail.go) and turning
//     received requests into events (receive.go).
//   - Feed passes changed ids to the pages (feed.go), and Tester sends test events
//     (tester.go).
//
// Redis's faults and state are in redis_fault.go and redis_state.go. Start with
// Start in workers.go.
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
)

// The kinds of task: one carries due deliveries, the others announce that mail or
// requests of sources wait.
const (
	deliverTask = "deliver"
	mailTask    = "mail"
	receiveTask = "receive"
)

// The kinds of queue: what was just accepted goes before what failed earlier.
const (
	freshQueue = "fresh"
	dueQueue   = "due"
	queues     = 2
)

// deliverPayload is a task's payload: due deliveries by endpoint. More reports
// that the endpoint may have others after these.
type deliverPayload struct {
	Lanes []pipeline.DueLane `json:"lanes"`
}

const (
	// taskIDs is how many ids one task carries. Measured: one task per delivery
	// costs three times the processor time of tasks of up to 100.
	taskIDs = 100
	// maxWaiting bounds what waits for Redis in memory, and ownWaiting what waits
	// of one organization; a task's worth of each waits in any case. What is
	// dropped, the due scan finds.
	maxWaiting = 50_000
	ownWaiting = 10_000
	// enqueueLimit is how long one task may take to reach Redis.
	enqueueLimit = 2 * time.Second
)

// Queue passes due deliveries to workers. It is the engine's Waker and never
// blocks. While Redis is away it passes them to the workers of this process;
// without workers it drops them.
type Queue struct {
	names
	state  redisState
	client *asynq.Client
	redis  redis.UniversalClient
	feed   *Feed

	mu      sync.Mutex
	waiting wakes
	mail    bool
	// requests of sources wait, and this process has no workers.
	requests bool
	signal   chan struct{}
	stop     chan struct{}
	stopped  sync.WaitGroup
	local    atomic.Pointer[dispatcher]
	waker    atomic.Pointer[waker]
}

// NewQueue starts a queue over Redis. Its names there carry the installation's
// id, and so do the names of all other parts of Asynq that use this client. The
// feed may be nil.
func NewQueue(client redis.UniversalClient, installation string, feed *Feed, log *slog.Logger) *Queue {
	client.AddHook(own{names{installation}})
	q := &Queue{names: names{installation}, state: redisState{log: log}, client: asynq.NewClientFromRedisClient(client), redis: client, feed: feed,
		signal: make(chan struct{}, 1), stop: make(chan struct{})}
	if feed != nil {
		feed.note.Store(&q.state)
	}
	q.stopped.Go(q.run)
	return q
}

// Close stops the queue. The due scan finds deliveries that it has not passed on.
func (q *Queue) Close() {
	close(q.stop)
	q.stopped.Wait()
}

// Wake passes due deliveries on. Call it after their commit.
func (q *Queue) Wake(woken []models.Woken) {
	q.mu.Lock()
	q.waiting.add(woken)
	q.mu.Unlock()
	call(q.signal)
	if q.feed != nil {
		q.feed.changed(woken)
	}
}

// Reserve takes slots of this process's workers. Without workers it takes
// none.
func (q *Queue) Reserve(slots []pipeline.Slots) {
	if local := q.local.Load(); local != nil {
		local.reserve(slots)
		return
	}
	for i := range slots {
		slots[i].Count = 0
	}
}

// Begin sends the jobs that were claimed for reserved slots.
func (q *Queue) Begin(slots []pipeline.Slots, jobs []*pipeline.Job) {
	if local := q.local.Load(); local != nil {
		local.begin(slots, jobs)
	}
	if q.feed != nil && len(jobs) > 0 {
		q.feed.changed(begunOf(jobs))
	}
}

// WakeMail announces that mail waits. Call it after its commit.
func (q *Queue) WakeMail() {
	q.mu.Lock()
	q.mail = true
	q.mu.Unlock()
	call(q.signal)
}

// WakeRequests announces that requests of sources wait. Call it after their commit.
// The workers of this process, if it has any, know by themselves.
func (q *Queue) WakeRequests() {
	if q.local.Load() != nil {
		return
	}
	q.mu.Lock()
	q.requests = true
	q.mu.Unlock()
	call(q.signal)
}

// ShowRequests tells the pages which requests of sources changed.
func (q *Queue) ShowRequests(changed []models.Woken) {
	if q.feed != nil {
		q.feed.changed(changed)
	}
}

func (q *Queue) run() {
	for {
		select {
		case <-q.signal:
		case <-q.stop:
			return
		}
		for q.handNext() {
		}
	}
}

// handNext hands on one task of what waits, so that what comes meanwhile has
// its turn. It is false when nothing is left, or nobody takes it.
func (q *Queue) handNext() bool {
	q.mu.Lock()
	group, mail, requests := q.waiting.take(taskIDs), q.mail, q.requests
	q.mail, q.requests = false, false
	q.mu.Unlock()
	if mail {
		_ = q.put(context.Background(), freshQueue, mailTask, nil) // noted; the round looks by itself
	}
	if requests {
		_ = q.put(context.Background(), freshQueue, receiveTask, nil) // likewise
	}
	if len(group) == 0 {
		return false
	}
	if !q.hand(context.Background(), freshQueue, pipeline.LanesOf(group)) {
		q.mu.Lock()
		q.waiting = wakes{}
		q.mu.Unlock()
		return false
	}
	select {
	case <-q.stop:
		return false
	default:
		return true
	}
}

// hand gives lanes to the workers: by a task, or, while Redis is away, to those
// of this process. It returns false when nobody took them.
func (q *Queue) hand(ctx context.Context, queue string, lanes []pipeline.DueLane) bool {
	local := q.local.Load()
	if local == nil || !q.state.away.Load() {
		if err := q.enqueue(ctx, queue, lanes); err == nil {
			return true
		}
	}
	if local != nil {
		local.offer(lanes)
	}
	return local != nil
}

// probe looks whether Redis takes tasks again: one that refuses writes answers
// a ping.
func (q *Queue) probe(ctx context.Context) {
	if q.state.away.Load() && q.Check(ctx) == nil {
		_ = q.enqueue(ctx, dueQueue, nil) // which notes it
	}
}

// enqueue puts one task into Redis. Asynq's own retries are off: the row says
// when a delivery is tried again.
func (q *Queue) enqueue(ctx context.Context, queue string, lanes []pipeline.DueLane) error {
	payload, err := json.Marshal(deliverPayload{lanes})
	if err != nil {
		return fmt.Errorf("writing a task: %w", err)
	}
	return q.put(ctx, queue, deliverTask, payload)
}

func (q *Queue) put(ctx context.Context, queue, kind string, payload []byte) error {
	ctx, cancel := context.WithTimeout(ctx, enqueueLimit)
	defer cancel()
	_, err := q.client.EnqueueContext(ctx, asynq.NewTask(kind, payload), asynq.Queue(q.queue(queue)), asynq.MaxRetry(0), asynq.Timeout(time.Minute))
	q.state.note(enqueuing, err)
	if err != nil {
		return err
	}
	if w := q.waker.Load(); w != nil {
		w.wake()
	}
	// Lost: the workers of other processes look by themselves within a second.
	q.state.note(publishing, q.redis.Publish(ctx, q.channel(wakeSubject), "").Err())
	return nil
}
