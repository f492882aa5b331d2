package inbound

import (
	"strings"
	"time"

	jsonx "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MailKind says what became of a mail. Its text is stored.
type MailKind string

// The kinds of a MailReport.
const (
	MailDelivered  MailKind = "delivered"
	MailBounced    MailKind = "bounced"
	MailComplained MailKind = "complained"
)

// MailReport is what a mail provider reports about one mail to one address.
type MailReport struct {
	Kind MailKind

	// Hard says of a bounce that the address won't ever take mail. A full mailbox, a
	// block by content or reputation, and every fault that may pass are soft. Only
	// hard bounces and complaints stop mail.
	Hard bool

	// MessageIDs are the names by which the mail may be known: what was sent along
	// under MailMark, the Message-ID header without its angle brackets, and the
	// provider's own id. Count the report only if we sent one of them to the address.
	MessageIDs []string

	Address string // in lower case
	Reason  string // what the receiving server wrote; a stranger's text, at most 500 bytes
	At      time.Time
}

const maxMailReason = 500

// MailMark is the name under which Postmark and SendGrid report back what was sent
// along with a mail. Neither reports the Message-ID header dependably.
const MailMark = "hookwell-mail"

// marked reads MailMark among what a provider reports back.
type marked map[string]jsontext.Value

func (m marked) id() string {
	for name, value := range m {
		if strings.EqualFold(name, MailMark) {
			text, _ := scalarText(value)
			return text
		}
	}
	return ""
}

// mailReaders read the items of each provider. They report false if an item says
// nothing of delivery.
var mailReaders = map[string]func(body []byte) (MailReport, bool){"resend": resendMail, "postmark": postmarkMail, "sendgrid": sendgridMail, "mailgun": mailgunMail}

// MailReport reads an item of Resend, Postmark, SendGrid or Mailgun, which says
// what became of a mail to one address. It reports false for other providers, for
// items that say nothing of delivery, and for mail to several addresses. Opens and
// clicks are not read.
func (v *Verifier) MailReport(item Item) (MailReport, bool) {
	read := mailReaders[v.provider.Name]
	if read == nil || item.Body == nil {
		return MailReport{}, false
	}
	report, ok := read(item.Body)
	report.Address = externalText(strings.ToLower(strings.TrimSpace(report.Address)), MaxExternalID)
	report.Reason = externalText(report.Reason, maxMailReason)
	report.At = item.Time
	ids := report.MessageIDs[:0]
	for _, id := range report.MessageIDs {
		if id = strings.Trim(strings.TrimSpace(id), "<>"); id != "" {
			ids = append(ids, externalText(id, MaxExternalID))
		}
	}
	report.MessageIDs = ids
	if !ok || report.Address == "" || len(ids) == 0 {
		return MailReport{}, false
	}
	return report, true
}

// resendListed are Resend's sub-types of bounces that its own lists cause.
var resendListed = map[string]bool{"Suppressed": true, "OnAccountSuppressionList": true}

func resendMail(body []byte) (MailReport, bool) {
	var item struct {
		Type string `json:"type"`
		Data struct {
			EmailID   string   `json:"email_id"`
			MessageID string   `json:"message_id"`
			To        []string `json:"to"`
			Bounce    struct {
				Type    string `json:"type"`
				SubType string `json:"subType"`
				Message string `json:"message"`
			} `json:"bounce"`
		} `json:"data"`
	}
	// A report doesn't say which of several addresses it is of.
	if jsonx.Unmarshal(body, &item) != nil || len(item.Data.To) != 1 {
		return MailReport{}, false
	}
	report := MailReport{MessageIDs: []string{item.Data.MessageID, item.Data.EmailID}, Address: item.Data.To[0], Reason: item.Data.Bounce.Message}
	switch item.Type {
	case "email.delivered":
		report.Kind = MailDelivered
	case "email.bounced":
		// What Resend's own list holds back was not tried.
		report.Kind, report.Hard = MailBounced, item.Data.Bounce.Type == "Permanent" && !resendListed[item.Data.Bounce.SubType]
	case "email.complained":
		report.Kind = MailComplained
	default:
		return MailReport{}, false
	}
	return report, true
}

// postmarkHard are Postmark's types of bounces that are for good.
var postmarkHard = map[string]bool{"HardBounce": true, "BadEmailAddress": true}

func postmarkMail(body []byte) (MailReport, bool) {
	var item struct {
		RecordType, Type, MessageID, Recipient, Email, Details, Description string

		Metadata marked
	}
	if jsonx.Unmarshal(body, &item) != nil {
		return MailReport{}, false
	}
	report := MailReport{MessageIDs: []string{item.Metadata.id(), item.MessageID}, Address: item.Email, Reason: item.Details}
	if report.Reason == "" {
		report.Reason = item.Description
	}
	switch {
	case item.RecordType == "Delivery":
		report.Kind, report.Address = MailDelivered, item.Recipient
	case item.RecordType == "SpamComplaint", item.RecordType == "Bounce" && item.Type == "SpamComplaint":
		report.Kind = MailComplained
	case item.RecordType == "Bounce":
		report.Kind, report.Hard = MailBounced, postmarkHard[item.Type]
	default:
		return MailReport{}, false
	}
	return report, true
}

// sendgridHard are the classifications of a bounce that are of the address
// itself.
var sendgridHard = map[string]bool{"Invalid Address": true}

func sendgridMail(body []byte) (MailReport, bool) {
	var item struct {
		Event          string         `json:"event"`
		Type           string         `json:"type"`
		Email          string         `json:"email"`
		SMTPID         string         `json:"smtp-id"`
		MessageID      string         `json:"sg_message_id"`
		Reason         string         `json:"reason"`
		Classification string         `json:"bounce_classification"`
		Status         jsontext.Value `json:"status"`
		Mark           jsontext.Value `json:"hookwell-mail"` // MailMark; unique arguments stand beside the rest
	}
	if jsonx.Unmarshal(body, &item) != nil {
		return MailReport{}, false
	}
	own, _, _ := strings.Cut(item.MessageID, ".")
	mark, _ := scalarText(item.Mark)
	report := MailReport{MessageIDs: []string{mark, item.SMTPID, own}, Address: item.Email, Reason: item.Reason}
	status, _ := scalarText(item.Status)
	switch {
	case item.Event == "delivered":
		report.Kind = MailDelivered
	case item.Event == "spamreport":
		report.Kind = MailComplained
	case item.Event == "bounce":
		// A block is a bounce of another type, and may pass.
		report.Kind = MailBounced
		report.Hard = item.Type != "blocked" && (sendgridHard[item.Classification] || item.Classification == "" && strings.HasPrefix(status, "5.1."))
	default:
		return MailReport{}, false // dropped is SendGrid's own list, not what a server said
	}
	return report, true
}

func mailgunMail(body []byte) (MailReport, bool) {
	var item struct {
		Data struct {
			Event          string `json:"event"`
			Severity       string `json:"severity"`
			Reason         string `json:"reason"`
			Recipient      string `json:"recipient"`
			DeliveryStatus struct {
				Message     string `json:"message"`
				Description string `json:"description"`
			} `json:"delivery-status"`
			Message struct {
				Headers struct {
					MessageID string `json:"message-id"`
				} `json:"headers"`
			} `json:"message"`
		} `json:"event-data"`
	}
	if jsonx.Unmarshal(body, &item) != nil {
		return MailReport{}, false
	}
	data := item.Data
	report := MailReport{MessageIDs: []string{data.Message.Headers.MessageID}, Address: data.Recipient, Reason: data.DeliveryStatus.Message}
	if report.Reason == "" {
		report.Reason = data.DeliveryStatus.Description
	}
	switch data.Event {
	case "delivered":
		report.Kind = MailDelivered
	case "complained":
		report.Kind = MailComplained
	case "failed":
		// suppress-* are Mailgun's own lists, generic and espblock are blocks.
		report.Kind, report.Hard = MailBounced, data.Severity == "permanent" && data.Reason == "bounce"
	default:
		return MailReport{}, false
	}
	return report, true
}
