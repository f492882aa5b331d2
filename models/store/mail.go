package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

const (
	// mailLease is how long a worker has for the messages that it took: longer
	// than any mail server may take for them.
	mailLease = 5 * time.Minute
	// mailStep is how many messages a worker takes at once.
	mailStep = 10
)

// mailDelays is how long a message waits after each failure; after the last it
// is given up.
var mailDelays = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour}

// MailConfigured reports whether a mail server is set. Without one messages are
// only logged, and their contents must be shown elsewhere.
func (s *Store) MailConfigured() bool { return s.mail }

// ClaimMail takes some due messages, the longest due first. No other process takes
// them within the next minutes. It returns none if none is due. It fails if the
// database does.
func (s *Store) ClaimMail(ctx context.Context) ([]models.Letter, error) {
	var letters []models.Letter
	err := s.db.Transaction(ctx, func(tx *database.Tx) (err error) {
		letters = nil
		var rows []models.MailMessage
		query := fmt.Sprintf(`SELECT %[1]s FROM mail_messages WHERE sent_at IS NULL AND failed_at IS NULL AND (send_at <= %[2]s OR send_at IS NULL AND due_at <= %[2]s)
			ORDER BY coalesce(send_at, due_at) LIMIT %[3]d %[4]s`, database.MailColumns, s.db.Dialect.Now(s.clock), mailStep, s.db.Dialect.ForUpdate(true))
		if err := tx.Raw(query).Scan(&rows).Error; err != nil || len(rows) == 0 {
			return err
		}
		token := rand.Text()
		ids := make([]string, len(rows))
		for i := range rows {
			ids[i] = rows[i].ID
		}
		change := s.mailAfter(mailLease)
		change["attempts"], change["lease_token"] = gorm.Expr("attempts + 1"), token
		if err := tx.Model(&models.MailMessage{}).Where("id IN ?", ids).Updates(change).Error; err != nil {
			return err
		}
		if rows, err = s.stopMail(tx, rows, token); err != nil {
			return err
		}
		return s.openMail(tx, rows, token, &letters)
	})
	if err != nil {
		return nil, fmt.Errorf("looking for mail: %w", err)
	}
	return letters, nil
}

// stopMail ends messages whose address was suppressed after they were queued, and
// returns the others.
func (s *Store) stopMail(tx *database.Tx, rows []models.MailMessage, token string) (left []models.MailMessage, err error) {
	var addresses []string
	for i := range rows {
		if rows[i].Kind.Stops() {
			addresses = append(addresses, rows[i].Recipient)
		}
	}
	if len(addresses) == 0 {
		return rows, nil
	}
	stopped, err := s.engine.Suppressed(tx, addresses...)
	if err != nil || len(stopped) == 0 {
		return rows, err
	}
	var ended []string
	for i := range rows {
		if rows[i].Kind.Stops() && stopped[strings.ToLower(rows[i].Recipient)] {
			ended = append(ended, rows[i].ID)
			continue
		}
		left = append(left, rows[i])
	}
	change := map[string]any{"failed_at": s.clock.Now(), "failure": models.ErrSuppressed.Error(), "attempts": gorm.Expr("attempts - 1"), "sealed": nil, "lease_token": ""}
	err = tx.Model(&models.MailMessage{}).Where("id IN ? AND lease_token = ?", ended, token).Updates(change).Error
	return left, err
}

// openMail makes letters of rows. What the vault does not open, and what is no
// JSON, can't be sent now or later.
func (s *Store) openMail(tx *database.Tx, rows []models.MailMessage, token string, letters *[]models.Letter) error {
	for _, row := range rows {
		letter := models.Letter{Mail: models.Mail{To: row.Recipient, Kind: row.Kind}, Secret: row.Secret, Subject: row.Subject, ID: row.ID, QueuedAt: row.CreatedAt,
			Attempts: row.Attempts + 1, Token: token}
		if row.OrganizationID != nil {
			letter.OrganizationID = *row.OrganizationID
		}
		err := s.openValues(&row, &letter)
		if err != nil {
			s.log.Error("mail can't be read", "mail", row.ID, "error", err)
			if err := s.endMail(tx.DB, &letter, map[string]any{"failed_at": s.clock.Now(), "failure": err.Error()}); err != nil {
				return err
			}
			continue
		}
		*letters = append(*letters, letter)
	}
	return nil
}

// openValues reads what the words of a message name, or the words of one that an
// earlier version queued.
func (s *Store) openValues(row *models.MailMessage, letter *models.Letter) error {
	sealed, err := s.vault.Open(row.ID, row.Sealed)
	if err != nil {
		return err
	}
	if row.Kind == models.MailFinished {
		letter.Text = string(sealed)
		return nil
	}
	if err := json.Unmarshal(sealed, &letter.Values); err != nil {
		return fmt.Errorf("reading the values of %q: %w", row.Kind, err)
	}
	return nil
}

// mailAfter returns the change that keeps a message from every worker for so long.
func (s *Store) mailAfter(delay time.Duration) map[string]any {
	then := s.db.Dialect.SecondsAfter(s.db.Dialect.Now(s.clock), strconv.Itoa(int(delay.Seconds())))
	return map[string]any{
		"due_at":  gorm.Expr("CASE WHEN send_at IS NULL THEN " + then + " ELSE due_at END"),
		"send_at": gorm.Expr("CASE WHEN send_at IS NULL THEN NULL ELSE " + then + " END"),
	}
}

// MailSent notes that a mail server took the message, and deletes its contents. It
// fails if the database does.
func (s *Store) MailSent(ctx context.Context, l *models.Letter) error {
	return s.endMail(s.db.WithContext(ctx), l, map[string]any{"sent_at": s.clock.Now(), "queue_id": pipeline.Storable(l.QueueID)})
}

// MailFailed notes why the message was not sent. It schedules another try, or
// gives the message up and deletes its contents if final is true or it was tried
// often enough. It returns the time of the next try; the zero time means never.
func (s *Store) MailFailed(ctx context.Context, l *models.Letter, reason error, final bool) (next time.Time, err error) {
	failure := pipeline.Storable(reason.Error())
	if final || l.Attempts > len(mailDelays) {
		return time.Time{}, s.endMail(s.db.WithContext(ctx), l, map[string]any{"failed_at": s.clock.Now(), "failure": failure})
	}
	delay := mailDelays[l.Attempts-1]
	change := s.mailAfter(delay)
	change["failure"], change["lease_token"] = failure, ""
	if err := s.taken(s.db.WithContext(ctx), l).Updates(change).Error; err != nil {
		return time.Time{}, fmt.Errorf("noting mail: %w", err)
	}
	return s.clock.Now().Add(delay), nil
}

// taken returns the row of a message, as long as it is still the worker's.
func (s *Store) taken(db *gorm.DB, l *models.Letter) *gorm.DB {
	return db.Model(&models.MailMessage{}).Where("id = ? AND lease_token = ?", l.ID, l.Token)
}

func (s *Store) endMail(db *gorm.DB, l *models.Letter, change map[string]any) error {
	change["sealed"], change["lease_token"] = nil, ""
	if err := s.taken(db, l).Updates(change).Error; err != nil {
		return fmt.Errorf("noting mail: %w", err)
	}
	return nil
}

// PruneMail deletes the records of messages that ended long ago, and of suppressions
// that were lifted as long ago: no report can be about a message from before that. It
// fails if the database does.
func (s *Store) PruneMail(ctx context.Context) error {
	old := s.clock.Now().Add(-models.MailKept)
	return errors.Join(s.db.WithContext(ctx).Where("sent_at < ? OR failed_at < ?", old, old).Delete(&models.MailMessage{}).Error,
		s.db.WithContext(ctx).Where("lifted_at < ?", old).Delete(&models.Suppression{}).Error)
}

// TestMail queues a message that says that mail works, and returns its id. What is
// no address is Invalid at "to".
func (p *Platform) TestMail(ctx context.Context, to string) (string, error) {
	if address, err := mail.ParseAddress(to); err != nil || address.Address != to {
		return "", models.InvalidField("to", "Write an address such as you@example.com.")
	}
	var id string
	err := p.store.db.Transaction(ctx, func(tx *database.Tx) (err error) {
		id, err = p.store.engine.PostOne(tx, pipeline.MailAlways, p.actor, models.Mail{To: to, Kind: models.MailTest})
		if err != nil {
			return err
		}
		return p.store.db.Audit(tx, p.actor, "", "mail.tested", id, to, "")
	})
	return id, err
}

// MailOutcome returns whether a mail server took a message and, if not, why the
// last try failed. An unknown message is NotFound.
func (p *Platform) MailOutcome(ctx context.Context, id string) (sent bool, failure string, err error) {
	row, err := database.Find[models.MailMessage](p.store.db.WithContext(ctx).Where("id = ?", id), "message")
	if err != nil {
		return false, "", err
	}
	return row.SentAt != nil, row.Failure, nil
}
