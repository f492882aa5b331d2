package api

import (
	"fmt"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/web/refusal"
	"hookwell/web/request"
	"hookwell/webhook"
)

// What one batch may hold; docs/api.md promises it.
const (
	maxBatch      = 1000    // events
	MaxBatchBytes = 8 << 20 // of the body
	// maxBatchFaults is how many faults of all its events the answer lists.
	maxBatchFaults = 500
)

// batchBody is many reports, each of which stands or falls by itself.
type batchBody struct {
	organization string // of the reports that name none
	items        []batchItem
	count        int
}

type batchItem struct {
	eventBody
	err error
}

func (b *batchBody) member(r *bodyReader, name, field string) bool {
	switch name {
	case "events":
		b.count, _ = r.list(field, maxBatch, func(string) { b.items = append(b.items, readItem(r)) })
	case organizationField:
		b.organization = r.organization(field)
	default:
		return false
	}
	return true
}

// readItem reads one report. Its faults are its own: those of the batch wait.
func readItem(r *bodyReader) (item batchItem) {
	if kind := r.decoder.PeekKind(); kind != '{' {
		r.raw()
		item.err = &models.Error{Kind: models.Invalid, Code: "not_an_object", Message: "Each event must be a JSON object."}
		return item
	}
	batch := r.faults
	r.faults = nil
	r.object("", func(name, field string) bool { return item.member(r, name, field) })
	if len(r.faults) > 0 {
		item.err = models.NewInvalid(r.faults)
	} else {
		item.err = item.complete()
	}
	r.faults = batch
	return item
}

func (b *batchBody) check() error {
	switch {
	case b.count > maxBatch:
		return models.InvalidField("events", fmt.Sprintf("Send at most %d events at once; these are %d.", maxBatch, b.count))
	case b.count == 0:
		return models.InvalidField("events", "Send at least one event.")
	}
	return nil
}

// batchResult is what became of one report: an accepted event or a problem.
type batchResult struct {
	*acceptedAnswer
	Problem *problemBody `json:"problem,omitzero"`
}

func (a *API) eventBatch(c *call) error {
	b, err := c.batch()
	if err != nil {
		return err
	}
	key, err := c.idempotencyKey()
	if err != nil {
		return err
	}
	reports, places, err := c.reports(b, key)
	if err != nil {
		return err
	}
	outcomes := a.Store.PublishBatch(c.UserContext(), reports)
	replayed := 0
	results := make([]batchResult, len(b.items))
	for i, outcome := range outcomes {
		if err := outcome.Err; err != nil {
			b.items[places[i]].err = err
			continue
		}
		if outcome.Accepted.Replayed {
			replayed++
		}
		accepted := shapeAccepted(outcome.Accepted)
		results[places[i]].acceptedAnswer = &accepted
	}
	if err := a.itemProblems(c, b.items, results); err != nil {
		return err
	}
	if replayed == len(results) {
		c.Set(idempotentReplayed, "true")
	}
	return c.answer(fiber.StatusOK, pageOf[batchResult]{Data: results})
}

// batch reads the whole body. Only what concerns all of it is an error here.
func (c *call) batch() (*batchBody, error) {
	var b batchBody
	content, err := c.json()
	if err != nil {
		return nil, err
	}
	// Behind the body, which may come slowly.
	if err := c.api.BeginBatch(c.Ctx, c.owner()); err != nil {
		return nil, err
	}
	faults, err := readBody(content, b.member)
	if err != nil {
		return nil, err
	}
	b.organization, err = oneOrganization(b.organization, c.Query(organizationField))
	return &b, refusal.Join(faults, joinErrors(b.check(), err))
}

// batchTooLong returns the error for a batch of more bytes than are taken; its length may be chunked.
func batchTooLong(length int) error {
	message := fmt.Sprintf("Send at most %d bytes (8 MiB) at once", MaxBatchBytes)
	if length != request.Chunked {
		message += fmt.Sprintf("; this has %d", length)
	}
	return &models.Error{Kind: models.TooLarge, Code: "batch_too_large", Message: message + "."}
}

// reports returns the items that can be published, with their places in the batch.
// An organization that several name is looked up once; one that is named for
// all of them must exist.
func (c *call) reports(b *batchBody, key string) (reports []store.Report, places []int, err error) {
	tenants := map[string]namedTenant{}
	find := func(name string) namedTenant {
		found, ok := tenants[name]
		if !ok {
			found.tenant, found.err = c.tenantNamed(name)
			tenants[name] = found
		}
		return found
	}
	if b.organization != "" {
		if err := find(b.organization).err; err != nil {
			return nil, nil, err
		}
	}
	for i := range b.items {
		item := &b.items[i]
		if item.err != nil {
			continue
		}
		name, err := oneOrganization(item.organization, b.organization)
		if err != nil {
			item.err = err
			continue
		}
		found := find(name)
		if item.err = found.err; item.err != nil {
			continue
		}
		if key != "" {
			item.event.IdempotencyKey = key + "#" + strconv.Itoa(i)
		}
		reports, places = append(reports, store.Report{Tenant: found.tenant, Event: item.event}), append(places, i)
	}
	return reports, places, nil
}

type namedTenant struct {
	tenant *store.Tenant
	err    error
}

// itemProblems turns the items' errors into problems. One that is ours and not
// the item's fails the request if nothing was accepted, and is logged otherwise.
func (a *API) itemProblems(c *call, items []batchItem, results []batchResult) error {
	var ours error
	accepted, left := false, maxBatchFaults
	for i := range items {
		if items[i].err == nil {
			accepted = true
			continue
		}
		status, told := refusal.Of(items[i].err)
		if status >= fiber.StatusInternalServerError {
			ours = items[i].err
		}
		problem := newProblem(status, told, left)
		results[i].Problem = &problem
		left -= min(left, told.Fields.Listed())
	}
	if ours == nil {
		return nil
	}
	if !accepted {
		return ours
	}
	a.Log.Error("part of a batch failed", "error", ours, "request", c.request.ID)
	return nil
}

// joinErrors makes one Invalid error of two.
func joinErrors(first, second error) error {
	if first == nil {
		return second
	}
	if faults, ok := first.(*models.Error); ok {
		return refusal.Join(append(webhook.Faults(nil), faults.Fields...), second)
	}
	return first
}
