package jobs

import (
	"context"
	"slices"

	"github.com/redis/go-redis/v9"
)

// names are what one installation calls its things in Redis, which others may
// use too. It is the only place where such names are made.
type names struct{ installation string }

// queue returns the name of Asynq's queue of that kind, from which Asynq makes
// all of the queue's keys.
func (n names) queue(kind string) string { return "hookwell-" + n.installation + "-" + kind }

// pending returns the key of the list of tasks that wait in a queue.
func (n names) pending(kind string) string { return "asynq:{" + n.queue(kind) + "}:pending" }

// channel returns the name of the channel on that subject.
func (n names) channel(subject string) string { return "hookwell:" + n.installation + ":" + subject }

// registries are Asynq's keys that carry no queue's name: who serves which
// queues. Without a name of its own, an installation's dashboard would show
// everybody's.
var registries = []string{"asynq:queues", "asynq:servers", "asynq:workers", "asynq:schedulers"}

// own is a go-redis hook that gives Asynq's registries the installation's name.
// Cancellations, Asynq's only channel, stay shared: they name random ids of
// tasks, and nothing of ours sends any.
type own struct{ names }

func (o own) rename(cmd redis.Cmder) {
	args := cmd.Args()
	for i, arg := range args {
		if key, ok := arg.(string); ok && slices.Contains(registries, key) {
			args[i] = "asynq:hookwell-" + o.installation + key[len("asynq"):]
		}
	}
}

// DialHook leaves connecting as it is.
func (own) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook renames the registries that a command names.
func (o own) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		o.rename(cmd)
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook renames the registries that its commands name.
func (o own) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			o.rename(cmd)
		}
		return next(ctx, cmds)
	}
}
