package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm/clause"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
)

// payments are what sources have told of payments, with what a batch adds.
type payments struct {
	rows    map[string]*models.SourcePayment
	changed []*models.SourcePayment
	engine  *Engine
}

func paymentKey(organizationID, sourceID, paymentID string) string {
	return strings.Join([]string{organizationID, sourceID, paymentID}, "\x00")
}

// addPayments reads and locks what is known of the payments that events speak of.
func (b *batch) addPayments(all []*made) (*payments, error) {
	t := &payments{rows: map[string]*models.SourcePayment{}, engine: b.engine}
	var names [][]any
	for _, m := range all {
		if m.repeated || m.mapped == nil || m.mapped.Payment == nil {
			continue
		}
		row := &models.SourcePayment{OrganizationID: m.identity.OrganizationID, SourceID: m.identity.SourceID, PaymentID: plainText(m.mapped.Payment.ID), UpdatedAt: b.engine.clock.Now()}
		key := paymentKey(row.OrganizationID, row.SourceID, row.PaymentID)
		if t.rows[key] == nil {
			t.rows[key] = row
			t.changed = append(t.changed, row)
			names = append(names, []any{row.OrganizationID, row.SourceID, row.PaymentID})
		}
	}
	if len(names) == 0 {
		return t, nil
	}
	slices.SortFunc(t.changed, func(a, c *models.SourcePayment) int {
		return strings.Compare(paymentKey(a.OrganizationID, a.SourceID, a.PaymentID), paymentKey(c.OrganizationID, c.SourceID, c.PaymentID))
	})
	if err := b.tx.Clauses(clause.OnConflict{DoNothing: true}).Create(t.changed).Error; err != nil {
		return nil, fmt.Errorf("adding payments: %w", err)
	}
	var saved []models.SourcePayment
	text := database.TextValue
	condition, parameters := database.AmongRows(b.engine.db.Dialect, []string{"organization_id", "source_id", "payment_id"}, []database.ValueKind{text, text, text}, names)
	err := b.tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where(condition, parameters...).Order("organization_id, source_id, payment_id").Find(&saved).Error
	if err != nil {
		return nil, fmt.Errorf("reading payments: %w", err)
	}
	for i := range saved {
		row := t.rows[paymentKey(saved[i].OrganizationID, saved[i].SourceID, saved[i].PaymentID)]
		row.Paid, row.Refunded = saved[i].Paid, saved[i].Refunded
	}
	return t, nil
}

// of adds what an event says of its payment, and returns the sum.
func (t *payments) of(m *made) inbound.PaymentTotal {
	if m.mapped.Payment == nil {
		return inbound.PaymentTotal{}
	}
	row := t.rows[paymentKey(m.identity.OrganizationID, m.identity.SourceID, plainText(m.mapped.Payment.ID))]
	if row == nil {
		return inbound.PaymentTotal{}
	}
	m.before = *row
	if paid := m.mapped.Payment.Paid; paid != nil {
		row.Paid = paid
	}
	if refund := m.mapped.Payment.Refund; refund != nil && !m.known {
		row.Refunded += *refund
	}
	return inbound.PaymentTotal{Paid: row.Paid, Refunded: row.Refunded}
}

// takeBack forgets what of added for an event that isn't made.
func (t *payments) takeBack(m *made) {
	if m.before.PaymentID == "" {
		return
	}
	row := t.rows[paymentKey(m.before.OrganizationID, m.before.SourceID, m.before.PaymentID)]
	row.Paid, row.Refunded = m.before.Paid, m.before.Refunded
}

// save writes the sums.
func (t *payments) save(tx *database.Tx) error {
	if len(t.changed) == 0 {
		return nil
	}
	now := t.engine.clock.Now()
	for _, row := range t.changed {
		row.UpdatedAt = now
	}
	if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(t.changed).Error; err != nil {
		return fmt.Errorf("saving payments: %w", err)
	}
	return nil
}
