package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
)

// Requests lists what came to the sources, newest first, refused ones included as
// far as they are kept, without headers and bodies.
func (r *Receiving) Requests(ctx context.Context, filter models.RequestFilter, page models.Page) ([]models.Request, string, error) {
	var queries []*gorm.DB
	for table, wanted := range map[string]bool{"requests": filter.Kept(), "refused_requests": filter.Refused()} {
		query, err := database.Paginate(page, filterRequests(filter, r.rows(ctx).Table(table)).Omit("headers", "body"), models.PrefixRequest)
		if err != nil {
			return nil, "", err
		}
		if wanted {
			queries = append(queries, query.Model(&models.Request{}).Table(table))
		}
	}
	rows, next, err := database.Merged(queries, page, func(q *models.Request) string { return q.ID })
	if err != nil {
		return nil, "", fmt.Errorf("listing requests: %w", err)
	}
	return rows, next, r.completeRequests(ctx, rows)
}

// filterRequests narrows a query of either table to a filter.
func filterRequests(f models.RequestFilter, query *gorm.DB) *gorm.DB {
	if f.SourceID != "" {
		query = query.Where("source_id = ?", f.SourceID)
	}
	if len(f.States) > 0 {
		query = query.Where("state IN ?", f.States)
	}
	if len(f.Causes) > 0 {
		query = query.Where("cause IN ?", f.Causes)
	}
	if len(f.Processing) > 0 {
		query = query.Where("processing IN ?", f.Processing)
	}
	if len(f.Processing) == 1 && f.Processing[0] == models.ProcessingFailed {
		query = query.Where("error <> ''") // whatever failed has one, and an index of its own
	}
	if len(f.Reasons) > 0 {
		query = query.Where("reason IN ?", f.Reasons)
	}
	if f.ExternalID != "" {
		query = query.Where("external_id = ?", f.ExternalID)
	}
	return matchTypes(database.CreatedBetween(query, "id", models.PrefixRequest, f.Since, f.Until), "external_type", f.ExternalTypes)
}

// completeRequests fills what requests show of other tables, in one query for each.
func (r *Receiving) completeRequests(ctx context.Context, rows []models.Request) error {
	if len(rows) == 0 {
		return nil
	}
	ids, sourceIDs := make([]string, len(rows)), make([]string, 0, 4)
	for i := range rows {
		ids[i] = rows[i].ID
		if !slices.Contains(sourceIDs, rows[i].SourceID) {
			sourceIDs = append(sourceIDs, rows[i].SourceID)
		}
	}
	var sources []models.Source
	if err := r.rows(ctx).Select("id", "name", "slug").Where("id IN ?", sourceIDs).Find(&sources).Error; err != nil {
		return fmt.Errorf("reading the requests' sources: %w", err)
	}
	var events []models.RequestEvent
	if err := r.store.db.WithContext(ctx).Where("request_organization_id = ? AND request_id IN ?", r.owner, ids).Order("event_id").Find(&events).Error; err != nil {
		return fmt.Errorf("reading the requests' events: %w", err)
	}
	var repeats []models.DuplicateSeen
	if err := r.rows(ctx).Where("request_id IN ?", ids).Order("number").Find(&repeats).Error; err != nil {
		return fmt.Errorf("reading duplicates: %w", err)
	}
	for i := range rows {
		q := &rows[i]
		for _, s := range sources {
			if s.ID == q.SourceID {
				q.SourceName, q.SourceSlug = s.Name, s.Slug
			}
		}
		for _, e := range events {
			if e.RequestID == q.ID {
				q.Events = append(q.Events, e)
			}
		}
		for _, d := range repeats {
			if d.RequestID == q.ID {
				q.Repeats = append(q.Repeats, d)
			}
		}
	}
	return nil
}

// Request reads one request, refused or not. A guest gets it without headers, query
// and body. A refused one is diagnosed, if nobody has yet.
func (r *Receiving) Request(ctx context.Context, id string) (*models.Request, error) {
	row, err := database.Find[models.Request](r.rows(ctx).Where("id = ?", id), "request")
	if models.IsKind(err, models.NotFound) {
		var refused *models.RefusedRequest
		if refused, err = database.Find[models.RefusedRequest](r.rows(ctx).Where("id = ?", id), "request"); err == nil {
			row, err = &refused.Request, r.diagnose(ctx, refused)
		}
	}
	if err != nil {
		return nil, err
	}
	rows := []models.Request{*row}
	if err := r.completeRequests(ctx, rows); err != nil {
		return nil, err
	}
	if r.hides {
		rows[0].Headers, rows[0].Body, rows[0].Query = nil, nil, ""
	}
	return &rows[0], nil
}

// diagnose says what most likely happened, if nobody has yet, and tries today's secrets
// on what is kept whole.
func (r *Receiving) diagnose(ctx context.Context, refused *models.RefusedRequest) error {
	if !refused.Cause.OfVerification() || refused.BodyDroppedAt != nil || refused.Diagnosis != "" && !refused.Whole {
		return nil
	}
	s, err := r.source(r.rows(ctx), refused.SourceID)
	if err != nil {
		if models.IsKind(err, models.NotFound) {
			return nil // it was deleted, and its secrets with it
		}
		return err
	}
	open, err := r.store.engine.OpenSource(r.store.db.WithContext(ctx), s)
	if err != nil {
		return err
	}
	if refused.Whole {
		open.TrySecrets(refused, r.store.sourceURL(s))
		return nil
	}
	if found := open.Diagnose(refused, r.store.sourceURL(s)); found.Reason != "" {
		refused.Diagnosis, refused.DiagnosisText = found.Reason, found.Text
	}
	return nil
}

// sourceURL returns a source's URL as providers have it.
func (s *Store) sourceURL(row *models.Source) string {
	token, err := s.vault.Open(row.ID, row.Token)
	if err != nil {
		return ""
	}
	return s.baseURL() + models.ReceivePath + string(token)
}

// EventRequest returns the request that an event of the tenant's was made from, nil
// if there is none or it is the installation's.
func (t *Tenant) EventRequest(ctx context.Context, eventID string) (*models.Request, error) {
	var links []models.RequestEvent
	if err := t.rows(ctx).Where("event_id = ? AND request_organization_id = ?", eventID, t.org.ID).Limit(1).Find(&links).Error; err != nil || len(links) == 0 {
		return nil, err
	}
	row, err := t.Receiving().Request(ctx, links[0].RequestID)
	if models.IsKind(err, models.NotFound) {
		return nil, nil
	}
	return row, err
}

// ReplayRequest has one request turned into events again. What it became before is
// made again only by force. It is a Conflict for a refused request, and for one whose
// body was dropped.
func (r *Receiving) ReplayRequest(ctx context.Context, id string, forced bool) (*models.Request, error) {
	err := r.store.transaction(once(ctx), func(tx *database.Tx) error {
		row, err := database.Find[models.Request](r.within(tx.DB).Clauses(clause.Locking{Strength: "UPDATE"}).Select("id", "organization_id", "source_id", "reason", "body_dropped_at").Where("id = ?", id), "request")
		if models.IsKind(err, models.NotFound) {
			if _, refusedErr := database.Find[models.RefusedRequest](r.within(tx.DB).Select("id").Where("id = ?", id), "request"); refusedErr == nil {
				return models.NewConflict("refused", "A refused request can’t be replayed. Accept it first.")
			}
		}
		if err != nil {
			return err
		}
		if row.Reason == models.ReasonHandshake {
			return models.NewConflict("handshake", "A handshake becomes no event, so there is nothing to replay.")
		}
		if row.BodyDroppedAt != nil {
			return models.BodyDropped(*row.BodyDroppedAt, "replayed")
		}
		if _, err := r.store.engine.QueueRequests(tx, []models.Request{*row}, forced, ""); err != nil {
			return err
		}
		var names []string // the source may be gone by now, but its row isn't
		if err := r.within(tx.DB).Model(&models.Source{}).Where("id = ?", row.SourceID).Pluck("name", &names).Error; err != nil {
			return fmt.Errorf("reading the request's source: %w", err)
		}
		return r.audit(tx, "request.replayed", id, strings.Join(names, ""), forcedWords(forced))
	})
	if err := unlessTaken(err); err != nil {
		return nil, err
	}
	return r.Request(ctx, id)
}

func forcedWords(forced bool) string {
	if forced {
		return "forced"
	}
	return ""
}

// AcceptRequest takes in a request that was refused for its signature, after its
// source's secret was corrected. Every check runs again, its age judged as of its
// receipt. It is a Conflict if the request still doesn't pass.
func (r *Receiving) AcceptRequest(ctx context.Context, id string) (*models.Request, error) {
	var kept string
	err := r.store.transaction(once(ctx), func(tx *database.Tx) error {
		refused, err := database.Find[models.RefusedRequest](r.within(tx.DB).Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id), "request")
		if models.IsKind(err, models.NotFound) {
			if _, acceptedErr := database.Find[models.Request](r.within(tx.DB).Select("id").Where("id = ?", id), "request"); acceptedErr == nil {
				return models.NewConflict("accepted", "This request was accepted already.")
			}
		}
		if err != nil {
			return err
		}
		if refused.BodyDroppedAt != nil {
			return models.BodyDropped(*refused.BodyDroppedAt, "accepted")
		}
		source, err := r.source(r.within(tx.DB), refused.SourceID)
		if err != nil {
			return err
		}
		open, err := r.store.engine.OpenSource(tx.DB, source)
		if err != nil {
			return err
		}
		receipt, err := r.store.engine.AcceptRefused(tx, open, refused, r.store.sourceURL(source))
		if err != nil {
			return err
		}
		kept = receipt.RequestID
		makes(tx, kept, "")
		return r.audit(tx, "request.accepted", id, source.Name, "refused as "+string(refused.Cause))
	})
	if before := earlier(err); before != nil {
		kept, err = before.made, nil
	}
	if err != nil {
		return nil, err
	}
	return r.Request(ctx, kept)
}

// SendSample signs a shipped sample of the source's provider with the source's own
// secret and takes it in as a test: what it becomes are test events. An empty type
// is the provider's first sample.
func (r *Receiving) SendSample(ctx context.Context, id, sampleType string) (*models.Request, error) {
	source, err := r.source(r.rows(ctx), id)
	if err != nil {
		return nil, err
	}
	if !source.Enabled() {
		return nil, models.NewConflict("source_disabled", "The source is paused. Resume it first.")
	}
	open, err := r.store.engine.OpenSource(r.store.db.WithContext(ctx), source)
	if err != nil {
		return nil, err
	}
	if open.Verifier == nil {
		return nil, models.NewConflict("source_unusable", "The source’s provider or scheme isn’t known to this version of Hookwell.")
	}
	var secret inbound.Secret
	if len(open.Secrets) > 0 {
		secret = open.Secrets[0]
	} else if open.Verifier.NeedsSecret() {
		return nil, models.NewConflict("no_secret", "The source has no secret yet. Add the provider’s secret first.")
	}
	now := r.store.clock.Now()
	sample, err := open.Verifier.SignSample(sampleType, secret, r.store.sourceURL(source), now)
	if err != nil {
		return nil, models.InvalidField("type", err.Error())
	}
	sample.ReceivedAt = now
	err = r.store.db.Transaction(ctx, func(tx *database.Tx) error {
		return r.audit(tx, "source.sample_sent", source.ID, source.Name, sampleType)
	})
	if err != nil {
		return nil, err
	}
	handled, err := r.store.engine.Handle(ctx, open, sample, "", true)
	if err != nil {
		return nil, err
	}
	if handled.State == inbound.Refused {
		return nil, models.NewConflict("sample_refused", "The source refused its own sample: "+string(handled.Cause)+".")
	}
	return r.Request(ctx, handled.RequestID)
}

// RefusedCount is how many requests a source refused for one cause in one minute.
type RefusedCount struct {
	SourceID string
	Cause    inbound.Cause
	Minute   int64 // its start, in Unix seconds
	Count    int
}

// RefusedCounts returns how many requests a source refused since a time, by cause and
// minute: those that are kept and those that are only counted.
func (r *Receiving) RefusedCounts(ctx context.Context, sourceID string, since time.Time) ([]RefusedCount, error) {
	var counts []RefusedCount
	err := r.rows(ctx).Table("refused_counts").Select("source_id", "cause", "minute", "count").Where("source_id = ? AND minute >= ?", sourceID, since.Truncate(time.Minute).Unix()).
		Order("minute, cause").Scan(&counts).Error
	return counts, err
}
