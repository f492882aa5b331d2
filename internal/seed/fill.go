package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"hookwell/models"
	"hookwell/models/store"
)

// perWrite is how many deliveries go into one transaction.
const perWrite = 20_000

// totals are what was made, and how the endpoints fare at the end of it.
type totals struct {
	mu         sync.Mutex
	deliveries int
	byState    map[models.State]int
	states     map[string]*models.EndpointState
}

func newTotals() *totals {
	return &totals{byState: map[models.State]int{}, states: map[string]*models.EndpointState{}}
}

func (t *totals) String() string {
	text := fmt.Sprintf("%d deliveries", t.deliveries)
	for _, state := range models.States() {
		text += fmt.Sprintf(", %d %s (%.2f %%)", t.byState[state], state, 100*float64(t.byState[state])/float64(max(t.deliveries, 1)))
	}
	return text
}

// span is one stretch of the past, within a day, with its share of deliveries.
type span struct {
	from, to time.Time
	count    int
}

// spans divides the deliveries over the days: weekends have half of a weekday.
func (p *plan) spans() []span {
	var list []span
	var weights []float64
	total := 0.0
	for from := p.since; from.Before(p.now); {
		to := from.Truncate(day).Add(day)
		if to.After(p.now) {
			to = p.now
		}
		w := to.Sub(from).Hours()
		if d := from.Weekday(); d == time.Saturday || d == time.Sunday {
			w /= 2
		}
		list, weights, total = append(list, span{from: from, to: to}), append(weights, w), total+w
		from = to
	}
	left := p.deliveries
	for i := range list {
		list[i].count = int(float64(p.deliveries) * weights[i] / total)
		if i == len(list)-1 {
			list[i].count = left
		}
		left -= list[i].count
	}
	return list
}

// fill makes and writes every span, some at a time.
func (p *plan) fill(ctx context.Context, store *store.Store, writers int) error {
	group, filling := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	began := time.Now()
	for i, s := range p.spans() {
		group.Go(func() error {
			if err := p.fillSpan(filling, store, s, rand.New(rand.NewPCG(p.seed, uint64(i)))); err != nil {
				return fmt.Errorf("%s: %w", s.from.Format(time.DateOnly), err)
			}
			p.totals.mu.Lock()
			defer p.totals.mu.Unlock()
			fmt.Printf("%s  %d of %d, %s\n", s.from.Format(time.DateOnly), p.totals.deliveries, p.deliveries, time.Since(began).Round(time.Second))
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	states := make([]models.EndpointState, 0, len(p.totals.states))
	for state := range maps.Values(p.totals.states) {
		states = append(states, *state)
	}
	return store.Engine().LoadHistory(ctx, &models.History{States: states})
}

// fillSpan makes events at the pace of the hour until the span has its count.
func (p *plan) fillSpan(ctx context.Context, store *store.Store, s span, draw *rand.Rand) error {
	m := newMaker(p, draw)
	pace := s.to.Sub(s.from).Seconds() / float64(max(s.count, 1))
	for at, left := s.from, s.count; left > 0; {
		made := m.event(at, left)
		left -= made
		hour := at.Sub(at.Truncate(day)).Hours()
		wave := 1 + 0.6*math.Sin((hour-8)/24*2*math.Pi) // few at night, many in the afternoon
		step := time.Duration(float64(max(made, 1)) * pace / wave * (0.5 + draw.Float64()) * float64(time.Second))
		if at = at.Add(step); at.After(s.to) {
			at = s.to.Add(-time.Duration(draw.IntN(1000)+1) * time.Millisecond)
		}
		if len(m.history.Deliveries) >= perWrite || left == 0 {
			if err := m.write(ctx, store); err != nil {
				return err
			}
		}
	}
	return nil
}
