package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

// DueLane is some of an endpoint's overdue deliveries. More reports that there
// may be others after them, Urgent that a person asked for one of them.
type DueLane struct {
	OrganizationID string
	EndpointID     string
	DeliveryIDs    []string
	More           bool
	Urgent         bool
}

const (
	// duePerEndpoint is how many rows of one endpoint one look takes: however long
	// its queue is, the others' rows stand beside it, not behind it.
	duePerEndpoint = 100
	// dueRows is how many rows one look takes of all endpoints, but for one of
	// each: where many endpoints have some, it takes fewer of each.
	dueRows = 5000
	// duePerLane is the limit of a look, as SQL.
	duePerLane = "(SELECT CASE WHEN count(*) > %[1]d THEN 1 WHEN count(*) * %[2]d > %[1]d THEN %[1]d / count(*) ELSE %[2]d END FROM lanes)"
)

// visitedQuery visits each endpoint that has unfinished work once, by skipping
// along an index, however many rows it has.
const visitedQuery = `WITH RECURSIVE visited(endpoint_id) AS (
		SELECT min(endpoint_id) FROM delivery_work WHERE lease_until IS NULL
		UNION ALL
		SELECT (SELECT min(w.endpoint_id) FROM delivery_work w WHERE w.endpoint_id > visited.endpoint_id AND w.lease_until IS NULL)
		FROM visited WHERE visited.endpoint_id IS NOT NULL
	), `

// lanesQuery makes a lane of each endpoint that is not deleted.
const lanesQuery = visitedQuery + `lanes AS (SELECT e.id AS endpoint_id, %s AS last FROM visited v
		JOIN endpoints e ON e.id = v.endpoint_id JOIN endpoint_states s ON s.endpoint_id = e.id
		WHERE e.deleted_at IS NULL)`

// lastPriority returns the last priority that goes out to an endpoint: all of them,
// or, while it is disabled or held, what a person asked for. An index by
// priority then passes over all the rest, however much it is.
func (p *Engine) lastPriority() string {
	return fmt.Sprintf("CASE WHEN e.disabled_at IS NULL AND (s.held_until IS NULL OR s.held_until <= %s) THEN %d ELSE %d END",
		p.db.Dialect.Now(p.clock), lastPriority, PriorityPerson)
}

// overdue picks some rows of each of the lanes that a query has made.
func (p *Engine) overdue(lanes string) string {
	most := fmt.Sprintf(duePerLane, dueRows, duePerEndpoint)
	return lanes + " SELECT w.organization_id, w.delivery_id, w.endpoint_id, w.priority < 0 AS urgent, " + most + " AS most FROM " +
		p.db.Dialect.PerLane("w.lease_until IS NULL AND w.priority <= lanes.last AND w.wake_at <= "+p.db.Dialect.Now(p.clock), most)
}

// Due picks overdue rows, some of every endpoint that has any, and postpones
// their next wake, so that a storm wakes no row twice. It skips disabled and held
// endpoints without touching their rows.
func (p *Engine) Due(ctx context.Context) ([]DueLane, error) {
	return p.pickDue(ctx, p.overdue(fmt.Sprintf(lanesQuery, p.lastPriority())))
}

// DueFor picks overdue rows of one endpoint, for a worker with free slots. It fails if
// the database does.
func (p *Engine) DueFor(ctx context.Context, endpointID string) (DueLane, error) {
	lane := fmt.Sprintf(`WITH lanes AS (SELECT e.id AS endpoint_id, %s AS last FROM endpoints e JOIN endpoint_states s ON s.endpoint_id = e.id
		WHERE e.id = ? AND e.deleted_at IS NULL)`, p.lastPriority())
	lanes, err := p.pickDue(ctx, p.overdue(lane), endpointID)
	if err != nil || len(lanes) == 0 {
		return DueLane{EndpointID: endpointID}, err
	}
	return lanes[0], nil
}

// pickDue runs a query for due rows. Where another process is picking at this
// moment, nothing is picked: one pair of eyes is enough.
func (p *Engine) pickDue(ctx context.Context, query string, parameters ...any) (lanes []DueLane, err error) {
	err = p.db.Transaction(ctx, func(tx *database.Tx) error {
		free, err := p.db.Dialect.TrySerialize(tx.DB, database.DueLock)
		if err != nil || !free {
			return err
		}
		var rows []dueRow
		if err := tx.Raw(query, parameters...).Scan(&rows).Error; err != nil || len(rows) == 0 {
			return err
		}
		picked := make([]models.Woken, len(rows))
		for i := range rows {
			picked[i] = rows[i].Woken
		}
		lanes = LanesOf(picked)
		for i := range lanes {
			lanes[i].More = len(lanes[i].DeliveryIDs) >= rows[0].Most
		}
		return p.postpone(tx, picked)
	})
	if err != nil {
		return nil, fmt.Errorf("picking due deliveries: %w", err)
	}
	return lanes, nil
}

// dueRow is a row that was picked, and how many of its lane may be.
type dueRow struct {
	models.Woken
	Most int
}

// LanesOf groups deliveries by endpoint and keeps their order.
func LanesOf(woken []models.Woken) []DueLane {
	var lanes []DueLane
	index := make(map[string]int, len(woken))
	for _, w := range woken {
		at, ok := index[w.EndpointID]
		if !ok {
			at = len(lanes)
			index[w.EndpointID] = at
			lanes = append(lanes, DueLane{OrganizationID: w.OrganizationID, EndpointID: w.EndpointID})
		}
		lanes[at].DeliveryIDs = append(lanes[at].DeliveryIDs, w.DeliveryID)
		lanes[at].Urgent = lanes[at].Urgent || w.Urgent
	}
	return lanes
}

// postpone moves the next wake of woken rows on.
func (p *Engine) postpone(tx *database.Tx, picked []models.Woken) error {
	const perStatement = 5000
	wake := gorm.Expr(p.db.Dialect.SecondsAfter(p.db.Dialect.Now(p.clock), strconv.Itoa(int(rewake.Seconds()))))
	for chunk := range slices.Chunk(picked, perStatement) {
		ids := make([]string, len(chunk))
		for i, p := range chunk {
			ids[i] = p.DeliveryID
		}
		ids, err := p.lockWaiting(tx, ids)
		if err != nil {
			return err
		}
		if err := tx.Model(&models.Work{}).Where("delivery_id IN ?", ids).Update("wake_at", wake).Error; err != nil {
			return err
		}
	}
	return nil
}

// lockWaiting locks some rows and returns those that are not in flight. What
// another transaction holds is being claimed: it is passed over, since waiting for
// several rows in no common order ends in deadlocks. Rows are found by their keys
// alone, so that no index of all that waits is read instead.
func (p *Engine) lockWaiting(tx *database.Tx, ids []string) (locked []string, err error) {
	condition, parameter := p.db.Dialect.Among("delivery_id", ids)
	err = tx.Raw("WITH asked AS MATERIALIZED (SELECT delivery_id, lease_until FROM delivery_work WHERE "+condition+" "+p.db.Dialect.ForUpdate(true)+
		") SELECT delivery_id FROM asked WHERE lease_until IS NULL", parameter).Scan(&locked).Error
	return locked, err
}

// FullStep is the most rows that one step of Reclaim, EndWaiting, RollUp or
// WatchEndpoints takes. After a step that took as many, call again.
const FullStep = 500

// Reclaim ends attempts whose lease has run out, because the process that made
// them died or was cut off. It records each as interrupted, which counts as an
// attempt. It returns how many it ended in this step; if that is FullStep, call
// it again.
func (p *Engine) Reclaim(ctx context.Context) (int, error) {
	var reclaimed int
	var results []*Result
	if err := p.db.Transaction(ctx, p.expandStrays); err != nil {
		return 0, fmt.Errorf("expanding strays: %w", err)
	}
	err := p.db.Transaction(ctx, func(tx *database.Tx) (err error) {
		rows, err := p.overdueLeases(tx)
		if err != nil || len(rows) == 0 {
			return err
		}
		reclaimed = len(rows)
		if results, err = p.interrupted(tx, rows); err != nil {
			return err
		}
		if err := database.InsertAll(p.db.Dialect, tx.DB, attemptsOf(results), database.LeaveTaken); err != nil {
			return err
		}
		return p.advance(tx, results, judged(results))
	})
	if err != nil {
		return 0, fmt.Errorf("reclaiming leases: %w", err)
	}
	p.attempted(results)
	return reclaimed, nil
}

// overdueLeases locks the work whose lease has run out, after the states of its
// endpoints: the order in which claims and records lock them.
func (p *Engine) overdueLeases(tx *database.Tx) ([]models.Work, error) {
	overdue := "lease_until < " + p.db.Dialect.Now(p.clock)
	var rows []models.Work
	err := tx.Select("delivery_id", "endpoint_id").Where(overdue).Order("lease_until").Limit(FullStep).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	ids, endpointIDs := make([]string, len(rows)), make([]string, len(rows))
	for i, w := range rows {
		ids[i], endpointIDs[i] = w.DeliveryID, w.EndpointID
	}
	if err := p.lockStates(tx, endpointIDs); err != nil {
		return nil, err
	}
	condition, parameter := p.db.Dialect.Among("delivery_id", ids)
	rows = nil
	err = tx.Raw("SELECT "+database.WorkColumns+" FROM delivery_work WHERE "+condition+" AND "+overdue+" "+p.db.Dialect.ForUpdate(true), parameter).Find(&rows).Error
	return rows, err
}

// interrupted makes the results of attempts of which nothing more is known.
func (p *Engine) interrupted(tx *database.Tx, rows []models.Work) ([]*Result, error) {
	ids := make([]string, len(rows))
	for i, w := range rows {
		ids[i] = w.EndpointID
	}
	var endpoints []models.Endpoint
	if err := tx.Select("id", "url", "schedule").Where("id IN ?", ids).Find(&endpoints).Error; err != nil {
		return nil, err
	}
	byID := make(map[string]*models.Endpoint, len(endpoints))
	for i := range endpoints {
		byID[endpoints[i].ID] = &endpoints[i]
	}
	results := make([]*Result, 0, len(rows))
	for _, w := range rows {
		job := &Job{DeliveryID: w.DeliveryID, EndpointID: w.EndpointID, work: w}
		if e := byID[w.EndpointID]; e != nil {
			job.Message.URL, job.retries.schedule = e.URL, e.Schedule
		}
		exchange := webhook.Exchange{Cause: webhook.CauseInterrupted, StartedAt: p.clock.Now(), Requests: 1, // as far as is known
			Error: "The attempt was cut off: the process that made it stopped before it could record what came of it."}
		if w.ClaimedAt != nil {
			exchange.StartedAt = *w.ClaimedAt
		}
		results = append(results, &Result{Job: job, Exchange: exchange})
	}
	return results, nil
}
