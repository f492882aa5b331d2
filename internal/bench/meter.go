package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// spent is what Postgres wrote and Redis was asked.
type spent struct{ wal, disk, commands int64 }

// meter looks at what has been used so far; the function that it answers looks
// again and notes the difference.
func (b *bench) meter(ctx context.Context, i *installation) (read func(*run) error, err error) {
	used, beside, spending, err := b.look(ctx, i)
	for _, s := range i.servers {
		err = errors.Join(err, forgetPeak(s.PID()))
	}
	return func(r *run) error {
		for _, s := range i.servers {
			peak, err := residentPeak(s.PID())
			if err != nil {
				return err
			}
			r.resident = max(r.resident, peak)
		}
		usedNow, besideNow, spendingNow, err := b.look(ctx, i)
		if err != nil {
			return err
		}
		r.cpu, r.beside = usedNow.since(used), besideNow-beside
		if spendingNow != nil {
			r.spent = &spent{spendingNow.wal - spending.wal, spendingNow.disk - spending.disk, spendingNow.commands - spending.commands}
		}
		return nil
	}, err
}

func (b *bench) look(ctx context.Context, i *installation) (used cpu, beside time.Duration, spending *spent, err error) {
	used, cpuErr := i.cpu()
	beside, besideErr := treeTime(b.driver.command.Process.Pid, b.receiver.command.Process.Pid)
	spending, spentErr := i.spent(ctx)
	return used, beside, spending, errors.Join(cpuErr, besideErr, spentErr)
}

func (i *installation) spent(ctx context.Context) (*spent, error) {
	if i.services == nil {
		return nil, nil
	}
	var s spent
	err := i.db.QueryRowContext(ctx, "SELECT (pg_current_wal_lsn() - '0/0')::bigint, pg_database_size(current_database())").Scan(&s.wal, &s.disk)
	if err != nil {
		return nil, fmt.Errorf("looking at Postgres: %w", err)
	}
	commands, err := i.services.redisCommands(ctx)
	for _, calls := range commands {
		s.commands += calls
	}
	return &s, err
}
