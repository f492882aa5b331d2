package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
)

// What is kept of the requests that a source refused. Those with a wrong signature
// are kept whole, so that they can be accepted once the secret is right.
const (
	MaxRefusedWhole  = 1000     // of a source
	MaxRefusedBytes  = 32 << 20 // of a source's whole ones
	MaxRefusedOthers = 100      // of a source, of the last day
	RefusedBeginning = 16 << 10 // bytes of such a one's body
	refusedOtherSpan = 24 * time.Hour

	// waitingRefusals is how many refusals wait to be written. One beyond it is
	// counted, and nothing else is kept of it.
	waitingRefusals     = 64
	waitingRefusalBytes = 8 << 20
	// diagnosed is how many wrong signatures a second are diagnosed as they are kept;
	// the others are when somebody looks at them. Other causes cost no more than the
	// check did, and of some the body is cut: they are always diagnosed at once.
	diagnosed = 10
)

// refusal is a refused request on its way into the database.
type refusal struct {
	row     *models.RefusedRequest
	source  *OpenSource
	request *inbound.Request
	done    chan struct{}
}

// refusedCount is how many requests a source refused for one cause in one minute.
type refusedCount struct {
	SourceID       string        `gorm:"primaryKey"`
	Cause          inbound.Cause `gorm:"primaryKey"`
	Minute         int64         `gorm:"primaryKey"` // its start, in Unix seconds
	OrganizationID string
	Count          int
}

type refusedAt struct {
	sourceID string
	cause    inbound.Cause
	minute   int64
}

// refusals are written by one goroutine, whatever waits at once.
type refusals struct {
	mu      sync.Mutex
	waiting []*refusal
	bytes   int
	counts  map[refusedAt]*refusedCount
	budgets refusedBudgets
	signal  chan struct{}
	stop    chan struct{}
	second  int64 // in which diagnoses were counted
	count   int
}

func (r *refusals) init() {
	r.counts, r.signal, r.stop = map[refusedAt]*refusedCount{}, make(chan struct{}, 1), make(chan struct{})
}

func (r *refusals) close() { close(r.stop) }

// Refuse counts a request that a source refused and keeps it, as far as the
// bounds allow. It returns once that is written, or at once if too much waits. The
// request's body may be empty where it wasn't read; length is how long it is, as
// far as is known.
func (p *Engine) Refuse(ctx context.Context, s *OpenSource, request *inbound.Request, v inbound.Verification, query string, status, length int) {
	p.receive.begun.Do(p.receive.start)
	r := &p.receive.refused
	n := &refusal{row: refusedRow(s, request, v, query, status, length), source: s, request: request, done: make(chan struct{})}
	n.row.ID = p.clock.NewID(models.PrefixRequest, request.ReceivedAt)
	if !r.add(n) {
		return
	}
	select {
	case <-n.done:
	case <-ctx.Done():
	}
}

func refusedRow(s *OpenSource, request *inbound.Request, v inbound.Verification, query string, status, length int) *models.RefusedRequest {
	row := &models.RefusedRequest{Request: *requestRow(s, request, query), Whole: v.Cause == inbound.CauseSignature, Share: shareOf(request.RemoteAddress)}
	row.State, row.Cause, row.Checked, row.StatusCode = inbound.Refused, v.Cause, v.Method, status
	row.BodyBytes = max(len(request.Body), length)
	if s.Verifier != nil && len(request.Body) > 0 {
		identify(&row.Request, s.Verifier.Identify(request, inbound.Unverified))
	}
	if !row.Whole {
		row.Body = row.Body[:min(len(row.Body), RefusedBeginning)]
	}
	measure(row)
	return row
}

// shorten leaves of a request that was to be kept whole what is kept of all others.
func shorten(row *models.RefusedRequest) {
	row.Whole, row.Body = false, row.Body[:min(len(row.Body), RefusedBeginning)]
	measure(row)
}

func measure(row *models.RefusedRequest) {
	row.Size = len(row.Body) + len(row.Query)
	for _, h := range row.Headers {
		row.Size += len(h.Name) + len(h.Value)
	}
}

// shareOf returns the network whose share of the bound a request uses.
func shareOf(address netip.Addr) string {
	bits := 32
	if address.Is6() {
		bits = 64
	}
	network, err := address.Prefix(bits)
	if err != nil {
		return ""
	}
	return network.String()
}

// add counts a refusal, and reports whether it is written. What came too fast is
// only counted. A whole one that goes beyond its source's minute, or beyond what may
// wait, is shortened; one for which even that is too much is only counted.
func (r *refusals) add(n *refusal) bool {
	r.mu.Lock()
	at := refusedAt{n.row.SourceID, n.row.Cause, n.row.ReceivedAt.Truncate(time.Minute).Unix()}
	count := r.counts[at]
	if count == nil {
		count = &refusedCount{SourceID: at.sourceID, Cause: at.cause, Minute: at.minute, OrganizationID: n.row.OrganizationID}
		r.counts[at] = count
	}
	count.Count++
	kept := n.row.Cause != inbound.CauseRate && len(r.waiting) < waitingRefusals && r.mayKeep(n)
	if kept {
		n.row.Body = slices.Clone(n.row.Body) // whoever waited may go before it is written
		r.waiting, r.bytes = append(r.waiting, n), r.bytes+n.row.Size
	}
	r.mu.Unlock()
	call(r.signal)
	return kept
}

// mayKeep reports whether there is room for a refusal, shortened if need be.
func (r *refusals) mayKeep(n *refusal) bool {
	if n.row.Whole {
		if r.bytes+n.row.Size <= waitingRefusalBytes && r.budgets.spend(n.row, n.source.MaxBodyBytes) {
			return true
		}
		shorten(n.row)
	}
	return r.bytes+n.row.Size <= waitingRefusalBytes && r.budgets.spend(n.row, n.source.MaxBodyBytes)
}

// take removes all that waits.
func (r *refusals) take() (rows []*refusal, counts []*refusedCount) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rows, r.waiting, r.bytes = r.waiting, nil, 0
	for at, count := range r.counts {
		counts = append(counts, count)
		delete(r.counts, at)
	}
	slices.SortFunc(counts, compareCounts)
	return rows, counts
}

// mayDiagnose reports whether there is time for one more diagnosis in this second.
func (r *refusals) mayDiagnose(now time.Time) bool {
	if second := now.Unix(); second != r.second {
		r.second, r.count = second, 0
	}
	r.count++
	return r.count <= diagnosed
}

// run writes what waits until close.
func (r *refusals) run(p *Engine) func() {
	return func() {
		for {
			if rows, counts := r.take(); len(counts) > 0 {
				p.writeRefusals(rows, counts)
				continue
			}
			select {
			case <-r.signal:
			case <-r.stop:
				if rows, counts := r.take(); len(counts) > 0 {
					p.writeRefusals(rows, counts)
				}
				return
			}
		}
	}
}

// diagnose says what most likely happened to a refusal, as far as there is time.
func (p *Engine) diagnose(n *refusal) {
	if n.source.Verifier == nil || !n.row.Cause.OfVerification() || n.row.Cause == inbound.CauseSignature && !p.receive.refused.mayDiagnose(p.clock.Now()) {
		return
	}
	found := n.source.Verifier.Diagnose(n.request, n.source.Secrets, n.source.Earlier)
	n.row.Diagnosis, n.row.DiagnosisText = found.Reason, found.Text
}

// writeRefusals writes refusals and their counts. What can't be written is lost,
// with a line in the log: nobody was promised that it is kept.
func (p *Engine) writeRefusals(waiting []*refusal, counts []*refusedCount) {
	defer func() {
		for _, n := range waiting {
			close(n.done)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), CommitLimit)
	defer cancel()
	rows := make([]*models.RefusedRequest, len(waiting))
	for i, n := range waiting {
		rows[i] = n.row
		p.diagnose(n)
	}
	err := p.db.Transaction(ctx, func(tx *database.Tx) error {
		if err := database.InsertAll(p.db.Dialect, tx.DB, rows, database.RefuseTaken); err != nil {
			return fmt.Errorf("inserting refused requests: %w", err)
		}
		if err := tx.Clauses(addCounts()).Create(counts).Error; err != nil {
			return fmt.Errorf("counting refused requests: %w", err)
		}
		return p.boundRefused(tx, rows)
	})
	if err != nil {
		p.log.Error("refused requests are not kept", "count", len(rows), "error", p.db.NoteStorage(err))
		return
	}
	came := make([]requestWork, len(rows))
	for i, row := range rows {
		came[i] = requestWork{RequestID: row.ID, OrganizationID: row.OrganizationID, SourceID: row.SourceID}
	}
	p.showRequests(came)
}

// refusedRing is how much is kept of a source's refused requests, whole ones or
// others. It counts every row in, and may miss that one was removed: then the ring is
// looked at early, and counted anew.
type refusedRing struct {
	SourceID       string `gorm:"primaryKey"`
	Whole          bool   `gorm:"primaryKey"`
	OrganizationID string
	Count          int
	Size           int // in bytes
}

func (r *refusedRing) full() bool {
	if r.Whole {
		return r.Count > MaxRefusedWhole || r.Size > MaxRefusedBytes
	}
	return r.Count > MaxRefusedOthers
}

// ringSlack is the share of a full ring that is removed at once. Looking for what goes
// reads all that is kept, which a flood would have done for each of its requests.
const ringSlack = 10

// boundRefused counts the rows in at their sources' rings, and removes what goes
// beyond the bounds. The rings' rows stay locked until the commit, so that the bounds
// hold over all processes.
func (p *Engine) boundRefused(tx *database.Tx, rows []*models.RefusedRequest) error {
	if len(rows) == 0 {
		return nil
	}
	var rings []*refusedRing
	for _, row := range rows {
		at := slices.IndexFunc(rings, func(r *refusedRing) bool { return r.SourceID == row.SourceID && r.Whole == row.Whole })
		if at < 0 {
			at = len(rings)
			rings = append(rings, &refusedRing{SourceID: row.SourceID, Whole: row.Whole, OrganizationID: row.OrganizationID})
		}
		rings[at].Count, rings[at].Size = rings[at].Count+1, rings[at].Size+row.Size
	}
	slices.SortFunc(rings, func(a, b *refusedRing) int { // in one order everywhere
		return cmp.Or(strings.Compare(a.SourceID, b.SourceID), strings.Compare(fmt.Sprint(a.Whole), fmt.Sprint(b.Whole)))
	})
	add := clause.OnConflict{Columns: []clause.Column{{Name: "source_id"}, {Name: "whole"}},
		DoUpdates: clause.Assignments(map[string]any{"count": gorm.Expr("refused_rings.count + excluded.count"), "size": gorm.Expr("refused_rings.size + excluded.size")})}
	if err := tx.Clauses(add).Create(rings).Error; err != nil {
		return fmt.Errorf("counting what is kept of refused requests: %w", err)
	}
	var ids []string
	for _, r := range rings {
		ids = append(ids, r.SourceID)
	}
	condition, parameter := p.db.Dialect.Among("source_id", slices.Compact(ids))
	var now []refusedRing
	if err := tx.Where(condition, parameter).Find(&now).Error; err != nil {
		return fmt.Errorf("counting what is kept of refused requests: %w", err)
	}
	var whole, others []string
	for i := range now {
		switch r := &now[i]; {
		case !r.full():
		case r.Whole:
			whole = append(whole, r.SourceID)
		default:
			others = append(others, r.SourceID)
		}
	}
	return p.shortenRings(tx, whole, others)
}

// shortenRings removes the oldest of the full rings of some sources. Of whole ones
// each network keeps its newest first, in turns, so that a flood from one doesn't push
// out what came from another.
func (p *Engine) shortenRings(tx *database.Tx, whole, others []string) error {
	if len(whole) > 0 {
		condition, parameter := p.db.Dialect.Among("source_id", whole)
		err := tx.Exec(`DELETE FROM refused_requests WHERE id IN (SELECT id FROM (
			SELECT id, row_number() OVER (PARTITION BY source_id ORDER BY nth, id DESC) AS place, sum(size) OVER (PARTITION BY source_id ORDER BY nth, id DESC) AS total
			FROM (SELECT id, source_id, size, row_number() OVER (PARTITION BY source_id, share ORDER BY id DESC) AS nth FROM refused_requests WHERE whole AND `+condition+`) r
			) ranked WHERE place > ? OR total > ?)`, parameter, MaxRefusedWhole-MaxRefusedWhole/ringSlack, MaxRefusedBytes-MaxRefusedBytes/ringSlack).Error
		if err != nil {
			return fmt.Errorf("bounding refused requests: %w", err)
		}
	}
	if len(others) > 0 {
		condition, parameter := p.db.Dialect.Among("source_id", others)
		err := tx.Exec(`DELETE FROM refused_requests WHERE id IN (SELECT id FROM (
			SELECT id, row_number() OVER (PARTITION BY source_id ORDER BY id DESC) AS place FROM refused_requests WHERE NOT whole AND `+condition+`
			) ranked WHERE place > ? OR id < ?)`, parameter, MaxRefusedOthers-MaxRefusedOthers/ringSlack, p.oldestOther()).Error
		if err != nil {
			return fmt.Errorf("bounding refused requests: %w", err)
		}
	}
	if len(whole)+len(others) == 0 {
		return nil
	}
	condition, parameter := p.db.Dialect.Among("source_id", append(whole, others...))
	const kept = "FROM refused_requests r WHERE r.source_id = refused_rings.source_id AND r.whole = refused_rings.whole"
	err := tx.Exec("UPDATE refused_rings SET count = (SELECT count(*) "+kept+"), size = (SELECT coalesce(sum(r.size), 0) "+kept+") WHERE "+condition, parameter).Error
	if err != nil {
		return fmt.Errorf("counting what is kept of refused requests: %w", err)
	}
	return nil
}

// oldestOther returns the id before which nothing is kept of refused requests that
// aren't whole.
func (p *Engine) oldestOther() string {
	return database.LowestID(models.PrefixRequest, p.clock.Now().Add(-refusedOtherSpan))
}
