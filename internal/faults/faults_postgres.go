package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"hookwell/client"
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

// takeEvery is how soon a taker that found no connection free looks again. Without a
// pause, four of them keep two processors busy with being refused.
const takeEvery = 10 * time.Millisecond

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
	taken := takeConnections(taking, admin, taker)
	s.note("%d connections taken", len(taken))
	for _, conn := range taken {
		_ = conn.Close(context.WithoutCancel(ctx))
	}
	_, refused, _, _ := s.load.said("exhausted")
	s.note("%d reports refused meanwhile, and repeated", refused)
	s.load.in("after")
	return coolDown(ctx, s)
}

// takeConnections takes the connections that Postgres has until the context ends.
// Whatever is not ours is Hookwell's: ended, its place is taken before it can connect
// again.
func takeConnections(taking context.Context, admin *pgx.Conn, url string) (taken []*pgx.Conn) {
	var mu sync.Mutex
	var takers sync.WaitGroup
	for range 4 {
		takers.Go(func() {
			for taking.Err() == nil {
				conn, err := pgx.Connect(taking, url)
				if err != nil { // none is left
					select {
					case <-time.After(takeEvery):
					case <-taking.Done():
					}
					continue
				}
				mu.Lock()
				taken = append(taken, conn)
				mu.Unlock()
			}
		})
	}
	for taking.Err() == nil {
		_, _ = admin.Exec(taking, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname IS NOT NULL AND application_name <> 'taker'`)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-taking.Done():
		}
	}
	takers.Wait()
	return taken
}

// addColumns has a migration of a newer version add a column to each table, again
// and again, while this one reports, delivers and reads.
func addColumns(ctx context.Context, s *site) error {
	if _, err := s.serve(s.direct, "--no-workers"); err != nil {
		return err
	}
	if _, err := s.work(s.direct); err != nil {
		return err
	}
	if err := warmUp(ctx, s); err != nil {
		return err
	}
	s.load.in("migrating")
	reading, stop := context.WithCancel(ctx)
	defer stop()
	var readers sync.WaitGroup
	for _, list := range []func(*client.Client) error{
		func(c *client.Client) error {
			_, err := c.Deliveries(reading, client.DeliveryFilter{}, client.Paging{Limit: 20})
			return err
		},
		func(c *client.Client) error {
			_, err := c.Deliveries(reading, client.DeliveryFilter{States: []string{"retrying"}}, client.Paging{})
			return err
		},
		func(c *client.Client) error { _, err := c.Events(reading, nil, client.Paging{}); return err },
		func(c *client.Client) error { _, err := c.Endpoints(reading, client.Paging{}); return err },
	} {
		readers.Go(func() { s.read(reading, list) })
	}
	rounds := 5
	if s.Short {
		rounds = 2
	}
	err := s.alter(ctx, rounds)
	stop()
	readers.Wait()
	if err != nil {
		return err
	}
	_, refused, _, _ := s.load.said("migrating")
	s.note("%d reports refused meanwhile", refused)
	if refused > 0 {
		s.wrong("%d reports were refused while columns were added", refused)
	}
	s.load.in("after")
	return coolDown(ctx, s)
}

// alter adds a column to every table, each in a transaction of its own that
// gives way to running work, and lets the load go on between two rounds.
func (s *site) alter(ctx context.Context, rounds int) error {
	conn, err := pgx.Connect(ctx, s.postgres.URL())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, `SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
		AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'goose%' ORDER BY relname`)
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for round := range rounds {
		for _, table := range tables {
			statement := fmt.Sprintf("ALTER TABLE %s ADD COLUMN later_%d text NOT NULL DEFAULT 'later'", table, round)
			if err := until(ctx, "a column of "+table, func() (bool, error) {
				_, err := conn.Exec(ctx, "SET lock_timeout = '500ms'; "+statement)
				var waited *pgconn.PgError
				if errors.As(err, &waited) && (waited.Code == "55P03" || waited.Code == "40P01") {
					return false, nil
				}
				return err == nil, err
			}); err != nil {
				return err
			}
		}
		if err := s.load.more(ctx, warm/2); err != nil {
			return err
		}
	}
	s.note("%d columns added to %d tables", rounds*len(tables), len(tables))
	return nil
}

// read asks for a list 50 times a second at most.
func (s *site) read(ctx context.Context, list func(*client.Client) error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := list(s.api()); err != nil && ctx.Err() == nil {
			s.wrong("%v", err)
		}
	}
}
