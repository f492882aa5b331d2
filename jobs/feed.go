package jobs

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"hookwell/models"
)

// changesSubject is the channel that carries which deliveries changed, between
// all processes.
const changesSubject = "changes"

// Feed passes the ids of changed deliveries to the pages of every process. It may
// lose some while Redis is away: pages read the rows.
type Feed struct {
	names
	client redis.UniversalClient
	note   atomic.Pointer[redisState] // nil where there is no queue
	log    *slog.Logger

	mu          sync.Mutex
	closed      bool
	subscribers map[string]map[chan []string]struct{}
	pending     map[string]map[string]struct{}
	signal      chan struct{}
	cancel      context.CancelFunc
	stopped     sync.WaitGroup
}

const (
	// subscriberBuffer is how many changes a slow page may be behind before it
	// misses some.
	subscriberBuffer = 32
	// maxPending bounds what waits to be published.
	maxPending   = 10_000
	publishLimit = 2 * time.Second
)

// NewFeed connects the feed to Redis, on a channel whose name has the
// installation's id.
func NewFeed(client redis.UniversalClient, installation string, log *slog.Logger) *Feed {
	ctx, cancel := context.WithCancel(context.Background())
	f := &Feed{names: names{installation}, client: client, log: log, subscribers: map[string]map[chan []string]struct{}{},
		pending: map[string]map[string]struct{}{}, signal: make(chan struct{}, 1), cancel: cancel}
	f.stopped.Go(func() { listen(ctx, client, f.channel(changesSubject), f.heard, f.receive) })
	f.stopped.Go(func() { f.publish(ctx) })
	return f
}

// Close ends every subscription.
func (f *Feed) Close() {
	f.cancel()
	f.stopped.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, channels := range f.subscribers {
		for channel := range channels {
			close(channel)
		}
	}
	f.subscribers = nil
}

// Subscribe returns the ids of an organization's deliveries as they change. The
// channel is closed when the feed ends; call cancel to end the subscription.
func (f *Feed) Subscribe(organizationID string) (changes <-chan []string, cancel func()) {
	channel := make(chan []string, subscriberBuffer)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		close(channel)
		return channel, func() {}
	}
	if f.subscribers[organizationID] == nil {
		f.subscribers[organizationID] = map[chan []string]struct{}{}
	}
	f.subscribers[organizationID][channel] = struct{}{}
	return channel, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.subscribers[organizationID], channel)
		if len(f.subscribers[organizationID]) == 0 {
			delete(f.subscribers, organizationID)
		}
	}
}

// changed notes deliveries whose rows were just committed. It never blocks.
func (f *Feed) changed(woken []models.Woken) {
	f.mu.Lock()
	for _, w := range woken {
		ids := f.pending[w.OrganizationID]
		if ids == nil {
			ids = map[string]struct{}{}
			f.pending[w.OrganizationID] = ids
		}
		if len(ids) < maxPending {
			ids[w.DeliveryID] = struct{}{}
		}
	}
	f.mu.Unlock()
	call(f.signal)
}

// publish sends what has gathered, in one message.
func (f *Feed) publish(ctx context.Context) {
	for {
		select {
		case <-f.signal:
		case <-ctx.Done():
			return
		}
		f.mu.Lock()
		changes := make(map[string][]string, len(f.pending))
		for organizationID, ids := range f.pending {
			for id := range ids {
				changes[organizationID] = append(changes[organizationID], id)
			}
		}
		clear(f.pending)
		f.mu.Unlock()
		message, err := json.Marshal(changes)
		if err != nil {
			f.log.Error("writing a change", "error", err)
			continue
		}
		limited, cancel := context.WithTimeout(ctx, publishLimit)
		f.client.Publish(limited, f.channel(changesSubject), message) // lost while Redis is away: pages read the rows
		cancel()
	}
}

// heard notes that a subscription began or failed.
func (f *Feed) heard(err error) {
	if state := f.note.Load(); state != nil {
		state.note(following, err)
	}
}

// receive hands what any process published to this process's pages.
func (f *Feed) receive(message string) {
	var changes map[string][]string
	if json.Unmarshal([]byte(message), &changes) == nil {
		f.distribute(changes)
	}
}

func (f *Feed) distribute(changes map[string][]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for organizationID, ids := range changes {
		for channel := range f.subscribers[organizationID] {
			select {
			case channel <- ids:
			default: // a page that can't follow catches up with its next change
			}
		}
	}
}
