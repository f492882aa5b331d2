package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
)

// previewWait is how long a preview waits for the one that is under way.
const previewWait = 10 * time.Second

// Preview returns what the latest requests of a source would become by its row's
// mappings, newest first, as processing would find out now. It writes nothing.
// Each request has the time that processing has for one. One preview runs at a
// time; it is Unavailable if the one before doesn't end soon. The row's scheme and
// mappings have no faults.
func (p *Engine) Preview(ctx context.Context, row *models.Source) ([]models.PreviewedRequest, error) {
	return p.preview(ctx, row, func(w *preview) ([][]string, error) { return w.latest(ctx) })
}

// PreviewRequest returns what one request of a source would become now, as Preview does;
// nothing if it isn't the source's.
func (p *Engine) PreviewRequest(ctx context.Context, row *models.Source, id string) ([]models.PreviewedRequest, error) {
	return p.preview(ctx, row, func(*preview) ([][]string, error) { return [][]string{{id}}, nil })
}

// preview previews the requests that chosen returns the ids of, in parts.
func (p *Engine) preview(ctx context.Context, row *models.Source, chosen func(*preview) ([][]string, error)) ([]models.PreviewedRequest, error) {
	if err := p.previewTurn(ctx); err != nil {
		return nil, err
	}
	defer func() { <-p.previewing }()
	verifier, mappings, faults := CompileSource(row)
	if len(faults) > 0 {
		return nil, models.NewInvalid(faults)
	}
	if _, err := p.hop(ctx); err != nil {
		return nil, err
	}
	list := verifier.Provider().Mappings
	if row.Mappings != "" {
		list = nil
		if err := json.Unmarshal([]byte(row.Mappings), &list); err != nil {
			return nil, fmt.Errorf("reading the mappings: %w", err)
		}
	}
	w := &preview{engine: p, list: list, source: &OpenSource{Source: *row, Verifier: verifier, mappings: mappings}, seen: map[string]bool{}, left: models.PreviewData}
	// Sums of payments depend on what came before, so the oldest goes first.
	parts, err := chosen(w)
	if err != nil {
		return nil, err
	}
	for _, part := range slices.Backward(parts) {
		if err := w.look(ctx, part); err != nil {
			return nil, err
		}
	}
	slices.Reverse(w.found)
	return w.found, nil
}

func (p *Engine) previewTurn(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, previewWait)
	defer cancel()
	select {
	case p.previewing <- struct{}{}:
		return nil
	case <-wait.Done():
		if err := ctx.Err(); err != nil {
			return err
		}
		return &models.Error{Kind: models.Unavailable, Code: "preview_busy", Message: "Other previews are under way. Try again in a moment."}
	}
}

// preview is one preview on its way through a source's requests.
type preview struct {
	engine   *Engine
	source   *OpenSource
	seen     map[string]bool // identities of events that an older request becomes
	payments payments
	list     []json.RawMessage // the mappings as they were written
	left     int               // of PreviewData
	found    []models.PreviewedRequest
}

// latest returns the ids of the requests to look at, newest first and of those alone
// that still have a body, in parts whose bodies fit into memory together.
func (w *preview) latest(ctx context.Context) (parts [][]string, err error) {
	var sizes []models.Request
	err = w.engine.db.WithContext(ctx).Select("id", "body_bytes").
		Where("organization_id = ? AND source_id = ? AND reason <> ? AND body_dropped_at IS NULL", w.source.OrganizationID, w.source.ID, models.ReasonHandshake).
		Order("id DESC").Limit(models.PreviewRequests).Find(&sizes).Error
	if err != nil {
		return nil, fmt.Errorf("looking for the latest requests: %w", err)
	}
	size := 0
	for i := range sizes {
		if size += sizes[i].BodyBytes; len(parts) == 0 || size > processBytes {
			parts, size = append(parts, nil), sizes[i].BodyBytes
		}
		last := len(parts) - 1
		parts[last] = append(parts[last], sizes[i].ID)
	}
	return parts, nil
}

// look adds what some requests would become.
func (w *preview) look(ctx context.Context, ids []string) error {
	p := w.engine
	tx := &database.Tx{DB: p.db.WithContext(ctx)} // which only reads, so it needs no transaction
	condition, parameter := p.db.Dialect.Among("id", ids)
	from, before := daysOf(models.PrefixRequest, ids)
	var rows []models.Request
	err := tx.Where(condition, parameter).Where("organization_id = ? AND source_id = ? AND id >= ? AND id < ?", w.source.OrganizationID, w.source.ID, from, before).Order("id").Find(&rows).Error
	if err != nil {
		return fmt.Errorf("reading requests: %w", err)
	}
	b := &batch{engine: p, tx: tx, left: map[string]bool{}, outcomes: map[string]outcome{}, organizations: map[string]*models.Organization{}, references: map[inbound.Reference]string{}}
	for i := range rows {
		b.read(&rows[i], w.source, false)
	}
	if err := b.findOrganizations(); err != nil {
		return err
	}
	var all []*made
	for _, r := range b.requests {
		all = append(all, b.plan(r)...)
	}
	if err := w.findKnown(b, all); err != nil {
		return err
	}
	if err := w.readPayments(b, all); err != nil {
		return err
	}
	first := len(w.found)
	for _, r := range b.requests {
		w.found = append(w.found, w.request(b, r, all))
	}
	b.conclude(all)
	for i, r := range b.requests {
		o, shown := b.outcomes[r.row.ID], &w.found[first+i].Request
		shown.Processing, shown.Reason, shown.ReasonMappings, shown.Error = o.processing, o.reason, strings.Join(o.mappings, models.MappingSeparator), o.error
	}
	return nil
}

// findKnown finds the events that were made before, or that an older request of
// the preview becomes.
func (w *preview) findKnown(b *batch, all []*made) error {
	if len(all) == 0 {
		return nil
	}
	relayed, err := b.findLinks()
	if err != nil {
		return err
	}
	for _, r := range b.requests {
		r.wasMapped = false // by other mappings, perhaps: these are to say what they make
	}
	var names [][]any
	for _, m := range all {
		if m.mapped == nil {
			m.known = relayed[relayedTo{m.of.row.ID, m.identity.OrganizationID}] != ""
			continue
		}
		names = append(names, []any{m.identity.OrganizationID, m.identity.SourceID, m.identity.Kind, m.identity.Identity})
	}
	if len(names) == 0 {
		return nil
	}
	condition, parameters := database.AmongRows(b.engine.db.Dialect, identityColumns, identityKinds, names)
	var saved []identityRow
	if err := b.tx.Where(condition, parameters...).Find(&saved).Error; err != nil {
		return fmt.Errorf("reading identities: %w", err)
	}
	held := map[string]bool{}
	for i := range saved {
		held[saved[i].name()] = true
	}
	for _, m := range all {
		if m.mapped == nil {
			continue
		}
		name := m.identity.name()
		m.known = held[name] || w.seen[name]
		w.seen[name] = true
	}
	return nil
}

// readPayments reads what is known of the payments that events speak of.
func (w *preview) readPayments(b *batch, all []*made) error {
	if w.payments.rows == nil {
		w.payments = payments{rows: map[string]*models.SourcePayment{}, engine: b.engine}
	}
	var names [][]any
	for _, m := range all {
		if m.mapped == nil || m.mapped.Payment == nil {
			continue
		}
		row := &models.SourcePayment{OrganizationID: m.identity.OrganizationID, SourceID: m.identity.SourceID, PaymentID: plainText(m.mapped.Payment.ID)}
		if key := paymentKey(row.OrganizationID, row.SourceID, row.PaymentID); w.payments.rows[key] == nil {
			w.payments.rows[key] = row
			names = append(names, []any{row.OrganizationID, row.SourceID, row.PaymentID})
		}
	}
	if len(names) == 0 {
		return nil
	}
	text := database.TextValue
	condition, parameters := database.AmongRows(b.engine.db.Dialect, []string{"organization_id", "source_id", "payment_id"}, []database.ValueKind{text, text, text}, names)
	var saved []models.SourcePayment
	if err := b.tx.Where(condition, parameters...).Find(&saved).Error; err != nil {
		return fmt.Errorf("reading payments: %w", err)
	}
	for i := range saved {
		row := w.payments.rows[paymentKey(saved[i].OrganizationID, saved[i].SourceID, saved[i].PaymentID)]
		row.Paid, row.Refunded = saved[i].Paid, saved[i].Refunded
	}
	return nil
}

// request says what one request would become.
func (w *preview) request(b *batch, r *becoming, all []*made) models.PreviewedRequest {
	shown := models.PreviewedRequest{Request: *r.row}
	shown.Request.Headers, shown.Request.Body = nil, nil
	for i := range r.items {
		if err := r.items[i].result.Err; err != nil && len(shown.Faults) < models.PreviewEvents {
			shown.Faults = append(shown.Faults, w.fault(i, err))
		}
	}
	for _, m := range all {
		switch {
		case m.of != r:
		case m.mapped == nil:
			m.repeated, shown.Relayed = m.known, r.relay
		default:
			w.event(b, m, &shown)
		}
	}
	return shown
}

// event adds an event to what a request becomes.
func (w *preview) event(b *batch, m *made, shown *models.PreviewedRequest) {
	event := models.PreviewedEvent{Mapping: m.mapped.Mapping, Type: m.mapped.Type, OrganizationID: b.organizations[m.identity.OrganizationID].PublicID(),
		OccurredAt: m.mapped.OccurredAt, Test: m.mapped.Test || m.of.row.Test, Repeated: m.known}
	if event.OccurredAt.IsZero() {
		event.OccurredAt = m.of.row.ReceivedAt
	}
	err := b.write(m, &w.payments)
	if err != nil {
		var refused *models.Error
		if errors.As(err, &refused) {
			event.Faults = refused.Fields
		} else {
			event.Faults.Add("data", err.Error())
		}
	}
	if len(shown.Events) == models.PreviewEvents {
		shown.More++
	} else {
		// What doesn't fit its schema is shown too. write has added to the sum already.
		if data, dataErr := m.mapped.Data(w.payments.total(m)); dataErr == nil && len(data) <= w.left {
			event.Data, w.left = data, w.left-len(data)
		}
		shown.Events = append(shown.Events, event)
	}
	if m.repeated = m.known; err != nil && !m.repeated {
		b.failMapping(m.of, err)
		w.payments.takeBack(m)
	}
}

// total returns what is known of an event's payment.
func (t *payments) total(m *made) inbound.PaymentTotal {
	if m.mapped.Payment == nil {
		return inbound.PaymentTotal{}
	}
	row := t.rows[paymentKey(m.identity.OrganizationID, m.identity.SourceID, plainText(m.mapped.Payment.ID))]
	return inbound.PaymentTotal{Paid: row.Paid, Refunded: row.Refunded}
}

// fault says where a mapping fails for an item.
func (w *preview) fault(item int, err error) models.PreviewFault {
	fault := models.PreviewFault{Item: item, Message: err.Error()}
	var at *inbound.MappingError
	if errors.As(err, &at) {
		fault.Mapping, fault.Field, fault.Message = at.Mapping, at.Field, at.Message
		fault.Source = at.Place(w.list)
	}
	return fault
}
