package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrWrong is what a run ends with that was not right, however fast it was.
var ErrWrong = errors.New("the run was wrong")

// faults are what was wrong with a run: the first of them, and how many.
type faults struct {
	first []string
	count int
}

func (f *faults) add(format string, arguments ...any) {
	const most = 5
	f.count++
	if len(f.first) < most {
		f.first = append(f.first, fmt.Sprintf(format, arguments...))
	}
}

func (f *faults) err() error {
	if f.count == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d faults: %s", ErrWrong, f.count, strings.Join(f.first, "; "))
}

// check holds what arrived against what was accepted. Endpoints that are not
// healthy may be asked more than once and are not looked at.
func check(s *scenario, reported Reported, record Record) *faults {
	f := &faults{}
	if reported.Refused > 0 {
		f.add("%d events were refused: %s", reported.Refused, reported.Fault)
	}
	if record.Stray > 0 {
		f.add("%d requests came to no endpoint", record.Stray)
	}
	type place struct{ id, path string }
	wanted := map[place]int{}
	sequences := make(map[string]int, len(reported.Accepted))
	for _, a := range reported.Accepted {
		if _, twice := sequences[a.ID]; twice {
			f.add("%s was answered to two reports", a.ID)
		}
		sequences[a.ID] = a.Sequence
		for _, path := range s.paths[a.Sequence%len(s.paths)] {
			wanted[place{a.ID, path}]++
		}
	}
	for _, a := range record.Arrivals {
		sequence, known := sequences[a.ID]
		left, due := wanted[place{a.ID, a.Path}]
		switch {
		case !strings.HasPrefix(a.Path, pathHealthy):
		case a.Fault != "":
			f.add("%s at %s: %s", a.ID, a.Path, a.Fault)
		case !known:
			f.add("%s came to %s, but was never accepted", a.ID, a.Path)
		case !due:
			f.add("%s came to %s, which should not get it", a.ID, a.Path)
		case left == 0:
			f.add("%s came to %s more than once", a.ID, a.Path)
		case a.Sequence != sequence:
			f.add("%s came to %s with the data of report %d, not %d", a.ID, a.Path, a.Sequence, sequence)
		}
		if left > 0 && a.Fault == "" {
			wanted[place{a.ID, a.Path}]--
		}
	}
	for p, left := range wanted {
		if left > 0 {
			f.add("%s never came to %s", p.id, p.path)
		}
	}
	return f
}

// mark is the newest of what is on record, so that a run's own can be told.
type mark struct{ event, delivery string }

func (i *installation) mark(ctx context.Context) (m mark, err error) {
	err = i.db.QueryRowContext(ctx, `SELECT coalesce((SELECT max(id) FROM events), ''), coalesce((SELECT max(id) FROM deliveries), '')`).Scan(&m.event, &m.delivery)
	if err != nil {
		return mark{}, fmt.Errorf("reading the database: %w", err)
	}
	return m, nil
}

// recordCounts are rows of a run.
type recordCounts struct{ events, deliveries, deliveredAtOnce, attempts int }

func (i *installation) recordedSince(ctx context.Context, m mark) (c recordCounts, err error) {
	err = i.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM events WHERE id > $1), (SELECT count(*) FROM deliveries WHERE id > $2),
		(SELECT count(*) FROM deliveries WHERE id > $2 AND state = 'delivered' AND attempt_count = 1),
		(SELECT count(*) FROM attempts WHERE delivery_id > $2)`, m.event, m.delivery).
		Scan(&c.events, &c.deliveries, &c.deliveredAtOnce, &c.attempts)
	if err != nil {
		return recordCounts{}, fmt.Errorf("reading the database: %w", err)
	}
	return c, nil
}

const settleEvery = 20 * time.Millisecond

// settle waits until none of a run's deliveries has work left, and answers how
// many still have after some time.
func (i *installation) settle(ctx context.Context, m mark) (unfinished int, err error) {
	ctx, cancel := context.WithTimeout(ctx, recordLimit)
	defer cancel()
	for {
		err := i.db.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM delivery_work WHERE delivery_id > $1) + (SELECT count(*) FROM accepted_groups)", m.delivery).Scan(&unfinished)
		switch {
		case err == nil && unfinished == 0:
			return 0, nil
		case err != nil && ctx.Err() == nil:
			return unfinished, fmt.Errorf("reading the database: %w", err)
		}
		select {
		case <-ctx.Done():
			return unfinished, nil
		case <-time.After(settleEvery):
		}
	}
}
