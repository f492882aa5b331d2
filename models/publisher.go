package models

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
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

// acceptEach commits drafts in one transaction. If that fails they are halved
// until what is at fault stands alone: one can't fail its neighbours.
func (s *Store) acceptEach(ctx context.Context, drafts []*draft) {
	err := s.accept(ctx, drafts)
	if err == nil {
		return
	}
	if len(drafts) > 1 && s.Ping(ctx) == nil {
		half := len(drafts) / 2
		s.acceptEach(ctx, drafts[:half])
		s.acceptEach(ctx, drafts[half:])
		return
	}
	for _, d := range drafts {
		d.accepted, d.refused = nil, err
	}
}

// accept commits drafts and wakes their deliveries.
func (s *Store) accept(ctx context.Context, drafts []*draft) error {
	err := s.growing(ctx, func(tx *gorm.DB) error {
		fresh, err := s.claimKeys(tx, drafts)
		if err != nil || len(fresh) == 0 {
			return err
		}
		return s.fanOut(tx, fresh)
	})
	if err != nil {
		return fmt.Errorf("accepting events: %w", err)
	}
	var woken []Woken
	for _, d := range drafts {
		if d.twin != nil {
			replayed := *d.twin.accepted
			replayed.Replayed = true
			d.accepted = &replayed
		}
		woken = append(woken, d.woken...)
	}
	s.wake(woken)
	return nil
}

// idempotencyKey remembers which event was accepted under a key.
type idempotencyKey struct {
	OrganizationID string `gorm:"primaryKey"`
	Key            string `gorm:"primaryKey"`
	RequestHash    []byte
	EventID        string
	CreatedAt      time.Time
}

// claimKeys saves the drafts' idempotency keys and answers the drafts that are
// to be written. A key that another transaction holds is waited for; one that
// was used before answers or refuses its draft.
func (s *Store) claimKeys(tx *gorm.DB, drafts []*draft) ([]*draft, error) {
	var fresh, keyed []*draft
	for _, d := range drafts {
		d.accepted, d.refused, d.twin, d.woken = nil, nil, nil, nil
		if d.key == "" {
			fresh = append(fresh, d)
		} else {
			keyed = append(keyed, d)
		}
	}
	if len(keyed) == 0 {
		return fresh, nil
	}
	held, err := s.holdKeys(tx, keyed)
	if err != nil {
		return nil, err
	}
	mine := make(map[string]*draft, len(keyed))
	for _, d := range keyed {
		mine[d.event.ID] = d
	}
	earlier, err := earlierEvents(tx, held, mine)
	if err != nil {
		return nil, err
	}
	for _, d := range keyed {
		holder := held[keyName{d.event.OrganizationID, d.key}]
		switch {
		case holder.EventID == d.event.ID:
			fresh = append(fresh, d)
		case !slices.Equal(holder.RequestHash, d.hash):
			d.refused = conflict("idempotency_conflict", "This Idempotency-Key was used with another body in the last 24 hours. Use a new key for a new event.")
		case mine[holder.EventID] != nil:
			d.twin = mine[holder.EventID]
		default:
			d.accepted = earlier[holder.EventID]
		}
	}
	return fresh, nil
}

type keyName struct{ organizationID, key string }

// holdKeys inserts the keys that are free or expired and reads who holds each.
func (s *Store) holdKeys(tx *gorm.DB, drafts []*draft) (map[keyName]idempotencyKey, error) {
	now := s.clock.Now()
	rows := make([]idempotencyKey, 0, len(drafts))
	seen := map[keyName]bool{}
	names := make([][]any, 0, len(drafts))
	for _, d := range drafts {
		name := keyName{d.event.OrganizationID, d.key}
		if seen[name] { // a twin in the same group: the first holds the key
			continue
		}
		seen[name] = true
		rows = append(rows, idempotencyKey{name.organizationID, name.key, d.hash, d.event.ID, now})
		names = append(names, []any{name.organizationID, name.key})
	}
	// In one order everywhere, so that two groups can't wait for each other.
	slices.SortFunc(rows, func(a, b idempotencyKey) int {
		return strings.Compare(a.OrganizationID+"\x00"+a.Key, b.OrganizationID+"\x00"+b.Key)
	})
	expired := clause.Where{Exprs: []clause.Expression{clause.Lte{Column: clause.Column{Table: "idempotency_keys", Name: "created_at"}, Value: now.Add(-idempotencySpan)}}}
	err := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "organization_id"}, {Name: "key"}},
		DoUpdates: clause.AssignmentColumns([]string{"request_hash", "event_id", "created_at"}), Where: expired}).Create(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("holding idempotency keys: %w", err)
	}
	var saved []idempotencyKey
	if err := tx.Where("(organization_id, key) IN ?", names).Find(&saved).Error; err != nil {
		return nil, fmt.Errorf("reading idempotency keys: %w", err)
	}
	held := make(map[keyName]idempotencyKey, len(saved))
	for _, row := range saved {
		held[keyName{row.OrganizationID, row.Key}] = row
	}
	return held, nil
}

// earlierEvents answers what was accepted under the keys that others hold.
func earlierEvents(tx *gorm.DB, held map[keyName]idempotencyKey, mine map[string]*draft) (map[string]*Accepted, error) {
	var ids []string
	for _, holder := range held {
		if mine[holder.EventID] == nil {
			ids = append(ids, holder.EventID)
		}
	}
	var events []Event
	if len(ids) > 0 {
		if err := tx.Select("id", "type", "deliveries").Where("id IN ?", ids).Find(&events).Error; err != nil {
			return nil, fmt.Errorf("reading earlier events: %w", err)
		}
	}
	earlier := make(map[string]*Accepted, len(events))
	for _, e := range events {
		earlier[e.ID] = &Accepted{ID: e.ID, Type: e.Type, Deliveries: e.Deliveries, Replayed: true}
	}
	if len(earlier) < len(ids) {
		return nil, errors.New("an event under an idempotency key is missing")
	}
	return earlier, nil
}

// PruneIdempotencyKeys forgets the keys that have expired.
func (s *Store) PruneIdempotencyKeys(ctx context.Context) error {
	return s.db.WithContext(ctx).Where("created_at <= ?", s.clock.Now().Add(-idempotencySpan)).Delete(&idempotencyKey{}).Error
}
