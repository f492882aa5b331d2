package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hookwell/internal/program"
)

// apart starts a server without workers and one worker behind the proxies.
func apart(s *site) (victim *program.Process, err error) {
	if _, err := s.serve(s.direct, "--no-workers"); err != nil {
		return nil, err
	}
	return s.work(s.proxied)
}

// warm is how many events are accepted before something is done, and after.
const warm = 60

func warmUp(ctx context.Context, s *site) error {
	s.load.start()
	return s.load.more(ctx, warm)
}

// coolDown goes on for a while and ends the load.
func coolDown(ctx context.Context, s *site) error {
	err := s.load.more(ctx, warm/2)
	s.load.stop()
	return err
}

// killHeld kills a worker whose transaction is held at a moment, and starts
// another.
func killHeld(moment func(s *site) *hold) func(context.Context, *site) error {
	return kill(apart, moment, (*site).busy, func(s *site) error { _, err := s.work(s.direct); return err })
}

// kill kills a process whose transaction is held at a moment, while the site is as
// it should be, and starts another.
func kill(start func(*site) (*program.Process, error), moment func(*site) *hold, is func(*site, context.Context) (bool, error), again func(*site) error) func(context.Context, *site) error {
	return func(ctx context.Context, s *site) error {
		victim, err := start(s)
		if err != nil {
			return err
		}
		if err := warmUp(ctx, s); err != nil {
			return err
		}
		h, err := s.catch(ctx, moment, is)
		if err != nil {
			return err
		}
		victim.Kill()
		s.postgresProxy.release(h)
		n, err := s.excuse(ctx)
		if err != nil {
			return err
		}
		s.note("%d in flight when it was killed", n)
		if err := again(s); err != nil {
			return err
		}
		return coolDown(ctx, s)
	}
}

// busy reports whether something is in flight.
func (s *site) busy(ctx context.Context) (bool, error) {
	ids, err := s.inFlight(ctx)
	return len(ids) > 0, err
}

// catch waits until a transaction is held while the site is as it should be. Any
// other is let go.
func (s *site) catch(ctx context.Context, moment func(s *site) *hold, is func(*site, context.Context) (bool, error)) (*hold, error) {
	for range 200 {
		h := moment(s)
		select {
		case <-h.caught:
		case <-time.After(lookLimit):
			return nil, errors.New("no such transaction was seen; the statement that it is known by may have changed")
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if ok, err := is(s, ctx); err != nil || ok {
			return h, err
		}
		s.postgresProxy.release(h)
	}
	return nil, errors.New("the site was at no such moment as it should be")
}

func beforeSend(s *site) *hold   { return s.postgresProxy.stop(claimStatement, true) }
func beforeRecord(s *site) *hold { return s.postgresProxy.stop(recordStatement, false) }
func afterRecord(s *site) *hold  { return s.postgresProxy.stop(recordStatement, true) }

// killWithinExchange kills a worker whose requests have arrived and are not
// answered.
func killWithinExchange(ctx context.Context, s *site) error {
	victim, err := apart(s)
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
	victim.Kill()
	n, err := s.excuse(ctx)
	if err != nil {
		return err
	}
	s.note("%d in flight when it was killed", n)
	if err := s.receiver.release(); err != nil {
		return err
	}
	if _, err := s.work(s.direct); err != nil {
		return err
	}
	return coolDown(ctx, s)
}

// outlast is longer than a lease.
const outlast = (timeoutSeconds + 60 + 6) * time.Second

// pastLease takes a worker out of play with exchanges under way, for longer than
// their lease, while another one works, and lets it go on.
func pastLease(stop, resume func(s *site, victim *program.Process) error) func(context.Context, *site) error {
	return func(ctx context.Context, s *site) error {
		s.pastLease = true
		victim, err := apart(s)
		if err != nil {
			return err
		}
		if err := s.receiver.hold(); err != nil {
			return err
		}
		s.load.start()
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
		s.note("%d in flight when it was stopped", n)
		if err := errors.Join(s.receiver.release()); err != nil {
			return err
		}
		if _, err := s.work(s.direct); err != nil {
			return err
		}
		select {
		case <-time.After(outlast):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := resume(s, victim); err != nil {
			return err
		}
		return coolDown(ctx, s)
	}
}

// terminateUnderLoad stops the whole server by SIGTERM and starts it again,
// three times.
func terminateUnderLoad(ctx context.Context, s *site) error {
	p, err := s.serve(s.direct)
	if err != nil {
		return err
	}
	if err := warmUp(ctx, s); err != nil {
		return err
	}
	var longest time.Duration
	for range 3 {
		took, err := p.Terminate()
		if err != nil {
			return err
		}
		longest = max(longest, took)
		if p, err = s.serve(s.direct); err != nil {
			return err
		}
		if err := s.load.more(ctx, warm/2); err != nil {
			return err
		}
	}
	s.note("stopped within %s", longest.Round(10*time.Millisecond))
	return coolDown(ctx, s)
}

// killAgainAndAgain kills one of two workers every few seconds, and the server
// now and then.
func killAgainAndAgain(ctx context.Context, s *site) error {
	server, err := s.serve(s.direct, "--no-workers")
	if err != nil {
		return err
	}
	workers := make([]*program.Process, 2)
	for i := range workers {
		if workers[i], err = s.work(s.direct); err != nil {
			return err
		}
	}
	if err := warmUp(ctx, s); err != nil {
		return err
	}
	rounds := 8
	if s.Short {
		rounds = 3
	}
	for round := range rounds {
		if err := s.load.more(ctx, warm); err != nil {
			return err
		}
		victim := round % len(workers)
		workers[victim].Kill()
		if _, err := s.excuse(ctx); err != nil {
			return err
		}
		if workers[victim], err = s.work(s.direct); err != nil {
			return err
		}
		if round%3 == 2 {
			server.Kill()
			if server, err = s.serve(s.direct, "--no-workers"); err != nil {
				return fmt.Errorf("starting the server again: %w", err)
			}
		}
	}
	return coolDown(ctx, s)
}
