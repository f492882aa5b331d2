package models

import "time"

// MailFeedback is what a mail provider reported of a message. Its text is stored.
type MailFeedback string

// The kinds of feedback.
const (
	MailUnreported MailFeedback = ""
	MailReturned   MailFeedback = "returned" // not taken now; it says nothing against the address
	MailDelivered  MailFeedback = "delivered"
	MailBounced    MailFeedback = "bounced" // for good
	MailComplained MailFeedback = "complained"
)

// rank orders feedback: reports come in any order, and the gravest stands.
func (f MailFeedback) rank() int {
	switch f {
	case MailReturned:
		return 1
	case MailDelivered:
		return 2
	case MailBounced:
		return 3
	case MailComplained:
		return 4
	}
	return 0
}

// Outranks reports whether the feedback replaces an earlier one of the same message.
func (f MailFeedback) Outranks(earlier MailFeedback) bool { return f.rank() > earlier.rank() }

// Suppresses reports whether the feedback stops mail to the address.
func (f MailFeedback) Suppresses() bool { return f == MailBounced || f == MailComplained }

// MailNews is what became of the last message to an address of which anything is
// known, as far as its reader may know it.
type MailNews struct {
	Kind     MailKind
	Feedback MailFeedback // empty if Failure is why it wasn't sent
	At       time.Time
	Reason   string // what the receiving server wrote; a stranger's text
	Stopped  bool   // it wasn't sent, since mail to the address is stopped
}

// Suppression stops invitations and alerts to an address, since a message to it
// bounced for good or its reader complained. It holds while LiftedAt is nil.
type Suppression struct {
	Address   string `gorm:"primaryKey"`
	Kind      MailFeedback
	Reason    string // what the receiving server wrote; a stranger's text
	MessageID string
	CreatedAt time.Time // when it was reported to have happened
	LiftedAt  *time.Time
	LiftedBy  string
}

// TableName names the table of the rows for GORM.
func (Suppression) TableName() string { return "mail_suppressions" }

// MailKept is how long it is on record what was sent to whom. Feedback counts for so
// long.
const MailKept = 30 * Day
