package jobs

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"hookwell/models"
	"hookwell/models/pipeline"
)

// How often each round runs, in every process; the database keeps two from
// doing the same.
const (
	expandInterval       = 100 * time.Millisecond
	dueInterval          = 500 * time.Millisecond
	reclaimInterval      = 2 * time.Second
	endInterval          = 10 * time.Second
	tryRedisInterval     = 500 * time.Millisecond
	recoverInterval      = 500 * time.Millisecond
	mailInterval         = 10 * time.Second
	rollUpInterval       = 5 * time.Second
	finishInterval       = 5 * time.Second
	noteInterval         = time.Second
	watchInterval        = time.Minute
	housekeepingInterval = time.Hour
	attendInterval       = pipeline.AttendInterval
)

// every runs a round at once and then again and again, a little unevenly so
// that processes do not fall into step.
func (w *Workers) every(ctx context.Context, interval time.Duration, what string, round func(context.Context) error) {
	w.everyOr(ctx, interval, nil, what, round)
}

// everyOr does what every does, and runs at once when it is called.
func (w *Workers) everyOr(ctx context.Context, interval time.Duration, called <-chan struct{}, what string, round func(context.Context) error) {
	w.rounds.Go(func() { w.repeat(ctx, interval, called, what, round) })
}

// repeat runs a round again and again until the context ends.
func (w *Workers) repeat(ctx context.Context, interval time.Duration, called <-chan struct{}, what string, round func(context.Context) error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-called:
		case <-ctx.Done():
			return
		}
		if err := round(ctx); err != nil && !errors.Is(err, context.Canceled) {
			w.Log.Error(what, "error", err)
		}
		timer.Reset(interval + time.Duration(rand.Int64N(int64(interval/5))))
	}
}

// stepLimit bounds one step of a round: one that waits for a connection that is
// gone, or for a lock, is begun again.
const stepLimit = 30 * time.Second

// tryLimit bounds one try of a Redis that is away.
const tryLimit = 5 * time.Second

// wakeDue wakes rows that are overdue: retries, and whatever was lost on its
// way.
func (w *Workers) wakeDue(ctx context.Context) (err error) {
	defer func() {
		if err == nil {
			w.scanned.Store(w.Engine.Now().UnixMicro())
		}
	}()
	limited, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	lanes, err := w.Engine.Due(limited)
	if err != nil {
		return err
	}
	for _, group := range byCount(inTurns(lanes)) {
		w.Queue.hand(limited, dueQueue, group)
	}
	return nil
}

// attend notes that this process has workers.
func (w *Workers) attend(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	return w.Engine.Attend(limited)
}

// expandLate gives deliveries that wait for their outcomes rows of their own.
func (w *Workers) expandLate(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	return w.Engine.ExpandLate(limited)
}

// tryRedis looks whether Redis takes tasks again. It is a round of its own, since
// a Redis that takes connections and never replies may hold each try up.
func (w *Workers) tryRedis(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	w.Queue.probe(limited)
	return nil
}

// byCount puts whole lanes together into tasks.
func byCount(lanes []pipeline.DueLane) [][]pipeline.DueLane {
	var groups [][]pipeline.DueLane
	count := 0
	for _, lane := range lanes {
		if len(groups) == 0 || count+len(lane.DeliveryIDs) > taskIDs {
			groups = append(groups, nil)
			count = 0
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], lane)
		count += len(lane.DeliveryIDs)
	}
	return groups
}

func (w *Workers) reclaim(ctx context.Context) error {
	return untilEmpty(ctx, w.Engine.Reclaim)
}

// endRound ends deliveries that can't go on, and then deleted organizations
// for which nothing waits any more, and erases what their sources received.
func (w *Workers) endRound(ctx context.Context) error {
	return errors.Join(untilEmpty(ctx, w.Engine.EndWaiting), untilEmpty(ctx, w.Store.CloseOrganizations), untilEmpty(ctx, w.Store.EraseReceived))
}

// finishFanOuts goes on with events whose deliveries were not all written when
// the process that accepted them ended.
func (w *Workers) finishFanOuts(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	_, err := w.Engine.FinishFanOuts(limited)
	return err
}

func (w *Workers) rollUp(ctx context.Context) error { return untilEmpty(ctx, w.Engine.RollUp) }

func (w *Workers) watch(ctx context.Context) error {
	return untilEmpty(ctx, w.Engine.WatchEndpoints)
}

// recover does the steps of recoveries whose time has come, and tells the pages
// that show them. Their deliveries are woken by the due scan, behind all else.
func (w *Workers) recover(ctx context.Context) error {
	for {
		limited, cancel := context.WithTimeout(ctx, stepLimit)
		r, err := w.Store.StepRecovery(limited)
		cancel()
		if err != nil || r == nil {
			return err
		}
		w.Feed.changed([]models.Woken{{OrganizationID: r.OrganizationID, EndpointID: r.EndpointID, DeliveryID: r.ID}})
	}
}

func untilEmpty(ctx context.Context, step func(context.Context) (int, error)) error {
	for {
		limited, cancel := context.WithTimeout(ctx, stepLimit)
		n, err := step(limited)
		cancel()
		if err != nil || n < pipeline.FullStep {
			return err
		}
	}
}

func (w *Workers) keepHouse(ctx context.Context) error {
	old := w.Engine.Now().Add(-max(w.Retention, pipeline.MinRetention))
	return errors.Join(w.Engine.MakePartitions(ctx), w.Engine.Prune(ctx, old), w.Engine.DropBodies(ctx), w.Engine.PruneIdempotencyKeys(ctx), w.Store.Prune(ctx))
}
