package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// use is one thing that Redis is needed for.
type use int

const (
	probing    use = iota // what Check tries
	enqueuing             // putting a task in
	dequeuing             // looking for a task
	hearing               // being told of tasks
	following             // being told of changes
	publishing            // telling others of both
	uses
)

// part is what is lost to the work when a use fails.
type part int

const (
	tasks part = iota
	messages
	parts
)

func (u use) part() part {
	if u >= hearing {
		return messages
	}
	return tasks
}

// redisState is what lately came of each use. It logs changes, once for each
// part of the work, however many uses meet them.
type redisState struct {
	log *slog.Logger
	// away reports whether deliveries go to this process's workers directly:
	// tasks can't be put in, or not be read.
	away atomic.Bool

	mu     sync.Mutex
	faults [uses]*RedisFault
	said   [parts]said
}

// said is what was logged of a part since it failed: of which use, and what. It
// is empty while nothing stands against the part.
type said struct {
	of       use
	happened string
}

// note keeps what came of a use; a nil error is success.
func (s *redisState) note(of use, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fault, part := faultOf(err), of.part()
	s.faults[of] = fault
	s.away.Store(s.faults[probing] != nil || s.faults[enqueuing] != nil || s.faults[dequeuing] != nil)
	last := s.said[part]
	switch {
	case fault != nil && (last.happened == "" || last.happened != fault.Happened && (last.of == of || s.faults[last.of] == nil)):
		s.said[part] = said{of, fault.Happened}
		s.log.Warn([parts]string{"Redis is away; workers go by the database alone", "Redis carries no messages; pages are not told of changes"}[part], "fault", fault.Error(), "error", fault.Err)
	case last.happened != "" && !s.fails(part):
		s.said[part] = said{}
		s.log.Info([parts]string{"Redis is back", "Redis takes messages again"}[part])
	}
}

// fails reports whether something stands against a part.
func (s *redisState) fails(part part) bool {
	for of, fault := range s.faults {
		if fault != nil && use(of).part() == part {
			return true
		}
	}
	return false
}

// fault returns what stands against Redis, the worst first, or nil.
func (s *redisState) fault() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fault := range s.faults {
		if fault != nil {
			return fault
		}
	}
	return nil
}

// probeScript writes and removes what a task does, by the commands that Asynq's
// own scripts use.
var probeScript = redis.NewScript(`
redis.call("EXISTS", KEYS[1])
redis.call("HSET", KEYS[1], "probe", ARGV[1])
redis.call("HGET", KEYS[1], "probe")
redis.call("LPUSH", KEYS[2], ARGV[1])
redis.call("RPOPLPUSH", KEYS[2], KEYS[3])
redis.call("LREM", KEYS[3], 0, ARGV[1])
redis.call("ZADD", KEYS[4], 1, ARGV[1])
redis.call("ZREM", KEYS[4], ARGV[1])
return redis.call("DEL", KEYS[1], KEYS[2], KEYS[3], KEYS[4])`)

// Check tries in Redis what the workers do there: a write to each kind of key and
// a message on each channel. It returns nil or a *RedisFault, also for faults
// that the workers met lately, such as a refused subscription. It takes three
// round trips, and returns when ctx ends.
func (q *Queue) Check(ctx context.Context) error {
	err := q.tryWrite(ctx)
	if !errors.Is(err, context.Canceled) {
		q.state.note(probing, err)
	}
	if err != nil {
		return faultOf(err)
	}
	q.state.note(publishing, errors.Join(q.redis.Publish(ctx, q.channel(wakeSubject), "").Err(), q.redis.Publish(ctx, q.channel(changesSubject), "{}").Err()))
	return q.state.fault()
}

func (q *Queue) tryWrite(ctx context.Context) error {
	for _, queue := range []string{freshQueue, dueQueue} { // in a cluster each has a slot of its own
		prefix := "asynq:{" + q.queue(queue) + "}:probe:"
		if err := probeScript.Run(ctx, q.redis, []string{prefix + "hash", prefix + "list", prefix + "other", prefix + "set"}, "1").Err(); err != nil {
			return err
		}
	}
	return q.redis.SAdd(ctx, registries[0], q.queue(freshQueue), q.queue(dueQueue)).Err()
}
