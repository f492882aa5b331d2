package jobs_test

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"hookwell/internal/storetest"
	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/store"
)

// taken is a go-redis hook that keeps the ids of all deliveries that were read
// from Redis, by tasks and by messages alike.
type taken struct {
	sync.Mutex
	ids map[string]bool
}

var aDelivery = regexp.MustCompile(`dlv_[0-9a-z]{26}`)

func (*taken) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *taken) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if reply, ok := cmd.(*redis.Cmd); ok {
			text, _ := reply.Text()
			h.Lock()
			for _, id := range aDelivery.FindAllString(text, -1) {
				h.ids[id] = true
			}
			h.Unlock()
		}
		return err
	}
}

func (*taken) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// TestInstallationsShareARedis has two installations, one on each database, work
// at once on one Redis: what one puts there the other never takes.
func TestInstallationsShareARedis(t *testing.T) {
	const events = 100 // a page of the log
	address := testenv.Redis(t)
	arrived := make([]map[string]int, 2)
	var mu sync.Mutex
	both := make([]*fixture, 2)
	reads := make([]*taken, 2)
	for i, o := range []store.Options{storetest.SQLite(t), {DatabaseURL: testenv.Database(t)}} {
		f := newFixture(t, o, address)
		both[i], reads[i], arrived[i] = f, &taken{ids: map[string]bool{}}, map[string]int{}
		f.redis.AddHook(reads[i])
		f.wakeQueue()
		f.endpoint(t, receiver(t, func(_ http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			arrived[i][r.Header.Get("x-webhook-delivery-id")]++
		}).URL, nil)
		f.start(t)
	}
	changes, stop := both[0].feed.Subscribe(both[1].tenant.Organization().ID)
	defer stop()
	var loads sync.WaitGroup
	for _, f := range both {
		loads.Go(func() {
			for range events {
				f.publish(t, 1)
			}
		})
	}
	loads.Wait()
	for i, f := range both {
		f.until(t, "all delivered", models.DeliveryFilter{}, all(events, models.Delivered))
		mu.Lock()
		if len(arrived[i]) != events {
			t.Errorf("installation %d: %d deliveries arrived, want %d", i, len(arrived[i]), events)
		}
		mu.Unlock()
	}
	for i := range both {
		reads[i].Lock()
		if len(reads[i].ids) == 0 {
			t.Errorf("installation %d read no task from Redis", i)
		}
		for id := range reads[i].ids {
			if arrived[i][id] == 0 {
				t.Errorf("installation %d took %s, which is not its own", i, id)
			}
		}
		reads[i].Unlock()
		got, err := asynq.NewInspectorFromRedisClient(both[i].redis).Queues()
		slices.Sort(got)
		want := []string{both[i].queue.QueueName("due"), both[i].queue.QueueName("fresh")}
		if err != nil || !slices.Equal(got, want) && !slices.Equal(got, want[1:]) {
			t.Errorf("installation %d's dashboard shows %v, %v", i, got, err)
		}
		servers, err := asynq.NewInspectorFromRedisClient(both[i].redis).Servers()
		for _, server := range servers {
			if _, own := server.Queues[want[1]]; !own {
				t.Errorf("installation %d's dashboard shows the server of %v", i, server.Queues)
			}
		}
		if err != nil {
			t.Error(err)
		}
	}
	select {
	case ids := <-changes:
		t.Errorf("one installation's pages are told of the other's %v", ids)
	default:
	}
}
