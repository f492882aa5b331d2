package faults

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"hookwell/internal/program"
)

// alone starts one process that serves and works, behind the proxies, and waits until
// it claims what it accepts.
func alone(s *site) (victim *program.Process, err error) {
	if victim, err = s.serve(s.proxied); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookLimit)
	defer cancel()
	return victim, until(ctx, "a sole worker", func() (bool, error) {
		is, err := query(ctx, s, pgx.RowTo[string], "SELECT sole_worker FROM installations")
		return err == nil && is[0] != "", err
	})
}

func serveAgain(s *site) error {
	_, err := s.serve(s.direct)
	return err
}

// grouped reports whether an accepted group waits for all of its outcomes.
func (s *site) grouped(ctx context.Context) (bool, error) {
	return s.groups(ctx, "NOT EXISTS (SELECT FROM deliveries WHERE id = d->>'i')")
}

// halfRecorded reports whether an accepted group has outcomes, and waits for others.
func (s *site) halfRecorded(ctx context.Context) (bool, error) {
	return s.groups(ctx, "EXISTS (SELECT FROM deliveries WHERE id = d->>'i')")
}

func (s *site) groups(ctx context.Context, of string) (bool, error) {
	found, err := query(ctx, s, pgx.RowTo[bool], "SELECT EXISTS (SELECT FROM accepted_groups, jsonb_array_elements(deliveries::jsonb) e, jsonb_array_elements(e->'d') d WHERE "+of+")")
	return err == nil && found[0], err
}

// awayFor is how long an owner is out of play: longer than the others wait for it.
const awayFor = 20 * time.Second

// ownerAway takes the sole worker out of play with exchanges under way, while another
// one takes over what it has, and lets it go on.
func ownerAway(stop, resume func(s *site, victim *program.Process) error) func(context.Context, *site) error {
	return func(ctx context.Context, s *site) error {
		s.pastLease = true
		victim, err := alone(s)
		if err != nil {
			return err
		}
		if err := warmUp(ctx, s); err != nil {
			return err
		}
		if err := s.receiver.hold(); err != nil {
			return err
		}
		if err := s.receiver.untilHeld(ctx, 10); err != nil {
			return err
		}
		if err := stop(s, victim); err != nil {
			return err
		}
		n, err := s.excuse(ctx)
		if err != nil {
			return err
		}
		s.note("%d in flight when it was away", n)
		if err := s.receiver.release(); err != nil {
			return err
		}
		if err := serveAgain(s); err != nil {
			return err
		}
		select {
		case <-time.After(awayFor):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := resume(s, victim); err != nil {
			return err
		}
		return coolDown(ctx, s)
	}
}
