package faults

import (
	"context"
	"errors"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// killBeforeAnswer kills the server when a transaction with events is committed
// and nobody knows it: neither the client nor the workers.
func killBeforeAnswer(ctx context.Context, s *site) error {
	victim, err := s.serve(s.proxied, "--no-workers")
	if err != nil {
		return err
	}
	if _, err := s.work(s.direct); err != nil {
		return err
	}
	if err := warmUp(ctx, s); err != nil {
		return err
	}
	h := s.postgresProxy.stop(acceptStatement, true)
	select {
	case <-h.caught:
	case <-time.After(lookLimit):
		return errNotSeen
	}
	victim.Kill()
	s.postgresProxy.release(h)
	if _, err := s.serve(s.direct, "--no-workers"); err != nil {
		return err
	}
	return coolDown(ctx, s)
}

// killBeforeWake kills the server after its 202s, when none of their wakes has
// got to Redis.
func killBeforeWake(ctx context.Context, s *site) error {
	victim, err := s.serve(s.proxied, "--no-workers")
	if err != nil {
		return err
	}
	if _, err := s.work(s.direct); err != nil {
		return err
	}
	if err := warmUp(ctx, s); err != nil {
		return err
	}
	s.redisProxy.freeze()
	before := s.load.count()
	if err := s.load.more(ctx, warm); err != nil {
		return err
	}
	s.load.stop()
	victim.Kill()
	s.note("%d events accepted without a wake", s.load.count()-before)
	_, err = s.serve(s.direct, "--no-workers")
	return err
}

// clockOff runs with a database whose clock differs from Hookwell's, and kills
// the process in the middle, so that leases have to run out by that clock.
func clockOff(ctx context.Context, s *site) error {
	p, err := s.serve(s.direct)
	if err != nil {
		return err
	}
	if err := warmUp(ctx, s); err != nil {
		return err
	}
	p.Kill()
	if _, err := s.excuse(ctx); err != nil {
		return err
	}
	if _, err := s.serve(s.direct); err != nil {
		return err
	}
	return coolDown(ctx, s)
}

// taskTwice gives every task to two workers, three times over.
func taskTwice(ctx context.Context, s *site) error {
	if _, err := s.serve(s.direct, "--no-workers"); err != nil {
		return err
	}
	s.load.start()
	if err := s.load.more(ctx, 2*warm); err != nil {
		return err
	}
	s.load.stop()
	options, err := asynq.ParseRedisURI(s.redis.URL())
	if err != nil {
		return err
	}
	inspector, client := asynq.NewInspector(options), asynq.NewClient(options)
	defer inspector.Close()
	defer client.Close()
	queues, err := s.queues(ctx)
	if err != nil {
		return err
	}
	copies := 0
	for _, queue := range queues {
		tasks, err := inspector.ListPendingTasks(queue, asynq.PageSize(1000))
		if err != nil {
			return err
		}
		for range 3 {
			for _, task := range tasks {
				if _, err := client.EnqueueContext(ctx, asynq.NewTask(task.Type, task.Payload), asynq.Queue(queue), asynq.MaxRetry(0)); err != nil {
					return err
				}
				copies++
			}
		}
	}
	if copies == 0 {
		return errNotSeen
	}
	s.note("%d copies of tasks", copies)
	for range 2 {
		if _, err := s.work(s.direct); err != nil {
			return err
		}
	}
	return nil
}

// queues returns the names of the installation's queues, from the registry that
// carries its id, and puts them where Asynq's inspector looks for them.
func (s *site) queues(ctx context.Context) (names []string, err error) {
	err = s.onRedis(func(client *redis.Client) error {
		registries, err := client.Keys(ctx, "asynq:hookwell-*:queues").Result()
		if err != nil || len(registries) == 0 {
			return errors.Join(err, errNotSeen)
		}
		if err := client.SUnionStore(ctx, "asynq:queues", registries[0]).Err(); err != nil {
			return err
		}
		names, err = client.SMembers(ctx, registries[0]).Result()
		return err
	})
	return names, err
}
