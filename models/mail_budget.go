package models

import (
	"strings"
	"time"
)

// mailCause is why a message is sent, which decides whose budgets it is taken
// from and what happens when one is used up.
type mailCause int

const (
	// mailAsked is what anybody can ask for, for any address. Beyond the budget
	// nothing is sent, and who asked is answered as always.
	mailAsked mailCause = iota
	// mailSent is what a signed-in person has sent to any address. Beyond the
	// budget they are refused.
	mailSent
	// mailAccount tells a person of a change of their own account that they, or
	// whoever holds their session, make. Strangers can't use its budget up; beyond
	// it the change is refused, so that none is made without word of it.
	mailAccount
	// mailEndpoints tells an organization's people how its endpoints stand. Beyond
	// the budget it is left to the pages.
	mailEndpoints
	// mailAlways is never left out: it tells of what happens seldom, or was paid
	// for by a link that came by mail, or was asked for by the operator.
	mailAlways
)

// The budgets of mail. Whoever owns the first counts everything that others can
// have sent to an address.
var (
	budgetRecipient = budget{name: "mail to an address", most: 3, span: time.Hour,
		used: "This address, whatever follows a + in it, was sent 3 messages within the hour."}
	budgetRecipientDay = budget{name: "mail of people to an address", most: 6, span: 24 * time.Hour,
		used: "This address, whatever follows a + in it, was sent 6 messages within the day."}
	budgetSender = budget{name: "mail of a person", most: 50, span: 24 * time.Hour,
		used: "You have sent 50 messages within the day."}
	budgetOrganization = budget{name: "mail of an organization", most: 100, span: 24 * time.Hour,
		used: "100 messages were sent for this organization within the day."}
	budgetAccount = budget{name: "mail to a person of their account", most: 20, span: time.Hour,
		used: "You were sent 20 messages about changes of your account within the hour."}
	budgetEndpoints = budget{name: "mail to a person of endpoints", most: 20, span: time.Hour,
		used: "20 messages about endpoints were sent to this address within the hour."}
	budgetEndpointsOrganization = budget{name: "mail of an organization of endpoints", most: 500, span: time.Hour,
		used: "500 messages about endpoints were sent for this organization within the hour."}
	// budgetAsked is what may be asked for from one address.
	budgetAsked = budget{name: "mail asked from an address", most: 20, span: time.Hour,
		used: "20 messages were asked for from your network within the hour."}
)

// spendings are what a message is taken from, given who has it sent.
func (m *Mail) spendings(why mailCause, actor Actor) []spending {
	switch why {
	case mailAsked:
		return []spending{spend(budgetRecipient, mailbox(m.To))}
	case mailSent:
		all := []spending{spend(budgetRecipient, mailbox(m.To)), spend(budgetRecipientDay, mailbox(m.To)), spend(budgetSender, string(actor.Kind), actor.ID)}
		if m.OrganizationID != "" {
			all = append(all, spend(budgetOrganization, m.OrganizationID))
		}
		return all
	case mailAccount:
		return []spending{spend(budgetAccount, m.To)}
	case mailEndpoints:
		return []spending{spend(budgetEndpoints, m.To), spend(budgetEndpointsOrganization, m.OrganizationID)}
	}
	return nil
}

// mailbox is an address without what follows a + in its local part: most mail
// servers put ada+anything@example.com where ada@example.com goes.
func mailbox(email string) string {
	at := strings.LastIndexByte(email, '@')
	if plus := strings.IndexByte(email, '+'); plus > 0 && plus < at {
		return email[:plus] + email[at:]
	}
	return email
}

// told reports whether who has a message sent is told that a budget is used up.
func (why mailCause) told() bool { return why == mailSent || why == mailAccount }
