package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
)

// reported is what a request reports of one message.
type reported struct {
	by *becoming
	inbound.MailReport
}

// readReports reads what a request of the installation's mail provider reports of
// messages. Other sources belong to organizations, whose word about an address is
// worth nothing to others.
func (b *batch) readReports(r *becoming, items []inbound.Item) {
	if !r.row.Installation() || r.row.State == inbound.Unverified || r.row.Test {
		return
	}
	for _, item := range items {
		if report, ok := r.source.Verifier.MailReport(item); ok {
			if report.At.IsZero() {
				report.At = r.row.ReceivedAt
			}
			b.reports = append(b.reports, reported{r, report})
		}
	}
}

// noteReports saves what was reported of messages that Hookwell sent, and stops mail
// to addresses that bounced for good or complained. Reports of other messages are the
// business of whoever else sends by the same provider.
func (b *batch) noteReports() error {
	if len(b.reports) == 0 {
		return nil
	}
	sent, err := b.reportedMail()
	if err != nil {
		return err
	}
	slices.SortStableFunc(b.reports, func(a, c reported) int { return a.At.Compare(c.At) })
	changed := map[string]*models.MailMessage{}
	for i := range b.reports {
		report := &b.reports[i]
		for j := range sent {
			if m := &sent[j]; report.about(m) {
				report.by.feedback = true
				if applyReport(m, report) {
					changed[m.ID] = m
				}
			}
		}
	}
	if len(changed) == 0 {
		return nil
	}
	rows := make([]*models.MailMessage, 0, len(changed))
	for _, m := range changed {
		rows = append(rows, m)
	}
	slices.SortFunc(rows, func(a, c *models.MailMessage) int { return strings.Compare(a.ID, c.ID) })
	if err := b.saveFeedback(rows); err != nil {
		return err
	}
	return b.engine.suppress(b.tx, rows)
}

// reportedMail reads and locks the messages that reports may be about. One that a
// worker took counts as sent, since its server may report before that is noted.
func (b *batch) reportedMail() (sent []models.MailMessage, err error) {
	var ids, names []string
	for i := range b.reports {
		for _, name := range b.reports[i].MessageIDs {
			name = plainText(name)
			names = append(names, name)
			if id, _, _ := strings.Cut(name, "@"); database.IsID(models.PrefixMail, id) {
				ids = append(ids, id)
			}
		}
	}
	ofID, id := b.engine.db.Dialect.Among("id", ids)
	ofName, name := b.engine.db.Dialect.Among("queue_id", names)
	err = b.tx.Clauses(clause.Locking{Strength: "UPDATE"}).Select("id", "organization_id", "recipient", "created_at", "queue_id", "feedback", "feedback_at").
		Where("attempts > 0 AND ("+ofID+" OR queue_id <> '' AND "+ofName+")", id, name).Order("id").Find(&sent).Error
	if err != nil {
		return nil, fmt.Errorf("reading reported mail: %w", err)
	}
	return sent, nil
}

// about reports whether a message is the one that a report names, to that address.
func (r *reported) about(m *models.MailMessage) bool {
	return strings.ToLower(m.Recipient) == r.Address && slices.ContainsFunc(r.MessageIDs, func(name string) bool {
		id, _, _ := strings.Cut(name, "@")
		return id == m.ID || m.QueueID != "" && name == m.QueueID
	})
}

// applyReport changes a message by a report, and reports whether that said anything
// new.
func applyReport(m *models.MailMessage, r *reported) bool {
	feedback := models.MailFeedback(r.Kind)
	if feedback == models.MailBounced && !r.Hard {
		feedback = models.MailReturned
	}
	if !feedback.Outranks(m.Feedback) {
		return false
	}
	at := r.At.UTC().Truncate(time.Microsecond)
	m.Feedback, m.FeedbackAt, m.FeedbackReason = feedback, &at, plainText(r.Reason)
	return true
}

func (b *batch) saveFeedback(messages []*models.MailMessage) error {
	rows := make([][]any, len(messages))
	for i, m := range messages {
		rows[i] = []any{m.ID, 0, string(m.Feedback), *m.FeedbackAt, m.FeedbackReason}
	}
	text := database.TextValue
	list, parameters := database.Values(b.engine.db.Dialect, []database.ValueKind{text, database.IntegerValue, text, database.TimeValue, text}, rows)
	const columns = "id, number, feedback, at, reason"
	update := `WITH every(` + columns + `) AS (` + list + `), ` + fewOf(columns, "number") + ` UPDATE mail_messages
		SET feedback = v.feedback, feedback_at = v.at, feedback_reason = v.reason FROM v WHERE mail_messages.id = v.id`
	if err := b.tx.Exec(update, parameters...).Error; err != nil {
		return fmt.Errorf("noting feedback on mail: %w", err)
	}
	return nil
}

// suppress stops mail to the addresses of messages that bounced for good or whose
// readers complained. A message from before a suppression was lifted says nothing of
// the address as it is now.
func (p *Engine) suppress(tx *database.Tx, messages []*models.MailMessage) error {
	var addresses []string
	for _, m := range messages {
		if m.Feedback.Suppresses() {
			addresses = append(addresses, strings.ToLower(m.Recipient))
		}
	}
	slices.Sort(addresses)
	addresses = slices.Compact(addresses)
	known, err := p.suppressions(tx, addresses)
	if err != nil {
		return err
	}
	fresh := map[string]*models.Suppression{}
	for _, m := range messages {
		address := strings.ToLower(m.Recipient)
		k := known[address]
		if m.Feedback.Suppresses() && (k == nil || k.LiftedAt == nil && m.Feedback.Outranks(k.Kind) || k.LiftedAt != nil && m.CreatedAt.After(*k.LiftedAt)) {
			s := &models.Suppression{Address: address, Kind: m.Feedback, Reason: m.FeedbackReason, MessageID: m.ID, CreatedAt: *m.FeedbackAt}
			known[address], fresh[address] = s, s
		}
	}
	rows := make([]*models.Suppression, 0, len(fresh))
	for _, address := range addresses { // in which order rows are locked
		if fresh[address] != nil {
			rows = append(rows, fresh[address])
		}
	}
	if len(rows) == 0 {
		return nil
	}
	if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(rows).Error; err != nil {
		return fmt.Errorf("stopping mail: %w", err)
	}
	return p.auditSuppressed(tx, rows)
}

// auditSuppressed notes in the installation's log alone that mail was stopped: whose
// message it was is nothing for other organizations to know.
func (p *Engine) auditSuppressed(tx *database.Tx, rows []*models.Suppression) error {
	entries := make([]models.AuditEntry, len(rows))
	for i, s := range rows {
		entries[i] = p.db.AuditEntry(models.SystemActor(), "", "mail.suppressed", s.MessageID, s.Address, string(s.Kind))
	}
	if err := tx.Create(&entries).Error; err != nil {
		return fmt.Errorf("writing the audit rows: %w", err)
	}
	return nil
}

// suppressions returns what is known of addresses, lifted suppressions included, and
// locks it.
func (p *Engine) suppressions(tx *database.Tx, addresses []string) (map[string]*models.Suppression, error) {
	known := make(map[string]*models.Suppression, len(addresses))
	if len(addresses) == 0 {
		return known, nil
	}
	condition, parameter := p.db.Dialect.Among("address", addresses)
	var rows []models.Suppression
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where(condition, parameter).Order("address").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading stopped addresses: %w", err)
	}
	for i := range rows {
		known[rows[i].Address] = &rows[i]
	}
	return known, nil
}

// Suppressed returns which of some addresses get no invitations and alerts, by the
// address in lower case. It fails if the database does.
func (p *Engine) Suppressed(tx *database.Tx, addresses ...string) (map[string]bool, error) {
	lower := make([]string, len(addresses))
	for i, address := range addresses {
		lower[i] = strings.ToLower(address)
	}
	condition, parameter := p.db.Dialect.Among("address", lower)
	var found []string
	err := tx.Model(&models.Suppression{}).Where("lifted_at IS NULL").Where(condition, parameter).Pluck("address", &found).Error
	if err != nil {
		return nil, fmt.Errorf("reading stopped addresses: %w", err)
	}
	stopped := make(map[string]bool, len(found))
	for _, address := range found {
		stopped[address] = true
	}
	return stopped, nil
}

// leaveOut records a message of an organization that isn't sent, since mail to its
// address is stopped, so that the organization's pages can say so.
func (p *Engine) leaveOut(tx *database.Tx, m models.Mail) error {
	p.log.Info("mail was left out: mail to its address is stopped", "kind", m.Kind, "organization", m.OrganizationID)
	if m.OrganizationID == "" {
		return nil
	}
	now, err := tx.Now()
	if err != nil {
		return err
	}
	row := &models.MailMessage{ID: p.clock.NewID(models.PrefixMail, p.clock.Now()), OrganizationID: &m.OrganizationID, Recipient: m.To, Kind: m.Kind,
		CreatedAt: now, DueAt: models.MailNeverDue, SendAt: &now, FailedAt: &now, Failure: models.ErrSuppressed.Error()}
	if err := tx.Create(row).Error; err != nil {
		return fmt.Errorf("noting mail: %w", err)
	}
	return nil
}
