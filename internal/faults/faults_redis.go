package faults

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// onRedis does something with the site's Redis, past the proxy.
func (s *site) onRedis(do func(client *redis.Client) error) error {
	options, err := redis.ParseURL(s.redis.URL())
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	return errors.Join(do(client), client.Close())
}

// flush empties Redis again and again.
func flush(ctx context.Context, s *site) error {
	if _, err := s.serve(s.direct); err != nil {
		return err
	}
	if err := warmUp(ctx, s); err != nil {
		return err
	}
	for range 10 {
		if err := s.onRedis(func(client *redis.Client) error { return client.FlushAll(ctx).Err() }); err != nil {
			return err
		}
		if err := s.load.more(ctx, 20); err != nil {
			return err
		}
	}
	return coolDown(ctx, s)
}

// withoutRedis takes Redis away for a time while events come in, and measures
// what that costs those who report them.
func withoutRedis(long, short time.Duration, away, back func(ctx context.Context, s *site) error) func(context.Context, *site) error {
	return func(ctx context.Context, s *site) error {
		if _, err := s.serve(s.direct); err != nil {
			return err
		}
		return withoutRedisBeside(long, short, away, back)(ctx, s)
	}
}

// withoutRedisBeside is withoutRedis for a server that runs.
func withoutRedisBeside(long, short time.Duration, away, back func(ctx context.Context, s *site) error) func(context.Context, *site) error {
	return func(ctx context.Context, s *site) error {
		s.load.start()
		if err := s.load.more(ctx, 2*warm); err != nil {
			return err
		}
		span := long
		if s.Short {
			span = short
		}
		s.load.in("away")
		if err := away(ctx, s); err != nil {
			return err
		}
		select {
		case <-time.After(span):
		case <-ctx.Done():
			return ctx.Err()
		}
		s.load.in("back")
		if err := back(ctx, s); err != nil {
			return err
		}
		if err := coolDown(ctx, s); err != nil {
			return err
		}
		_, _, median, worst := s.load.said("before")
		count, refused, medianAway, worstAway := s.load.said("away")
		s.note("202 after %s (at most %s) before, %s (at most %s) meanwhile; %d accepted meanwhile, %d refused",
			round(median), round(worst), round(medianAway), round(worstAway), count, refused)
		if refused > 0 {
			s.wrong("%d reports were refused while Redis was away", refused)
		}
		return nil
	}
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

func stopRedis(_ context.Context, s *site) error    { return s.redis.Kill() }
func startRedis(ctx context.Context, s *site) error { return s.redis.Start(ctx) }
func pauseRedis(_ context.Context, s *site) error   { return s.redis.Pause() }
func resumeRedis(_ context.Context, s *site) error  { return s.redis.Resume() }

// fillRedis leaves Redis no memory: it answers, and refuses every write.
func fillRedis(ctx context.Context, s *site) error {
	return s.onRedis(func(client *redis.Client) error {
		return errors.Join(client.ConfigSet(ctx, "maxmemory-policy", "noeviction").Err(), client.ConfigSet(ctx, "maxmemory", "1").Err())
	})
}

func emptyRedis(ctx context.Context, s *site) error {
	return s.onRedis(func(client *redis.Client) error { return client.ConfigSet(ctx, "maxmemory", "0").Err() })
}
