package models

import (
	"context"
	"slices"
	"sync"
	"time"
)

// publisher commits reports in groups, across tenants. A group is what waits
// when a committer is free: nobody waits for a group to fill.
type publisher struct {
	store   *Store
	drafts  chan *submission
	stop    chan struct{}
	stopped sync.WaitGroup
	ended   chan struct{} // no committer is left
}

type submission struct {
	drafts []*draft
	done   chan struct{} // closed when every draft is accepted or refused
}

const (
	committers   = 2 // one prepares and sends while the other waits for the disk
	maxGroup     = 256
	maxGroupSize = 4 << 20 // bytes of bodies in one transaction
	commitLimit  = 20 * time.Second
)

func newPublisher(s *Store) *publisher {
	p := &publisher{store: s, drafts: make(chan *submission, 4*maxGroup), stop: make(chan struct{}), ended: make(chan struct{})}
	for range committers {
		p.stopped.Go(p.run)
	}
	return p
}

func (p *publisher) close() {
	close(p.stop)
	p.stopped.Wait()
	close(p.ended)
}

// do commits one draft, in whatever group it falls into.
func (p *publisher) do(ctx context.Context, d *draft) (*Accepted, error) {
	if err := p.submit(ctx, []*draft{d}); err != nil {
		return nil, err
	}
	return d.accepted, d.refused
}

// Report is one event of a batch, for the organization that it happened in.
type Report struct {
	Tenant *Tenant
	Event  NewEvent
}

// Outcome is what became of one report: Accepted or Err.
type Outcome struct {
	Accepted *Accepted
	Err      error
}

// PublishBatch accepts many events, each by itself: one that is refused leaves
// the others alone. The outcomes stand in the reports' order.
func (s *Store) PublishBatch(ctx context.Context, reports []Report) []Outcome {
	outcomes := make([]Outcome, len(reports))
	drafts := make([]*draft, len(reports))
	var good []*draft
	for i, r := range reports {
		if drafts[i], outcomes[i].Err = r.Tenant.draft(r.Event, OriginAPI); outcomes[i].Err == nil {
			good = append(good, drafts[i])
		}
	}
	failed := map[*draft]error{}
	for chunk := range slices.Chunk(good, maxGroup) {
		if err := s.publish.submit(ctx, chunk); err != nil {
			for _, d := range chunk {
				failed[d] = err
			}
		}
	}
	for i, d := range drafts {
		if d == nil {
			continue
		}
		if outcomes[i].Err = failed[d]; outcomes[i].Err == nil {
			outcomes[i] = Outcome{d.accepted, d.refused}
		}
	}
	return outcomes
}

func (p *publisher) submit(ctx context.Context, drafts []*draft) error {
	sub := &submission{drafts: drafts, done: make(chan struct{})}
	select {
	case p.drafts <- sub:
	case <-p.stop:
		return errStopping
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-sub.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.ended:
	}
	select {
	case <-sub.done:
		return nil
	default: // it came in behind the last committer
		return errStopping
	}
}

var errStopping = &Error{Kind: Unavailable, Code: "stopping", Message: "Hookwell is stopping. Send this again in a moment."}

func (p *publisher) run() {
	for {
		select {
		case first := <-p.drafts:
			p.commit(p.gather(first))
		case <-p.stop:
			// What was taken in is still answered.
			select {
			case first := <-p.drafts:
				p.commit(p.gather(first))
			default:
				return
			}
		}
	}
}

// gather adds to the first submission what waits behind it.
func (p *publisher) gather(first *submission) []*submission {
	group := []*submission{first}
	count, size := first.weight()
	for count < maxGroup && size < maxGroupSize {
		select {
		case next := <-p.drafts:
			group = append(group, next)
			n, bytes := next.weight()
			count, size = count+n, size+bytes
		default:
			return group
		}
	}
	return group
}

func (sub *submission) weight() (count, size int) {
	for _, d := range sub.drafts {
		size += len(d.event.Body)
	}
	return len(sub.drafts), size
}

// commit writes a group and answers those who wait for it.
func (p *publisher) commit(group []*submission) {
	ctx, cancel := context.WithTimeout(context.Background(), commitLimit)
	defer cancel()
	var all []*draft
	for _, sub := range group {
		all = append(all, sub.drafts...)
	}
	p.store.acceptEach(ctx, all)
	for _, sub := range group {
		close(sub.done)
	}
}
