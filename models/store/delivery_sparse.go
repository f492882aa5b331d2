package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// sparseDeliveries is Deliveries by the lists of what did not arrive.
func (t *Tenant) sparseDeliveries(ctx context.Context, filter models.DeliveryFilter, page models.Page) ([]models.Delivery, string, error) {
	if err := database.CheckPage(page, models.PrefixDelivery); err != nil {
		return nil, "", err
	}
	var ids []string
	for _, state := range undeliveredStates(filter.States) {
		some, err := t.endedIDs(ctx, filter, state, page)
		if err != nil {
			return nil, "", err
		}
		ids = append(ids, some...)
	}
	if open := openStates(filter.States); len(open) > 0 {
		some, err := t.openIDs(ctx, filter, open, page)
		if err != nil {
			return nil, "", err
		}
		ids = append(ids, some...)
	}
	slices.SortFunc(ids, func(a, b string) int { return strings.Compare(b, a) })
	next := ""
	if len(ids) > page.Size() {
		ids = ids[:page.Size()]
		next = ids[len(ids)-1]
	}
	var rows []models.Delivery
	if len(ids) == 0 {
		return rows, next, nil
	}
	if err := t.rows(ctx).Where("id IN ?", ids).Order("id DESC").Find(&rows).Error; err != nil {
		return nil, "", fmt.Errorf("listing deliveries: %w", err)
	}
	return rows, next, t.complete(ctx, rows)
}

// undeliveredStates returns those of the states that are listed as undelivered.
func undeliveredStates(states []models.State) []models.State {
	return slices.DeleteFunc(slices.Clone(states), func(s models.State) bool { return s != models.Failed && s != models.Cancelled })
}

// openStates returns those of the states that have work.
func openStates(states []models.State) []models.State {
	return slices.DeleteFunc(slices.Clone(states), func(s models.State) bool { return s != models.Pending && s != models.Retrying })
}

// endedIDs returns one more than a page of what ended in a state other than delivered.
func (t *Tenant) endedIDs(ctx context.Context, filter models.DeliveryFilter, state models.State, page models.Page) (ids []string, err error) {
	query, err := database.PaginateBy(page, filterUndelivered(filter, t.rows(ctx).Model(&models.Undelivered{}), state), models.PrefixDelivery, "delivery_id")
	if err != nil {
		return nil, err
	}
	if err := query.Pluck("delivery_id", &ids).Error; err != nil {
		return nil, fmt.Errorf("listing what ended: %w", err)
	}
	return ids, nil
}

// filterUndelivered narrows rows of the undelivered to a state and a filter.
func filterUndelivered(f models.DeliveryFilter, query *gorm.DB, state models.State) *gorm.DB {
	query = filterCreated(f, query.Where("state = ?", state), "delivery_id")
	if f.EndpointID != "" {
		query = query.Where("endpoint_id = ?", f.EndpointID)
	}
	return matchTypes(query, "event_type", f.Types)
}

// filterCreated bounds when a delivery was made.
func filterCreated(f models.DeliveryFilter, query *gorm.DB, column string) *gorm.DB {
	return database.CreatedBetween(query, column, models.PrefixDelivery, f.Since, f.Until)
}

// fewWaiting is how many rows of work are read and sorted at once.
const fewWaiting = 2000

// openIDs returns one more than a page of what has not ended.
func (t *Tenant) openIDs(ctx context.Context, filter models.DeliveryFilter, states []models.State, page models.Page) (ids []string, err error) {
	few := t.waiting(ctx, filter, states).Where(standing+" IN ?", states)
	if page.Cursor != "" {
		few = few.Where("delivery_id < ?", page.Cursor)
	}
	var waiting []string
	if err := few.Limit(fewWaiting+1).Pluck("delivery_id", &waiting).Error; err != nil {
		return nil, fmt.Errorf("looking for what waits: %w", err)
	}
	if len(waiting) <= fewWaiting {
		return waiting, nil
	}
	// With so many that match, the newest of all have enough of them.
	query := filterWork(filter, t.rows(ctx).Model(&models.Work{}), "").Where(standing+" IN ?", states)
	if filter.EndpointID != "" {
		query = query.Where("endpoint_id = ?", filter.EndpointID)
	}
	if query, err = database.PaginateBy(page, query, models.PrefixDelivery, "delivery_id"); err != nil {
		return nil, err
	}
	if err := query.Pluck("delivery_id", &ids).Error; err != nil {
		return nil, fmt.Errorf("listing what waits: %w", err)
	}
	return ids, nil
}

// standing is the state of the delivery that a row of work is for, as far as
// work knows: a resend of what had ended has no planned attempt to come back to.
const standing = `CASE WHEN cancelled OR trigger = 'person' AND resume_at IS NULL THEN 'ended'
	WHEN attempt = 0 OR attempt = 1 AND lease_until IS NOT NULL THEN 'pending' ELSE 'retrying' END`

// filterWork narrows rows of work, whose columns begin with a prefix, to when
// they were made and to event types.
func filterWork(f models.DeliveryFilter, query *gorm.DB, prefix string) *gorm.DB {
	return matchTypes(filterCreated(f, query, prefix+"delivery_id"), prefix+"event_type", f.Types)
}

// waiting returns the rows of work that a filter leaves. They are found by their
// endpoints, which two indexes of work begin with. What was tried before waits
// in a rank of its own, so that what was not is found beside any number of it.
func (t *Tenant) waiting(ctx context.Context, filter models.DeliveryFilter, states []models.State) *gorm.DB {
	own := t.ownEndpoints(ctx, filter.EndpointID)
	ranks := "priority <= ? AND lease_until IS NULL AND endpoint_id IN (?) UNION ALL SELECT " + database.WorkColumns + " FROM delivery_work WHERE priority >= ?"
	vars := []any{pipeline.PriorityRetry - 1, own, pipeline.PriorityRetry + 1}
	if slices.Contains(states, models.Retrying) {
		ranks, vars = "true", nil
	}
	vars = append(vars, own, own)
	rows := t.store.db.WithContext(ctx).Table("(SELECT "+database.WorkColumns+" FROM delivery_work WHERE "+ranks+" AND lease_until IS NULL AND endpoint_id IN (?)"+
		" UNION ALL SELECT "+database.WorkColumns+" FROM delivery_work WHERE lease_until IS NOT NULL AND endpoint_id IN (?)) AS w", vars...)
	return filterWork(filter, rows, "")
}

func (t *Tenant) ownEndpoints(ctx context.Context, id string) *gorm.DB {
	query := t.rows(ctx).Model(&models.Endpoint{}).Select("id")
	if id != "" {
		query = query.Where("id = ?", id)
	}
	return query
}

// countLimit is how far counts for a page go.
const countLimit = 1000

// StateCounts counts the deliveries that match a filter, for each state but
// delivered and for the states that the filter names. It counts each to a thousand
// at most. It leaves a state out if counting it would take too long. It fails if the
// database does.
func (t *Tenant) StateCounts(ctx context.Context, filter models.DeliveryFilter) (map[models.State]models.CountSoFar, error) {
	counts := map[models.State]models.CountSoFar{}
	for _, state := range []models.State{models.Failed, models.Cancelled} {
		some := filterUndelivered(filter, t.rows(ctx).Model(&models.Undelivered{}), state).Select("1").Limit(countLimit + 1)
		var n int64
		if err := t.store.db.WithContext(ctx).Table("(?) AS part", some).Count(&n).Error; err != nil {
			return nil, fmt.Errorf("counting what ended: %w", err)
		}
		counts[state] = countSoFar(int(n))
	}
	waiting, err := t.countWaitingByState(ctx, filter)
	if err != nil {
		return nil, err
	}
	for state, n := range waiting {
		counts[state] = n
	}
	return counts, nil
}

func countSoFar(n int) models.CountSoFar {
	return models.CountSoFar{N: min(n, countLimit), More: n > countLimit}
}

// countWaitingByState tells what has had an attempt from what has not.
func (t *Tenant) countWaitingByState(ctx context.Context, filter models.DeliveryFilter) (map[models.State]models.CountSoFar, error) {
	some := t.waiting(ctx, filter, []models.State{models.Pending, models.Retrying}).Select(standing + " AS state").Limit(fewWaiting + 1)
	var rows []struct {
		State models.State
		N     int
	}
	if err := t.store.db.WithContext(ctx).Table("(?) AS part", some).Select("state, count(*) AS n").Group("state").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("counting what waits: %w", err)
	}
	total := 0
	counts := map[models.State]models.CountSoFar{models.Pending: {}, models.Retrying: {}}
	for _, row := range rows {
		total += row.N
		if _, wanted := counts[row.State]; wanted {
			counts[row.State] = countSoFar(row.N)
		}
	}
	if total > fewWaiting {
		for state, c := range counts {
			if c.More = true; c.N == 0 {
				delete(counts, state)
			} else {
				counts[state] = c
			}
		}
	}
	return counts, nil
}

// withoutForeignTypes spares a search for types that an endpoint was never
// subscribed to: all that it can have of them is test events. Without this the
// search reads everything that the endpoint ever got.
func (t *Tenant) withoutForeignTypes(ctx context.Context, query *gorm.DB, filter models.DeliveryFilter) (*gorm.DB, error) {
	if filter.EndpointID == "" || len(filter.Types) == 0 || filter.EventID != "" {
		return query, nil
	}
	var lines []models.EndpointHistory
	if err := t.rows(ctx).Where("endpoint_id = ?", filter.EndpointID).Find(&lines).Error; err != nil {
		return nil, fmt.Errorf("reading an endpoint's history: %w", err)
	}
	for _, line := range lines {
		for _, subscribed := range line.EventTypes {
			if slices.ContainsFunc(filter.Types, func(wanted string) bool { return meet(subscribed, wanted) }) {
				return query, nil
			}
		}
	}
	return query.Where("test"), nil
}

// withoutFailing spares a search for what an endpoint took everything that it
// has failed since: but for test events, nothing that was made after its last
// success can have arrived. Without this the search reads all of that. It
// answers the queries that have the rows between them.
func (t *Tenant) withoutFailing(ctx context.Context, query *gorm.DB, filter models.DeliveryFilter) ([]*gorm.DB, error) {
	if filter.EndpointID == "" || filter.EventID != "" || !slices.Equal(filter.States, []models.State{models.Delivered}) {
		return []*gorm.DB{query}, nil
	}
	last, err := t.lastSuccess(ctx, filter.EndpointID)
	if err != nil {
		return nil, fmt.Errorf("reading an endpoint's last success: %w", err)
	}
	last = last.Add(idSkew)
	if last.After(t.store.clock.Now()) {
		return []*gorm.DB{query}, nil
	}
	bound := database.LowestID(models.PrefixDelivery, last)
	query = query.Session(&gorm.Session{})
	return []*gorm.DB{query.Where("id < ?", bound), query.Where("test AND id >= ?", bound)}, nil
}

// lastSuccess returns a time after which the organization's endpoint took nothing but
// test events, to the day. Its state tells it at once, and is lost with a process
// that dies right after the commit; the counts tell it soon, and are not.
func (t *Tenant) lastSuccess(ctx context.Context, endpointID string) (last time.Time, err error) {
	db := t.store.db.WithContext(ctx)
	var noted []time.Time
	err = db.Model(&models.EndpointState{}).Where("endpoint_id IN (?) AND last_success_at IS NOT NULL", t.ownEndpoints(ctx, endpointID)).
		Pluck("last_success_at", &noted).Error
	if err != nil {
		return last, err
	}
	var counted []int64
	err = t.rows(ctx).Model(&pipeline.RollupRow{}).Where("endpoint_id = ? AND span = ? AND delivered > 0", endpointID, int64(models.Day/time.Second)).
		Order("since DESC").Limit(1).Pluck("since", &counted).Error
	if err != nil {
		return last, err
	}
	for _, at := range noted {
		last = at
	}
	for _, since := range counted {
		if ended := time.Unix(since, 0).UTC().Add(models.Day); ended.After(last) {
			last = ended
		}
	}
	return last, nil
}

// meet reports whether some type may match both patterns.
func meet(a, b string) bool {
	short, wild := strings.CutSuffix(a, "*")
	other, wilder := strings.CutSuffix(b, "*")
	switch {
	case wild && wilder:
		return strings.HasPrefix(short, other) || strings.HasPrefix(other, short)
	case wild:
		return strings.HasPrefix(other, short)
	case wilder:
		return strings.HasPrefix(short, other)
	}
	return short == other
}
