package faults

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"hookwell/client"
)

// reporters is how many reports are on their way at once.
const reporters = 8

// load reports events as a back end does: each with an idempotency key, again
// and again until it is accepted.
type load struct {
	site    *site
	try     func(ctx context.Context, n int) error // reports the event of that number once
	ctx     context.Context
	abandon context.CancelFunc
	end     chan struct{}
	ended   sync.WaitGroup

	mu       sync.Mutex
	phase    string
	accepted []client.AcceptedEvent
	done     int                        // reports that were accepted
	took     map[string][]time.Duration // of first tries that were accepted, by phase
	refused  map[string]int             // tries that were not, by phase
}

func newLoad(s *site) *load {
	ctx, abandon := context.WithCancel(context.Background())
	l := &load{site: s, ctx: ctx, abandon: abandon, end: make(chan struct{}), took: map[string][]time.Duration{}, refused: map[string]int{}}
	l.try = l.event
	return l
}

// start begins to report at the site's rate.
func (l *load) start() {
	l.in("before")
	ticks := make(chan int)
	l.ended.Go(func() {
		defer close(ticks)
		ticker := time.NewTicker(time.Second / time.Duration(l.site.Rate))
		defer ticker.Stop()
		for n := 0; ; n++ {
			select {
			case <-ticker.C:
			case <-l.end:
				return
			case <-l.ctx.Done():
				return
			}
			select {
			case ticks <- n:
			case <-l.end:
				return
			case <-l.ctx.Done():
				return
			}
		}
	})
	for range reporters {
		l.ended.Go(func() {
			for n := range ticks {
				l.report(n)
			}
		})
	}
}

// in names what is going on, for what is measured from now on.
func (l *load) in(phase string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.phase = phase
}

// stop ends the load; what is on its way is reported to its end.
func (l *load) stop() {
	close(l.end)
	l.ended.Wait()
}

// event reports the event of a number to the API.
func (l *load) event(ctx context.Context, n int) error {
	event := client.Event{Type: paymentFailed, IdempotencyKey: fmt.Sprintf("event-%d", n), Data: map[string]any{
		"paymentId": fmt.Sprintf("pay_%d", n), "amount": 1900, "currency": "usd", "status": "failed", "errorMessage": "The card was declined."}}
	accepted, err := l.site.api().SendEvent(ctx, event)
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.accepted = append(l.accepted, *accepted)
	}
	return err
}

// report reports one event until it is accepted.
func (l *load) report(n int) {
	for try := 0; ; try++ {
		l.mu.Lock()
		phase := l.phase
		l.mu.Unlock()
		began := time.Now()
		err := l.try(l.ctx, n)
		took := time.Since(began)
		l.mu.Lock()
		if err == nil {
			l.done++
			if try == 0 {
				l.took[phase] = append(l.took[phase], took)
			}
			l.mu.Unlock()
			return
		}
		l.refused[phase]++
		l.mu.Unlock()
		select {
		case <-time.After(50 * time.Millisecond):
		case <-l.ctx.Done():
			return
		}
	}
}

// count returns how many were accepted so far.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done
}

// more waits until so many more events have been accepted.
func (l *load) more(ctx context.Context, n int) error {
	want := l.count() + n
	return until(ctx, "events accepted", func() (bool, error) { return l.count() >= want, nil })
}

// said returns how a phase's reports were answered.
func (l *load) said(phase string) (count, refused int, median, worst time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	took := slices.Sorted(slices.Values(l.took[phase]))
	if len(took) == 0 {
		return 0, l.refused[phase], 0, 0
	}
	return len(took), l.refused[phase], took[len(took)/2], took[len(took)-1]
}
