package pipeline

import (
	"fmt"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// mailAdmins writes an announcement to the organization's admins and owners.
func (p *Engine) mailAdmins(tx *database.Tx, organizationID string, a *announcement) error {
	org, err := database.Find[models.Organization](tx.Where("id = ?", organizationID), "organization")
	if err != nil {
		return err
	}
	if org.DeletedAt != nil {
		return nil
	}
	var addresses []string
	err = tx.Model(&models.User{}).Joins("JOIN members m ON m.user_id = users.id").
		Where("m.organization_id = ? AND m.role IN ?", org.ID, []models.Role{models.RoleAdmin, models.RoleOwner}).Order("users.id").Pluck("users.email", &addresses).Error
	if err != nil {
		return fmt.Errorf("reading the admins: %w", err)
	}
	why := MailAlways
	if a.kind == models.NoticeFailing || a.kind == models.NoticeRecovered { // the others tell what is or will be disabled
		why = mailEndpoints
	}
	subject, text := a.words(org, p.Link)
	for _, address := range addresses {
		if err := p.Post(tx, why, models.Actor{}, models.Mail{OrganizationID: org.ID, To: address, Subject: subject, Text: text}); err != nil {
			return err
		}
	}
	return nil
}

// words are the message's subject and text.
func (a *announcement) words(org *models.Organization, link func(path string) string) (subject, text string) {
	organization := MailName(org.Name, "your organization")
	who, has, is, it := mailTitle(a.on[0]), "has", "is", "it"
	if n := len(a.on); n > 1 {
		who, has, is, it = fmt.Sprintf("%d endpoints", n), "have", "are", "they"
	}
	var opening, closing string
	switch a.kind {
	case models.NoticeFailing:
		subject = who + " " + is + " failing"
		opening = fmt.Sprintf("Nothing that %s sent to %s has succeeded since the time below.", organization, a.object())
		closing = fmt.Sprintf("Every delivery is tried again by its endpoint's schedule, so nothing has to be done if this passes. An endpoint without a success for %d days that failed on at least %d of them is disabled; another message comes a day before that.",
			int(models.DisableAfter.Hours()/24), models.DisableDays)
	case models.NoticeDisabling:
		subject = who + " " + is + " about to be disabled"
		opening = fmt.Sprintf("Nothing that %s sent to %s has succeeded for days. Unless something does, %s %s disabled at the time below.", organization, a.object(), it, is)
		closing = "Look at the answers of the last attempts, mend the receiver, and send a delivery again: one success is enough. A test event does not count."
	case models.NoticeDisabled:
		subject = who + " " + has + " been disabled"
		opening = fmt.Sprintf("Nothing that %s sent to %s has succeeded for %d days, so Hookwell sends nothing more there.", organization, a.object(), int(models.DisableAfter.Hours()/24))
		closing = "What waits is kept until it would be too late. Once the receiver is mended, enable the endpoint; the same page sends it the events that it missed."
	case models.NoticeGone:
		subject = who + " " + has + " been disabled"
		opening = fmt.Sprintf("The receiver of %s answered 410 to %s: it is gone for good. Hookwell sends nothing more there.", a.object(), organization)
		closing = "If that was a mistake, enable the endpoint; the same page sends it the events that it missed. If the address has moved, change it first."
	case models.NoticeRecovered:
		subject = who + " " + has + " recovered"
		opening = fmt.Sprintf("Deliveries of %s to %s succeed again.", organization, a.object())
		closing = "What still waits is tried again by its schedule. What failed for good meanwhile can be sent again from the page."
	}
	var b strings.Builder
	b.WriteString(opening + "\n\n")
	for i, e := range a.on {
		b.WriteString(mailTitle(e) + "\n")
		if e.Name != "" {
			b.WriteString(e.URL + "\n")
		}
		b.WriteString(a.facts(i))
		b.WriteString(link("/o/"+org.Slug+"/endpoints/"+e.ID) + "\n\n")
	}
	b.WriteString(closing + "\n\n-- \nYou get this because you are an admin or an owner of " + organization + " on Hookwell.\n")
	return subject, b.String()
}

// mailTitle is an endpoint's title: its name, or its URL, which is meant as one.
func mailTitle(e *models.Endpoint) string {
	if e.Name == "" {
		return mailLine(e.Title(), maxSubject)
	}
	return MailName(e.Name, "an endpoint")
}

func (a *announcement) object() string {
	if len(a.on) > 1 {
		return "the endpoints below"
	}
	return "the endpoint below"
}

// facts are the lines about one endpoint.
func (a *announcement) facts(i int) string {
	if a.of[i] == nil || a.of[i].FailingSince == nil {
		return ""
	}
	lines := "failing since " + mailTime(*a.of[i].FailingSince) + "\n"
	if at, _ := a.of[i].DisableAt(); at != nil && a.kind == models.NoticeDisabling {
		lines += "disabled at " + mailTime(*at) + "\n"
	}
	return lines
}

func mailTime(at time.Time) string { return at.UTC().Format("Monday, 2 January 2006, 15:04") + " UTC" }
