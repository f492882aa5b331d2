package jobs

import (
	"context"
	"time"

	"github.com/hibiken/asynq"

	"hookwell/models"
)

// receiveInterval is how often a process looks for requests that nobody announced.
const receiveInterval = 500 * time.Millisecond

// callRequests lets the round that processes requests look at once.
func (w *Workers) callRequests(context.Context, *asynq.Task) error {
	w.Engine.LookForRequests()
	return nil
}

// After each step, processing rests for processRest times as long as the step took,
// up to processRestLimit: requests that come meanwhile make the next step larger, so
// that each of them costs less, and those who wait for an answer find the processors
// and the database free most of the time.
const (
	processRest      = 8
	processRestLimit = 250 * time.Millisecond
)

// processRequests turns the requests of sources that are due into events.
func (w *Workers) processRequests(ctx context.Context) error {
	for {
		began := time.Now()
		limited, cancel := context.WithTimeout(ctx, stepLimit)
		n, err := w.Engine.ProcessRequests(limited)
		cancel()
		if err != nil || n == 0 {
			return err
		}
		timer := time.NewTimer(restAfter(time.Since(began), w.Engine.RequestsPress()))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// restAfter returns how long processing rests after a step. While requests press
// it doesn't.
func restAfter(took time.Duration, press bool) time.Duration {
	if press {
		return 0
	}
	return min(processRest*took, processRestLimit)
}

// replayRequests does the steps of replays whose time has come, and tells the pages
// that show them.
func (w *Workers) replayRequests(ctx context.Context) error {
	for {
		limited, cancel := context.WithTimeout(ctx, stepLimit)
		r, err := w.Store.StepReplay(limited)
		cancel()
		if err != nil || r == nil {
			return err
		}
		w.Feed.changed([]models.Woken{{OrganizationID: r.OrganizationID, DeliveryID: r.ID}})
	}
}
