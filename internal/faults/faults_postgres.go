package faults

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

var errNotSeen = errors.New("no such transaction or task was seen; what it is known by may have changed")

// killPostgres kills Postgres when commits are under way whose outcome nobody
// knows, and starts it again; then it restarts it in order.
func killPostgres(ctx context.Context, s *site) error {
	if _, err := s.serve(s.proxied); err != nil {
		return err
	}
	if err := warmUp(ctx, s); err != nil {
		return err
	}
	moments := []func(s *site) *hold{
		func(s *site) *hold { return s.postgresProxy.stop(acceptStatement, true) }, beforeRecord, afterRecord, beforeSend,
	}
	if s.Short {
		moments = moments[:2] // what is lost before a send waits for its lease
	}
	for _, held := range moments {
		h := held(s)
		select {
		case <-h.caught:
		case <-time.After(lookLimit):
			return errNotSeen
		}
		if err := s.postgres.Kill(); err != nil {
			return err
		}
		s.postgresProxy.lose(h)
		if err := s.postgres.Start(ctx); err != nil {
			return err
		}
		if err := s.load.more(ctx, warm/2); err != nil {
			return err
		}
	}
	if err := errors.Join(s.postgres.Stop(), s.postgres.Start(ctx)); err != nil {
		return err
	}
	return coolDown(ctx, s)
}

// exhaust takes every connection that Postgres has, Hookwell's included, and
// keeps them for a while.
func exhaust(ctx context.Context, s *site) error {
	if _, err := s.serve(s.direct); err != nil {
		return err
	}
	if err := warmUp(ctx, s); err != nil {
		return err
	}
	s.load.in("exhausted")
	taker := s.postgres.URL() + "&application_name=taker"
	admin, err := pgx.Connect(ctx, taker)
	if err != nil {
		return err
	}
	defer admin.Close(context.WithoutCancel(ctx))
	span := 10 * time.Second
	if s.Short {
		span = 5 * time.Second
	}
	taking, cancel := context.WithTimeout(ctx, span)
	defer cancel()
	var mu sync.Mutex
	var taken []*pgx.Conn
	var takers sync.WaitGroup
	for range 4 {
		takers.Go(func() {
			for taking.Err() == nil {
				conn, err := pgx.Connect(taking, taker)
				if err != nil {
					continue // none is left
				}
				mu.Lock()
				taken = append(taken, conn)
				mu.Unlock()
			}
		})
	}
	for taking.Err() == nil {
		// Whatever is not ours is Hookwell's: ended, its place is taken before it
		// can connect again.
		_, _ = admin.Exec(taking, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname IS NOT NULL AND application_name <> 'taker'`)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-taking.Done():
		}
	}
	takers.Wait()
	s.note("%d connections taken", len(taken))
	for _, conn := range taken {
		_ = conn.Close(context.WithoutCancel(ctx))
	}
	_, refused, _, _ := s.load.said("exhausted")
	s.note("%d reports refused meanwhile, and repeated", refused)
	s.load.in("after")
	return coolDown(ctx, s)
}
