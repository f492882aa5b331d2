package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// endLimit is how long everything may take to end after a fault: a lease, the
// schedules, and time to catch up.
const endLimit = 4 * time.Minute

// query reads rows from the site's database, past the proxy.
func query[T any](ctx context.Context, s *site, scan pgx.RowToFunc[T], statement string, arguments ...any) (list []T, err error) {
	conn, err := pgx.Connect(ctx, s.postgres.URL())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	rows, err := conn.Query(ctx, statement, arguments...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

// inFlight returns the deliveries that some process has claimed and not recorded.
func (s *site) inFlight(ctx context.Context) ([]string, error) {
	return query(ctx, s, pgx.RowTo[string], `SELECT delivery_id FROM delivery_work WHERE lease_until IS NOT NULL
		UNION ALL SELECT d->>'i' FROM accepted_groups, jsonb_array_elements(deliveries::jsonb) e, jsonb_array_elements(e->'d') d
		WHERE NOT EXISTS (SELECT FROM deliveries WHERE id = d->>'i')`)
}

// excuse lets what is in flight now arrive twice: its process is dead or cut off.
// It answers how much that is.
func (s *site) excuse(ctx context.Context) (int, error) {
	ids, err := s.inFlight(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.excused[id] = true
	}
	return len(ids), err
}

// untilEnded waits until no delivery has anything left to do.
func (s *site) untilEnded(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, endLimit)
	defer cancel()
	for {
		left, err := query(ctx, s, pgx.RowTo[int], "SELECT (SELECT count(*) FROM request_work) + (SELECT count(*) FROM delivery_work) + (SELECT count(*) FROM accepted_groups) + (SELECT count(*) FROM fan_outs)")
		if err == nil && left[0] == 0 {
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("not everything ended within %s: %v left, %w", endLimit, left, err)
		}
	}
}

// evidence reads all records.
func (s *site) evidence(ctx context.Context, over time.Time) (*evidence, error) {
	e := &evidence{accepted: s.load.accepted, excused: s.excused, pastLease: s.pastLease, over: over}
	var err, err2, err3, err4 error
	if s.provider != nil {
		e.accepted, err4 = s.provider.promised(ctx)
	}
	e.deliveries, err = query(ctx, s, pgx.RowToStructByPos[delivery], "SELECT id, event_id, endpoint_id, state FROM deliveries WHERE NOT test AND event_type IN ($1, $2)", mapped, relayed)
	e.attempts, err2 = query(ctx, s, pgx.RowToStructByPos[attempt], "SELECT delivery_id, number, cause FROM attempts")
	e.arrivals, err3 = s.receiver.arrivals()
	return e, errors.Join(err, err2, err3, err4)
}
