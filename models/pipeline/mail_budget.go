package pipeline

import (
	"strings"
	"time"

	"hookwell/models"
)

// MailCause is the reason for a message. It decides whose budgets the message
// spends and what happens when one is used up.
type MailCause int

const (
	// MailAsked is for mail that anybody can ask for, to any address. Beyond the
	// budget no mail is sent, and the person who asked gets the usual response.
	MailAsked MailCause = iota
	// MailSent is for mail that a signed-in person sends to any address. Beyond
	// the budget the request is refused.
	MailSent
	// MailAccount is for mail to a person about a change of their account, made
	// by them or by somebody with their session. Strangers can't use this budget
	// up. Beyond it the change is refused, so that no change goes unreported.
	MailAccount
	// mailEndpoints is for mail to an organization's people about its endpoints.
	// Beyond the budget only the pages show it.
	mailEndpoints
	// MailAlways is for mail that is always sent: it is rare, was paid for by a
	// link that came by mail, or was asked for by the operator.
	MailAlways
)

// The budgets of mail. The first counts, for one address, all mail that others
// can cause.
var (
	budgetRecipient = Budget{Name: "mail to an address", Most: 3, Span: time.Hour,
		Used: "This address, whatever follows a + in it, was sent 3 messages within the hour."}
	budgetRecipientDay = Budget{Name: "mail of people to an address", Most: 6, Span: 24 * time.Hour,
		Used: "This address, whatever follows a + in it, was sent 6 messages within the day."}
	budgetSender = Budget{Name: "mail of a person", Most: 50, Span: 24 * time.Hour,
		Used: "You have sent 50 messages within the day."}
	budgetOrganization = Budget{Name: "mail of an organization", Most: 100, Span: 24 * time.Hour,
		Used: "100 messages were sent for this organization within the day."}
	budgetAccount = Budget{Name: "mail to a person of their account", Most: 20, Span: time.Hour,
		Used: "You were sent 20 messages about changes of your account within the hour."}
	budgetEndpoints = Budget{Name: "mail to a person of endpoints", Most: 20, Span: time.Hour,
		Used: "20 messages about endpoints were sent to this address within the hour."}
	budgetEndpointsOrganization = Budget{Name: "mail of an organization of endpoints", Most: 500, Span: time.Hour,
		Used: "500 messages about endpoints were sent for this organization within the hour."}
	// The budgets of an address to which mail is stopped. Strangers can't use the
	// second one up, so that changes of the account are still reported.
	budgetSuppressed = Budget{Name: "mail to a stopped address", Most: 3, Span: 24 * time.Hour,
		Used: "Mail to this address is stopped but for 3 messages a day."}
	budgetSuppressedAccount = Budget{Name: "mail to a stopped address of its account", Most: 3, Span: 24 * time.Hour,
		Used: "Mail to your address is stopped but for 3 messages a day about your account. Confirm your address on your account's page."}
	// BudgetAsked limits how much mail one network address may ask for.
	BudgetAsked = Budget{Name: "mail asked from an address", Most: 20, Span: time.Hour,
		Used: "20 messages were asked for from your network within the hour."}
)

// spendingsOf are what a message is taken from, given who has it sent.
func spendingsOf(m *models.Mail, why MailCause, actor models.Actor) []Spending {
	switch why {
	case MailAsked:
		return []Spending{Spend(budgetRecipient, mailbox(m.To))}
	case MailSent:
		all := []Spending{Spend(budgetRecipient, mailbox(m.To)), Spend(budgetRecipientDay, mailbox(m.To)), Spend(budgetSender, string(actor.Kind), actor.ID)}
		if m.OrganizationID != "" {
			all = append(all, Spend(budgetOrganization, m.OrganizationID))
		}
		return all
	case MailAccount:
		return []Spending{Spend(budgetAccount, m.To)}
	case mailEndpoints:
		return []Spending{Spend(budgetEndpoints, m.To), Spend(budgetEndpointsOrganization, m.OrganizationID)}
	}
	return nil
}

// whileSuppressed is what a message to an address to which mail is stopped is taken
// from as well.
func whileSuppressed(m *models.Mail, why MailCause) Spending {
	if why == MailAsked || why == MailSent {
		return Spend(budgetSuppressed, mailbox(m.To))
	}
	return Spend(budgetSuppressedAccount, m.To)
}

// mailbox returns an address without what follows a + in its local part: most mail
// servers put ada+anything@example.com where ada@example.com goes.
func mailbox(email string) string {
	at := strings.LastIndexByte(email, '@')
	if plus := strings.IndexByte(email, '+'); plus > 0 && plus < at {
		return email[:plus] + email[at:]
	}
	return email
}

// told reports whether who has a message sent is told that a budget is used up.
func (why MailCause) told() bool { return why == MailSent || why == MailAccount }
