package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
)

// Arrival is a request that passed its source's checks, on its way into the
// database.
type Arrival struct {
	Source       *OpenSource
	Request      *inbound.Request
	Verification inbound.Verification
	Query        string
	StatusCode   int  // that is answered
	Test         bool // a sample of ours: it is never a duplicate, and what it becomes are test events

	ctx  context.Context
	row  *models.Request
	keys []inbound.Key
	done chan struct{}

	// What the transaction found out.
	receipt Receipt
	err     error
	again   bool // what it shares a key with is itself no new request

	refused *models.RefusedRequest // that it was until now; nil of what has just come
}

// Receipt is what became of an arrival: a new request, or another one's duplicate.
type Receipt struct {
	RequestID string // of the request that is kept
	Duplicate string // why it is a duplicate: the kind of key; empty for a new request
}

// ErrSourceChanged is of an arrival whose source was changed after it had been
// checked. Nothing was stored: read the source again, and check again.
var ErrSourceChanged = errors.New("the source has changed")

// receiver commits arrivals in groups: whatever waits while one group is committed
// makes the next one.
type receiver struct {
	engine  *Engine
	mu      sync.Mutex
	waiting []*Arrival
	closed  bool
	signal  chan struct{}
	begun   sync.Once // with the first request
	stopped sync.WaitGroup
	refused refusals
	groupAt atomic.Int64 // when gatherFrom were last committed together, in Unix nanoseconds
}

const (
	maxArrivals     = 256
	maxArrivalBytes = 8 << 20
)

func newReceiver(p *Engine) *receiver {
	r := &receiver{engine: p, signal: make(chan struct{}, 1)}
	r.refused.init()
	return r
}

func (r *receiver) start() {
	r.stopped.Go(r.run)
	r.stopped.Go(r.refused.run(r.engine))
}

func (r *receiver) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	call(r.signal)
	r.refused.close()
	r.stopped.Wait()
}

func call(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}

// Receive commits an arrival, in a group with others, and returns what became of
// it. Once it returns without an error the request is in the database, and is
// turned into events whatever happens to this process. It fails with
// ErrSourceChanged, or Unavailable while the engine stops.
func (p *Engine) Receive(ctx context.Context, a *Arrival) (Receipt, error) {
	if !p.publish.started.Load() {
		return Receipt{}, errAtRest
	}
	p.describe(a)
	a.ctx, a.done = ctx, make(chan struct{})
	r := p.receive
	r.begun.Do(r.start)
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return Receipt{}, errStopping
	}
	r.waiting = append(r.waiting, a)
	r.mu.Unlock()
	call(r.signal)
	select {
	case <-a.done:
		return a.receipt, a.err
	case <-ctx.Done():
		return Receipt{}, ctx.Err()
	}
}

// describe writes the arrival's row.
func (p *Engine) describe(a *Arrival) {
	identity := a.Source.Verifier.Identify(a.Request, a.Verification.State)
	a.row = requestRow(a.Source, a.Request, a.Query)
	a.row.ID = p.clock.NewID(models.PrefixRequest, a.Request.ReceivedAt)
	a.row.State, a.row.Checked, a.row.StatusCode, a.row.Test = a.Verification.State, a.Verification.Method, a.StatusCode, a.Test
	a.row.Processing = models.ProcessingWaiting
	identify(a.row, identity)
	if a.Verification.State == inbound.Verified && identity.Test {
		a.row.Test = true
	}
	if !a.Test {
		a.keys = identity.Keys
	}
}

// identify writes what the request says it is.
func identify(row *models.Request, i inbound.Identity) {
	row.ExternalID, row.ExternalType = plainText(i.ID), plainText(i.Type)
	if !i.Time.IsZero() {
		at := i.Time.UTC().Truncate(time.Microsecond)
		row.ExternalTime = &at
	}
}

// requestRow is what is kept of a request: all but the credentials.
func requestRow(s *OpenSource, r *inbound.Request, query string) *models.Request {
	row := &models.Request{OrganizationID: s.OrganizationID, SourceID: s.ID, Method: r.Method, Query: maskQuery(plainText(query)),
		RemoteAddress: addressText(r.RemoteAddress), Headers: maskHeaders(s, r.Headers), Body: r.Body, BodyBytes: len(r.Body), ReceivedAt: r.ReceivedAt}
	return row
}

// addressText writes an address; a sample of ours has none.
func addressText(address netip.Addr) string {
	if !address.IsValid() {
		return ""
	}
	return address.String()
}

// plainText makes text of bytes that came from outside: Postgres takes neither NUL
// nor broken UTF-8.
func plainText(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
}

// After a group of gatherFrom at least, the next one begins after a gatherShare-th of the
// time that it took, up to gatherLimit: those who were just answered send again, and
// would otherwise make two groups in turn, each half as large.
const (
	gatherFrom  = 8
	gatherShare = 8
	gatherLimit = 2 * time.Millisecond
	// busyFor is how long after such a group others are taken to wait.
	busyFor = 250 * time.Millisecond
)

// busy reports whether so many requests come that they wait for each other.
func (r *receiver) busy() bool {
	return time.Since(time.Unix(0, r.groupAt.Load())) < busyFor
}

// run commits group after group.
func (r *receiver) run() {
	for {
		group, closed := r.take()
		if len(group) > 0 {
			began := time.Now()
			r.engine.receiveGroup(group)
			if len(group) >= gatherFrom && !closed {
				r.groupAt.Store(time.Now().UnixNano())
				time.Sleep(min(time.Since(began)/gatherShare, gatherLimit))
			}
			continue
		}
		if closed {
			return
		}
		<-r.signal
	}
}

// take removes the next group from those that wait. Who has gone is left out.
func (r *receiver) take() (group []*Arrival, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	size, n := 0, 0
	for ; n < len(r.waiting) && len(group) < maxArrivals && (n == 0 || size < maxArrivalBytes); n++ {
		a := r.waiting[n]
		if a.err = a.ctx.Err(); a.err != nil {
			close(a.done)
			continue
		}
		group, size = append(group, a), size+len(a.row.Body)
	}
	if r.waiting = slices.Delete(r.waiting, 0, n); len(r.waiting) == 0 {
		r.waiting = nil
	}
	return group, r.closed
}

// receiveGroup commits a group and answers. If it fails its arrivals are tried each
// alone, so that one can't fail its neighbours.
func (p *Engine) receiveGroup(group []*Arrival) {
	ctx, cancel := context.WithTimeout(context.Background(), CommitLimit)
	defer cancel()
	done, err := p.receiveAtOnce(ctx, group)
	if err == nil && !done {
		err = p.db.Transaction(ctx, func(tx *database.Tx) error { return p.takeIn(tx, group) })
	}
	if err != nil && len(group) > 1 && !models.IsCode(err, models.CodeDatabaseBusy) && p.db.Ping(ctx) == nil {
		for _, a := range group {
			p.receiveGroup([]*Arrival{a})
		}
		return
	}
	var later []*Arrival
	for _, a := range group {
		if err == nil && a.again {
			later = append(later, a)
			continue
		}
		if err != nil {
			a.receipt, a.err = Receipt{}, fmt.Errorf("receiving: %w", p.db.NoteStorage(err))
		}
		close(a.done)
	}
	for _, a := range later {
		p.receiveGroup([]*Arrival{a})
	}
	if err == nil {
		p.keep(group)
		p.callRequests()
	}
}

// keep keeps in memory what a group has committed: its requests, where this process
// turns them into events, and that their sources' first ones have come.
func (p *Engine) keep(group []*Arrival) {
	var rows []*models.Request
	for _, a := range group {
		if a.err != nil || a.again || a.receipt.Duplicate != "" {
			continue
		}
		rows = append(rows, a.row)
		if s := a.Source; s.FirstVerifiedAt == nil && s.token != "" && a.row.State != inbound.Unverified {
			p.noteBegun(s)
		}
	}
	if p.processes.Load() {
		p.received.put(rows)
	}
}

// takeIn writes a group: keys, requests, and the work that they are.
func (p *Engine) takeIn(tx *database.Tx, group []*Arrival) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	current, err := p.unchanged(tx, group)
	if err != nil {
		return err
	}
	fresh, repeated, err := p.tellApart(tx, current)
	if err != nil {
		return err
	}
	var rows []*models.Request
	var work []*requestWork
	var begun []string
	for _, a := range fresh {
		rows = append(rows, a.row)
		w := newRequestWork(a.row)
		w.DueAt = now
		work = append(work, w)
		if a.Source.FirstVerifiedAt == nil && a.row.State != inbound.Unverified && !slices.Contains(begun, a.Source.ID) {
			begun = append(begun, a.Source.ID)
		}
	}
	if err := database.InsertAll(p.db.Dialect, tx.DB, rows, database.RefuseTaken); err != nil {
		return fmt.Errorf("inserting requests: %w", err)
	}
	if err := database.InsertAll(p.db.Dialect, tx.DB, work, database.RefuseTaken); err != nil {
		return fmt.Errorf("inserting the work of requests: %w", err)
	}
	if len(begun) > 0 {
		err := tx.Model(&models.Source{}).Where("id IN ? AND first_verified_at IS NULL", begun).UpdateColumn("first_verified_at", p.clock.Now()).Error
		if err != nil {
			return fmt.Errorf("noting a source's first request: %w", err)
		}
	}
	return p.countRepeats(tx, repeated)
}

// unchanged leaves out the arrivals whose source is no longer what they were
// checked by.
func (p *Engine) unchanged(tx *database.Tx, group []*Arrival) (current []*Arrival, err error) {
	var ids []string
	for _, a := range group {
		a.receipt, a.err, a.again = Receipt{}, nil, false
		if !slices.Contains(ids, a.Source.ID) {
			ids = append(ids, a.Source.ID)
		}
	}
	condition, parameter := p.db.Dialect.Among("id", ids)
	var stand []struct {
		ID       string
		Revision int64
	}
	if err := tx.Model(&models.Source{}).Select("id", "revision").Where(condition, parameter).Where("deleted_at IS NULL AND disabled_at IS NULL").Find(&stand).Error; err != nil {
		return nil, fmt.Errorf("reading sources: %w", err)
	}
	revisions := make(map[string]int64, len(stand))
	for _, s := range stand {
		revisions[s.ID] = s.Revision
	}
	for _, a := range group {
		if revision, ok := revisions[a.Source.ID]; !ok || revision != a.Source.Revision {
			a.err = ErrSourceChanged
			continue
		}
		current = append(current, a)
	}
	return current, nil
}
