package jobs_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/store"
)

// holding is a go-redis hook that holds every command up until it is let go, as
// a Redis that takes connections and never replies.
type holding struct{ letGo chan struct{} }

func (*holding) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *holding) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(context.Context, redis.Cmder) error {
		<-h.letGo
		return &net.OpError{Op: "read", Err: context.DeadlineExceeded}
	}
}

func (*holding) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// TestALookForDueDeliveriesDoesNotWaitForRedis has a Redis that was found away
// and doesn't reply to what is tried after that.
func TestALookForDueDeliveriesDoesNotWaitForRedis(t *testing.T) {
	t.Parallel()
	server := testenv.PrivateRedis(t)
	f := newFixture(t, store.Options{DatabaseURL: testenv.Database(t)}, server.URL())
	f.endpoint(t, receiver(t, nil).URL, nil)
	must(t, server.Stop())
	if f.queue.Check(t.Context()) == nil {
		t.Fatal("Redis is there")
	}
	h := &holding{make(chan struct{})}
	f.redis.AddHook(h)
	f.wakeQueue()
	w := f.start(t)
	t.Cleanup(func() { close(h.letGo) }) // before the workers are stopped
	f.eventually(t, "a look", func() bool { return !w.LastScan().IsZero() })
	first := w.LastScan()
	f.publish(t, 3)
	f.until(t, "three are delivered", models.DeliveryFilter{}, all(3, models.Delivered))
	f.eventually(t, "another look", func() bool { return w.LastScan().After(first) })
}

// page is a log that can be read while it is written.
type page struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *page) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(line)
}

func (p *page) count(text string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Count(p.text.String(), text)
}

// TestWhatRedisLacksIsLoggedOnce counts lines while several uses of Redis meet
// the same fault, in several forms.
func TestWhatRedisLacksIsLoggedOnce(t *testing.T) {
	t.Parallel()
	server := testenv.PrivateRedis(t)
	lines := &page{}
	f := newFixture(t, store.Options{DatabaseURL: testenv.Database(t), Log: slog.New(slog.NewTextHandler(lines, nil))}, server.URL())
	f.endpoint(t, receiver(t, nil).URL, nil)
	f.wakeQueue()
	f.start(t)
	f.publish(t, 1)
	f.until(t, "one is delivered", models.DeliveryFilter{}, all(1, models.Delivered))
	for n := 1; n <= 2; n++ {
		must(t, server.Stop())
		f.eventually(t, "Redis is away for all", func() bool {
			return lines.count("Redis is away") >= n && lines.count("Redis carries no messages") >= n
		})
		f.publish(t, 1)
		f.until(t, "another is delivered", models.DeliveryFilter{}, all(n+1, models.Delivered))
		_ = f.queue.Check(t.Context())
		must(t, server.Start(t.Context()))
		f.eventually(t, "Redis is back for all", func() bool {
			_ = f.queue.Check(t.Context())
			return lines.count("Redis is back") >= n && lines.count("Redis takes messages again") >= n
		})
		for _, line := range []string{"Redis is away", "Redis carries no messages", "Redis is back", "Redis takes messages again"} {
			if got := lines.count(line); got != n {
				t.Errorf("after %d outages %q stands %d times in the log:\n%s", n, line, got, &lines.text)
			}
		}
	}
}
