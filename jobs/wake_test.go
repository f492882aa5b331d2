package jobs

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"hookwell/models"
)

// TestWaker holds the shape of Asynq's dequeue: if the hook no longer knows it,
// this fails.
func TestWaker(t *testing.T) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	defer client.Close()
	q := NewQueue(client, "a", nil, log)
	defer q.Close()
	w := newWaker(q)
	handled := make(chan struct{}, 1)
	server := asynq.NewServerFromRedisClient(client, asynq.Config{Concurrency: 1, Queues: map[string]int{q.queue(freshQueue): 3, q.queue(dueQueue): 1},
		TaskCheckInterval: lookInterval, LogLevel: asynq.FatalLevel})
	err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { handled <- struct{}{}; return nil }))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	defer w.close()
	late := time.After(5 * time.Second)
	for w.looks.Load() < queues {
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			t.Fatal("the hook sees no look: Asynq's dequeue has another shape now")
		}
	}
	<-time.After(200 * time.Millisecond) // unheld, Asynq would look some 200 times
	if looks := w.looks.Load(); looks > 4*queues {
		t.Errorf("%d looks while there was nothing to do: the hook does not hold them", looks)
	}
	q.Wake([]models.Woken{{OrganizationID: "org_1", EndpointID: "ep_1", DeliveryID: "dlv_1"}})
	<-handled
}
