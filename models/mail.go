package models

import (
	"errors"
	"time"
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

// MailMessage is a message on its way, or what is left of it. Sealed is the
// text under the vault, removed once the message is sent or given up. Until
// then no worker takes it before DueAt; one that has taken it moves DueAt on,
// so that another takes it only when that one was lost.
type MailMessage struct {
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

// TableName names the table of the rows for GORM.
func (MailMessage) TableName() string { return "mail_messages" }

// Letter is a message that one worker is to send.
type Letter struct {
	Mail
	ID       string
	QueuedAt time.Time

	Attempts int
	Token    string
}

// ErrNoMailServer is why a message was not sent where no mail server is set.
var ErrNoMailServer = errors.New("no mail server is set (HOOKWELL_SMTP_URL)")
