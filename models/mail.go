package models

import (
	"errors"
	"time"

	"hookwell/inbound"
)

// MailKind says what a message is about. Package views/mail has its words.
type MailKind string

// The kinds of message, each with the values that its words name.
const (
	// MailFinished is a message that an earlier version queued: its row holds the
	// words themselves.
	MailFinished MailKind = ""

	MailTest              MailKind = "test"               // an operator tries whether mail works
	MailInvitation        MailKind = "invitation"         // Person, Organization, Role, Until, Token
	MailJoin              MailKind = "join"               // the link that makes the account of who was invited: Person, Organization, Token
	MailJoinKnown         MailKind = "join_known"         // who was invited has an account: Person, Organization, Token of the invitation
	MailSignUp            MailKind = "sign_up"            // the link that makes an account: Token
	MailSignUpKnown       MailKind = "sign_up_known"      // there is an account with the address
	MailReset             MailKind = "reset"              // the link that sets a new password: Token
	MailEmailAsked        MailKind = "email_asked"        // to the present address, another one was asked for: Person, Email
	MailEmailConfirm      MailKind = "email_confirm"      // the link that confirms an address: Token
	MailEmailTaken        MailKind = "email_taken"        // somebody wanted an address that this account has
	MailEmailChanged      MailKind = "email_changed"      // to the earlier address: Email
	MailPasswordChanged   MailKind = "password_changed"   // no values
	MailTwoFactorOff      MailKind = "two_factor_off"     // no values
	MailIdentityLinked    MailKind = "identity_linked"    // Issuer, Email
	MailIdentityUnlinked  MailKind = "identity_unlinked"  // no values
	MailEndpointFailing   MailKind = "endpoint_failing"   // this and those below: Organization, Slug, Endpoints
	MailEndpointDisabling MailKind = "endpoint_disabling" // they will be disabled
	MailEndpointDisabled  MailKind = "endpoint_disabled"  // they were
	MailEndpointGone      MailKind = "endpoint_gone"      // they were, by a 410
	MailEndpointRecovered MailKind = "endpoint_recovered" // deliveries succeed again
)

// MailValues are what the words of a message name, as it was when the message
// was queued. Each kind has some of them.
type MailValues struct {
	Token        string         `json:"token,omitempty"`        // of a link, and lets its holder in
	Person       string         `json:"person,omitempty"`       // the name of who acted, as they wrote it
	Organization string         `json:"organization,omitempty"` // likewise
	Slug         string         `json:"slug,omitempty"`         // of the organization
	Role         Role           `json:"role,omitempty"`
	Until        *time.Time     `json:"until,omitempty"` // the end of a link
	Email        string         `json:"email,omitempty"` // an address that the message is about
	Issuer       string         `json:"issuer,omitempty"`
	Endpoints    []MailEndpoint `json:"endpoints,omitempty"`
}

// MailEndpoint is an endpoint that a message tells of.
type MailEndpoint struct {
	ID           string     `json:"id"`
	Name         string     `json:"name,omitempty"`
	URL          string     `json:"url"`
	FailingSince *time.Time `json:"failingSince,omitempty"`
	DisableAt    *time.Time `json:"disableAt,omitempty"`
}

// Mail is one message to one address: what it is about, and what it names.
type Mail struct {
	OrganizationID string // whose affair it is; empty for what concerns a person alone
	To             string // the address alone
	Kind           MailKind
	Values         MailValues
}

// Secret reports whether the message lets its reader in. Its text is then never
// logged, not even where no mail server is set.
func (m *Mail) Secret() bool { return m.Values.Token != "" }

// Stops reports whether mail of the kind isn't sent to an address that bounced or
// complained: invitations and alerts. Mail that lets a person in, or tells of a change
// of their account, goes on within a budget.
func (k MailKind) Stops() bool {
	switch k {
	case MailInvitation, MailEndpointFailing, MailEndpointDisabling, MailEndpointDisabled, MailEndpointGone, MailEndpointRecovered:
		return true
	}
	return false
}

// MailNeverDue stands in DueAt of a message that has a kind: a worker of an
// earlier version, which would send its values as they are, never takes it.
var MailNeverDue = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// MailMessage is a message on its way, or what is left of it. Sealed is its
// values as JSON under the vault, removed once the message is sent or given up.
// Until then no worker takes it before SendAt; one that has taken it moves SendAt
// on, so that another takes it only when that one was lost.
//
// A row of MailFinished is one of an earlier version: Sealed is its text, Subject
// its subject, and DueAt stands for SendAt, which is nil.
type MailMessage struct {
	ID             string
	OrganizationID *string
	Recipient      string
	Kind           MailKind
	Subject        string
	Secret         bool
	Sealed         []byte
	CreatedAt      time.Time
	DueAt          time.Time
	SendAt         *time.Time
	Attempts       int
	LeaseToken     string
	SentAt         *time.Time
	FailedAt       *time.Time
	Failure        string
	QueueID        string // the mail server's own name for it
	Feedback       MailFeedback
	FeedbackAt     *time.Time // when that happened
	FeedbackReason string     // what the receiving server wrote; a stranger's text
}

// TableName names the table of the rows for GORM.
func (MailMessage) TableName() string { return "mail_messages" }

// Letter is a message that one worker is to send.
type Letter struct {
	Mail
	ID       string
	QueuedAt time.Time
	// Secret marks a text that lets its reader in; see Mail.Secret.
	Secret bool
	// Subject and Text are the words of a MailFinished, and of others once they are
	// written.
	Subject string
	Text    string

	Attempts int
	Token    string
	QueueID  string // the mail server's own name for it, once it took the message
}

// Marks returns the headers by which mail providers are asked to report the
// message's id back: those of Postmark and of SendGrid. Others pass them on.
func (l *Letter) Marks() Headers {
	return Headers{{Name: "X-PM-Metadata-" + inbound.MailMark, Value: l.ID}, {Name: "X-SMTPAPI", Value: `{"unique_args":{"` + inbound.MailMark + `":"` + l.ID + `"}}`}}
}

// ErrNoMailServer is why a message was not sent where no mail server is set.
var ErrNoMailServer = errors.New("no mail server is set (HOOKWELL_SMTP_URL)")

// ErrSuppressed is why a message was not sent to an address that bounced or
// complained.
var ErrSuppressed = errors.New("mail to this address is stopped")
