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

// processRequests turns the requests of sources that are due into events.
func (w *Workers) processRequests(ctx context.Context) error {
	for {
		limited, cancel := context.WithTimeout(ctx, stepLimit)
		n, err := w.Engine.ProcessRequests(limited)
		cancel()
		if err != nil || n == 0 {
			return err
		}
	}
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
