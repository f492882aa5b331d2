package models

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
	"time"

	"gorm.io/gorm"
)

// Mail is one message to one address, in plain text.
type Mail struct {
	OrganizationID string // whose affair it is; empty for what concerns a person alone
	To             string // the address alone
	Subject        string
	Text           string
	// Secret marks a text that lets its reader in, such as a link with a token.
	// It is never logged, not even where no mail server is set.
	Secret bool
}

// mailMessage is a message on its way, or what is left of it. Sealed is the
// text under the vault, removed once the message is sent or given up. Until
// then no worker takes it before DueAt; one that has taken it moves DueAt on,
// so that another takes it only when that one was lost.
type mailMessage struct {
	ID             string
	OrganizationID *string
	Recipient      string
	Subject        string
	Secret         bool
	Sealed         []byte
	CreatedAt      time.Time
	DueAt          time.Time
	Attempts       int
	LeaseToken     string
	SentAt         *time.Time
	FailedAt       *time.Time
	Failure        string
}

func (mailMessage) TableName() string { return "mail_messages" }

const (
	// maxSubject is how many characters of a subject are kept.
	maxSubject = 200
	// mailLease is how long a worker has for the messages that it took: longer
	// than any mail server may take for them.
	mailLease = 5 * time.Minute
	// mailStep is how many messages a worker takes at once.
	mailStep = 10
	// keepMail is how long it is on record what was sent to whom.
	keepMail = 30 * 24 * time.Hour
)

// mailDelays is how long a message waits after each failure; after the last it
// is given up.
var mailDelays = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour}

// post queues a message in the transaction of the change that it tells of,
// which is one of Store.transaction: it is sent after the commit, and never
// without it. The transaction pays for it too. Where a budget is used up, post
// fails with TooMany, or queues nothing, as the cause says.
func (s *Store) post(tx *Tx, why mailCause, actor Actor, m Mail) error {
	_, err := s.postOne(tx, why, actor, m)
	return err
}

// postOne is post. It answers the message's id, or "" where none was queued.
func (s *Store) postOne(tx *Tx, why mailCause, actor Actor, m Mail) (id string, err error) {
	err = s.spendIn(tx, m.spendings(why, actor)...)
	if IsKind(err, TooMany) && !why.told() {
		s.log.Info("mail was left out: its budget is used up", "subject", m.Subject, "organization", m.OrganizationID)
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return s.queueMail(tx, m)
}

func (s *Store) queueMail(tx *Tx, m Mail) (id string, err error) {
	now, err := tx.Now()
	if err != nil {
		return "", err
	}
	id = s.clock.newID(PrefixMail, s.clock.Now())
	row := &mailMessage{ID: id, Recipient: m.To, Subject: mailLine(m.Subject, maxSubject), Secret: m.Secret,
		Sealed: s.vault.seal(id, []byte(mailText(m.Text))), CreatedAt: now, DueAt: now}
	if m.OrganizationID != "" {
		row.OrganizationID = &m.OrganizationID
	}
	if err := tx.Create(row).Error; err != nil {
		return "", fmt.Errorf("queueing mail: %w", err)
	}
	s.noted(tx).mail = true
	return id, nil
}

// MailConfigured tells whether messages reach anybody: whether a mail server is
// set. Without one they are logged, and what they say has to be shown elsewhere.
func (s *Store) MailConfigured() bool { return s.mail }

// Link is a page's address as messages carry it: the path, which begins with a
// slash, below HOOKWELL_BASE_URL. What a request says of its host has no part in it.
func (s *Store) Link(path string) string {
	if base := s.base.Load(); base != nil {
		return base.String() + path
	}
	return path
}

// SetBaseURL names the address that links begin with, where it is known only
// once the server listens.
func (s *Store) SetBaseURL(base *url.URL) { s.base.Store(base) }

// Letter is a message that one worker is to send.
type Letter struct {
	Mail
	ID       string
	QueuedAt time.Time

	attempts int
	token    string
}

// ClaimMail takes some messages that are due, the longest due first; nobody
// else takes them within the next minutes. It answers none when none is due.
func (s *Store) ClaimMail(ctx context.Context) ([]Letter, error) {
	var letters []Letter
	err := s.transact(ctx, func(tx *Tx) error {
		letters = nil
		var rows []mailMessage
		query := fmt.Sprintf("SELECT %s FROM mail_messages WHERE sent_at IS NULL AND failed_at IS NULL AND due_at <= %s ORDER BY due_at LIMIT %d %s",
			mailColumns, s.dialect.now(s.clock), mailStep, s.dialect.forUpdate(true))
		if err := tx.Raw(query).Scan(&rows).Error; err != nil || len(rows) == 0 {
			return err
		}
		token := rand.Text()
		ids := make([]string, len(rows))
		for i := range rows {
			ids[i] = rows[i].ID
		}
		lease := s.dialect.secondsAfter(s.dialect.now(s.clock), strconv.Itoa(int(mailLease.Seconds())))
		change := map[string]any{"due_at": gorm.Expr(lease), "attempts": gorm.Expr("attempts + 1"), "lease_token": token}
		if err := tx.Model(&mailMessage{}).Where("id IN ?", ids).Updates(change).Error; err != nil {
			return err
		}
		return s.openMail(tx, rows, token, &letters)
	})
	if err != nil {
		return nil, fmt.Errorf("looking for mail: %w", err)
	}
	return letters, nil
}

// openMail makes letters of rows. What the vault does not open can't be sent,
// now or later.
func (s *Store) openMail(tx *Tx, rows []mailMessage, token string, letters *[]Letter) error {
	for _, row := range rows {
		letter := Letter{Mail: Mail{To: row.Recipient, Subject: row.Subject, Secret: row.Secret}, ID: row.ID, QueuedAt: row.CreatedAt,
			attempts: row.Attempts + 1, token: token}
		if row.OrganizationID != nil {
			letter.OrganizationID = *row.OrganizationID
		}
		text, err := s.vault.open(row.ID, row.Sealed)
		if err != nil {
			s.log.Error("mail can't be read", "mail", row.ID, "error", err)
			if err := s.endMail(tx.DB, &letter, map[string]any{"failed_at": s.clock.Now(), "failure": err.Error()}); err != nil {
				return err
			}
			continue
		}
		letter.Text = string(text)
		*letters = append(*letters, letter)
	}
	return nil
}

// MailSent notes that a mail server took the message, and forgets its text.
func (s *Store) MailSent(ctx context.Context, l *Letter) error {
	return s.endMail(s.db.WithContext(ctx), l, map[string]any{"sent_at": s.clock.Now()})
}

// MailFailed notes why the message was not sent. It is tried again later, or,
// when that is of no use or was done often enough, given up and its text
// forgotten. It answers when the next attempt is; the zero time for never.
func (s *Store) MailFailed(ctx context.Context, l *Letter, reason error, final bool) (next time.Time, err error) {
	failure := storable(reason.Error())
	if final || l.attempts > len(mailDelays) {
		return time.Time{}, s.endMail(s.db.WithContext(ctx), l, map[string]any{"failed_at": s.clock.Now(), "failure": failure})
	}
	delay := mailDelays[l.attempts-1]
	change := map[string]any{"failure": failure, "lease_token": "",
		"due_at": gorm.Expr(s.dialect.secondsAfter(s.dialect.now(s.clock), strconv.Itoa(int(delay.Seconds()))))}
	if err := s.taken(s.db.WithContext(ctx), l).Updates(change).Error; err != nil {
		return time.Time{}, fmt.Errorf("noting mail: %w", err)
	}
	return s.clock.Now().Add(delay), nil
}

// taken is the row of a message, as long as it is still the worker's.
func (s *Store) taken(db *gorm.DB, l *Letter) *gorm.DB {
	return db.Model(&mailMessage{}).Where("id = ? AND lease_token = ?", l.ID, l.token)
}

func (s *Store) endMail(db *gorm.DB, l *Letter, change map[string]any) error {
	change["sealed"], change["lease_token"] = nil, ""
	if err := s.taken(db, l).Updates(change).Error; err != nil {
		return fmt.Errorf("noting mail: %w", err)
	}
	return nil
}

// PruneMail removes what is on record of messages that ended long ago.
func (s *Store) PruneMail(ctx context.Context) error {
	old := s.clock.Now().Add(-keepMail)
	return s.db.WithContext(ctx).Where("sent_at < ? OR failed_at < ?", old, old).Delete(&mailMessage{}).Error
}

// ErrNoMailServer is why a message was not sent where no mail server is set.
var ErrNoMailServer = errors.New("no mail server is set (HOOKWELL_SMTP_URL)")

// TestMail queues a message that tells whoever gets it that mail works, and
// answers its id.
func (p *Platform) TestMail(ctx context.Context, to string) (string, error) {
	if address, err := mail.ParseAddress(to); err != nil || address.Address != to {
		return "", invalidField("to", "Write an address such as you@example.com.")
	}
	var id string
	err := p.store.transact(ctx, func(tx *Tx) (err error) {
		id, err = p.store.postOne(tx, mailAlways, p.actor, Mail{To: to, Subject: "A test message from Hookwell",
			Text: "This message was asked for at the command line of Hookwell at " + p.store.Link("") + ".\n\nIt arrived, so mail works.\n"})
		if err != nil {
			return err
		}
		return p.store.audit(tx, p.actor, "", "mail.tested", id, to, "")
	})
	return id, err
}

// MailOutcome tells what came of a message: whether a mail server took it, and
// otherwise why not, as far as anybody has tried.
func (p *Platform) MailOutcome(ctx context.Context, id string) (sent bool, failure string, err error) {
	row, err := find[mailMessage](p.store.db.WithContext(ctx).Where("id = ?", id), "message")
	if err != nil {
		return false, "", err
	}
	return row.SentAt != nil, row.Failure, nil
}
