package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
)

// requestWork is a request that is yet to be turned into events. DueAt is by the
// database's clock.
type requestWork struct {
	RequestID      string `gorm:"primaryKey"`
	OrganizationID string
	SourceID       string
	DueAt          time.Time
	Tries          int
	Forced         bool // make the events again that were made before
	ReplayID       string
}

// TableName names the table of the rows for GORM.
func (requestWork) TableName() string { return "request_work" }

const (
	// processBytes is how long the bodies are together, but for the first, that one
	// transaction turns into events. It takes as many requests as a group weighs at
	// most (Dialect.GroupWeight), and no more than become as many deliveries.
	processBytes = 8 << 20
	// lateAfter is how many seconds a request may wait to be processed while others
	// come so fast that they are committed in groups.
	lateAfter = 5
	// processTries is how often a request is tried whose processing fails for a
	// reason that isn't its own, such as a fault of the database.
	processTries = 10
)

// RequestsCalled tells when requests wait to be processed. Whoever processes them
// looks from time to time as well.
func (p *Engine) RequestsCalled() <-chan struct{} { return p.requestsCalled }

// callRequests has the requests processed that were just committed.
func (p *Engine) callRequests() {
	call(p.requestsCalled)
	if p.waker != nil {
		p.waker.WakeRequests()
	}
}

// RequestsPress reports whether who calls ProcessRequests is not to rest: its last step
// was a full one, and others don't wait for this process to take in theirs; or a request
// had been due for five seconds.
func (p *Engine) RequestsPress() bool { return p.requestsPress.Load() }

// LookForRequests has the requests processed that another process took in.
func (p *Engine) LookForRequests() { call(p.requestsCalled) }

// ProcessRequests turns some requests that are due into events, in one
// transaction with their state, and returns how many it looked at; if any, call it
// again. Any process may call it at any time: no two take the same request. A
// request that can't be processed for a reason of its own is parked as failed; any
// other fault has it tried again later. ProcessRequests fails if the database does;
// then nothing of the step is written.
func (p *Engine) ProcessRequests(ctx context.Context) (int, error) {
	p.processes.Store(true)
	ids, err := p.processSome(ctx, "")
	if err == nil || len(ids) == 0 {
		return len(ids), err
	}
	for _, id := range ids { // which of them is at fault?
		if _, err := p.processSome(ctx, id); err != nil {
			if ctx.Err() != nil {
				return 0, err
			}
			p.log.Error("a request is processed later", "request", id, "error", err)
			if err := p.putOffRequest(ctx, id); err != nil {
				return 0, err
			}
		}
	}
	return len(ids), nil
}

// processSome processes the requests that are due, or the one that is named, and
// returns which.
func (p *Engine) processSome(ctx context.Context, only string) (ids []string, err error) {
	var work []requestWork
	late := false
	err = p.db.Transaction(ctx, func(tx *database.Tx) (err error) {
		work, late, err = p.dueRequests(tx, only)
		if err != nil || len(work) == 0 {
			ids = nil
			return err
		}
		ids = ids[:0:0]
		for i := range work {
			ids = append(ids, work[i].RequestID)
		}
		return p.process(tx, work)
	})
	if err != nil {
		return ids, fmt.Errorf("processing requests: %w", err)
	}
	if only == "" {
		p.requestsPress.Store(late || len(work) >= p.db.Dialect.GroupWeight() && !p.receive.busy())
	}
	p.showRequests(work)
	return ids, nil
}

// dueRequests locks some work that is due, in turns of the sources that have any,
// and passes over what another process holds. It reports whether any was late.
func (p *Engine) dueRequests(tx *database.Tx, only string) (work []requestWork, late bool, err error) {
	now := p.db.Dialect.Now(p.clock)
	columns := database.ColumnsOf[requestWork]("w")
	if only != "" {
		err = tx.Raw("SELECT "+columns+" FROM request_work w WHERE w.request_id = ? AND w.due_at <= "+now+" "+p.db.Dialect.ForUpdate(true), only).Scan(&work).Error
		return work, false, err
	}
	step, greatest, lock := p.db.Dialect.GroupWeight(), "max", ""
	if p.db.Dialect.IsPostgres() {
		greatest, lock = "greatest", " FOR UPDATE OF w SKIP LOCKED"
	}
	each := fmt.Sprintf("(SELECT CASE WHEN count(*) >= %[1]d THEN 1 ELSE %[1]d / %[2]s(count(*), 1) END FROM turns)", step, greatest)
	few := "SELECT n.request_id FROM request_work n WHERE n.source_id = v.source_id AND n.due_at <= " + now + " ORDER BY n.due_at LIMIT " + each
	from := "turns v JOIN request_work w ON w.request_id IN (" + few + ")"
	if p.db.Dialect.IsPostgres() {
		from = "turns v CROSS JOIN LATERAL (" + few + ") few JOIN request_work w ON w.request_id = few.request_id"
	}
	var due []struct {
		Work requestWork `gorm:"embedded"`
		Late bool
	}
	query := `WITH RECURSIVE visited(source_id) AS (SELECT min(source_id) FROM request_work
		UNION ALL SELECT (SELECT min(n.source_id) FROM request_work n WHERE n.source_id > visited.source_id) FROM visited WHERE visited.source_id IS NOT NULL),
		turns AS (SELECT source_id FROM visited WHERE source_id IS NOT NULL)
		SELECT ` + columns + ", " + p.db.Dialect.SecondsAfter("w.due_at", fmt.Sprint(lateAfter)) + " <= " + now + " AS late FROM " + from + fmt.Sprintf(" LIMIT %d", step) + lock
	if err = tx.Raw(query).Scan(&due).Error; err != nil {
		return nil, false, fmt.Errorf("looking for requests: %w", err)
	}
	for i := range due {
		work, late = append(work, due[i].Work), late || due[i].Late
	}
	return work, late, nil
}

// putOffRequest has a request tried again later, and at last parks it.
func (p *Engine) putOffRequest(ctx context.Context, id string) error {
	return p.db.Transaction(ctx, func(tx *database.Tx) error {
		var work requestWork
		if err := tx.Where("request_id = ?", id).Take(&work).Error; err != nil {
			return err
		}
		if work.Tries+1 >= processTries {
			change := outcome{processing: models.ProcessingFailed, reason: models.ReasonMappingFailed, error: "Hookwell could not process the request. Its log says why. Replay it once that is fixed."}
			return p.settle(tx, map[string]outcome{id: change}, []string{id}, []string{id})
		}
		wait := time.Second << min(work.Tries, 10)
		return tx.Model(&requestWork{}).Where("request_id = ?", id).
			Updates(map[string]any{"tries": work.Tries + 1, "due_at": gorm.Expr(p.db.Dialect.SecondsAfter(p.db.Dialect.Now(p.clock), fmt.Sprint(int(wait/time.Second))))}).Error
	})
}

// outcome is what became of a request.
type outcome struct {
	processing models.Processing
	reason     string
	mappings   []string // that reason is about
	error      string
	awaits     []inbound.Reference // any of them would do
	unchanged  bool                // it was replayed, and nothing new came of it
}

// process turns requests into events. The work is locked.
func (p *Engine) process(tx *database.Tx, work []requestWork) error {
	if _, err := p.hop(tx.Statement.Context); err != nil {
		return err
	}
	requests, left, err := p.requestsOf(tx, work)
	if err != nil {
		return err
	}
	sources, err := p.sourcesOf(tx, requests)
	if err != nil {
		return err
	}
	b := &batch{engine: p, tx: tx, left: left, outcomes: make(map[string]outcome, len(requests)), organizations: map[string]*models.Organization{},
		references: map[inbound.Reference]string{}, subscribers: map[eventOf][]*models.Endpoint{}}
	forced := make(map[string]bool, len(work))
	for i := range work {
		forced[work[i].RequestID] = work[i].Forced
	}
	for i := range requests {
		b.read(requests[i], sources[requests[i].SourceID], forced[requests[i].ID])
	}
	if err := b.findOrganizations(); err != nil {
		return err
	}
	if err := b.noteReports(); err != nil {
		return err
	}
	if err := b.make(); err != nil {
		return err
	}
	done := make([]string, 0, len(work))
	for _, w := range work {
		done = append(done, w.RequestID)
	}
	done = slices.DeleteFunc(done, func(id string) bool { return b.left[id] })
	var again []string
	for i := range requests {
		if requests[i].ProcessedAt != nil && !b.left[requests[i].ID] {
			again = append(again, requests[i].ID)
		}
	}
	return p.settle(tx, b.outcomes, done, again)
}

// requestColumns are what processing reads of a request.
var requestColumns = []string{"id", "organization_id", "source_id", "state", "method", "headers", "body", "external_id", "external_type", "external_time", "test", "received_at", "processed_at"}

// requestsOf reads the requests of some work, as many as fit into memory; the work
// of others is left for the next step. Of those that this process took in, and nobody
// has processed, only that they are there is read.
func (p *Engine) requestsOf(tx *database.Tx, work []requestWork) (requests []*models.Request, left map[string]bool, err error) {
	ids := make([]string, len(work))
	for i := range work {
		ids[i] = work[i].RequestID
	}
	condition, parameter := p.db.Dialect.Among("id", ids)
	from, before := daysOf(models.PrefixRequest, ids)
	var sizes []models.Request
	if err := tx.Select("id", "body_bytes", "processed_at").Where(condition, parameter).Where("id >= ? AND id < ?", from, before).Order("id").Find(&sizes).Error; err != nil {
		return nil, nil, fmt.Errorf("reading requests: %w", err)
	}
	size, few, left := 0, ids[:0:0], map[string]bool{}
	for i := range sizes {
		id := sizes[i].ID
		if size += sizes[i].BodyBytes; len(few)+len(requests) > 0 && size > processBytes {
			left[id] = true
			continue
		}
		if kept := p.received.take(id); kept != nil && sizes[i].ProcessedAt == nil {
			requests = append(requests, kept)
			continue
		}
		few = append(few, id)
	}
	if len(few) == 0 {
		return requests, left, nil
	}
	condition, parameter = p.db.Dialect.Among("id", few)
	var read []*models.Request
	if err := tx.Select(requestColumns).Where(condition, parameter).Where("id >= ? AND id < ?", from, before).Order("id").Find(&read).Error; err != nil {
		return nil, nil, fmt.Errorf("reading requests: %w", err)
	}
	requests = append(requests, read...)
	slices.SortFunc(requests, func(a, b *models.Request) int { return strings.Compare(a.ID, b.ID) })
	return requests, left, nil
}

// sourcesOf returns the requests' sources, by id, from memory where that stands.
func (p *Engine) sourcesOf(tx *database.Tx, requests []*models.Request) (map[string]*OpenSource, error) {
	found := map[string]*OpenSource{}
	var ids []string
	for i := range requests {
		if id := requests[i].SourceID; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	condition, parameter := p.db.Dialect.Among("id", ids)
	var rows []models.Source
	if err := tx.Where(condition, parameter).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading sources: %w", err)
	}
	for i := range rows {
		kept, ok := p.sources.Get(rows[i].ID)
		if !ok || kept.Revision != rows[i].Revision {
			var err error
			if kept, err = p.OpenSource(tx.DB, &rows[i]); err != nil {
				return nil, err
			}
			p.sources.Put(rows[i].ID, kept)
		}
		found[rows[i].ID] = kept
	}
	return found, nil
}

// settle writes what became of requests, and removes their work. Those that are
// processed again may have noted what they wait for.
func (p *Engine) settle(tx *database.Tx, outcomes map[string]outcome, done, again []string) error {
	now := p.clock.Now()
	rows := make([][]any, 0, len(outcomes))
	for id, o := range outcomes {
		unchanged := 0
		if o.unchanged {
			unchanged = 1
		}
		rows = append(rows, []any{id, 0, string(o.processing), o.reason, strings.Join(o.mappings, models.MappingSeparator), plainText(o.error), unchanged, now})
	}
	if len(rows) > 0 {
		text, integer := database.TextValue, database.IntegerValue
		list, parameters := database.Values(p.db.Dialect, []database.ValueKind{text, integer, text, text, text, text, integer, database.TimeValue}, rows)
		from, before := daysOf(models.PrefixRequest, firstTexts(rows))
		const columns = "id, number, processing, reason, mappings, error, unchanged, at"
		update := `WITH every(` + columns + `) AS (` + list + `), ` + fewOf(columns, "number") + ` UPDATE requests
			SET processing = v.processing, reason = v.reason, reason_mappings = v.mappings, error = v.error, processed_at = v.at,
				unchanged_at = CASE WHEN v.unchanged = 1 THEN v.at END
			FROM v WHERE requests.id = v.id AND requests.id >= ? AND requests.id < ?`
		if err := tx.Exec(update, append(parameters, from, before)...).Error; err != nil {
			return fmt.Errorf("noting what became of requests: %w", err)
		}
	}
	if err := p.awaitReferences(tx, outcomes, again); err != nil {
		return err
	}
	condition, parameter := p.db.Dialect.Among("request_id", done)
	if err := tx.Where(condition, parameter).Delete(&requestWork{}).Error; err != nil {
		return fmt.Errorf("ending the work of requests: %w", err)
	}
	return nil
}

// awaitReferences notes what would have parked requests processed again, in place of
// what was noted before.
func (p *Engine) awaitReferences(tx *database.Tx, outcomes map[string]outcome, again []string) error {
	var rows []*models.AwaitedReference
	for id, o := range outcomes {
		for _, reference := range o.awaits {
			rows = append(rows, &models.AwaitedReference{Name: plainText(reference.System), Value: plainText(reference.Value), RequestID: id})
		}
	}
	if len(again) > 0 {
		condition, parameter := p.db.Dialect.Among("request_id", again)
		if err := tx.Where(condition, parameter).Delete(&models.AwaitedReference{}).Error; err != nil {
			return fmt.Errorf("forgetting references: %w", err)
		}
	}
	if err := database.InsertAll(p.db.Dialect, tx.DB, rows, database.LeaveTaken); err != nil {
		return fmt.Errorf("noting references: %w", err)
	}
	return nil
}
