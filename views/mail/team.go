package mail

import (
	"fmt"
	"time"

	"hookwell/models"
	"hookwell/views"
)

// invited is who invited to which organization, and the subject of the message.
func invited(v *models.MailValues) (by, org, subject string) {
	by, org = name(v.Person, "Somebody"), name(v.Organization, "an organization")
	return by, org, "Join " + org + " on Hookwell"
}

func invitation(w Words, v *models.MailValues) written {
	by, org, subject := invited(v)
	var until time.Time
	if v.Until != nil {
		until = *v.Until
	}
	return written{subject, fmt.Sprintf("%s invited you to %s on Hookwell, with the role %s.\n\nTo accept, open this link until %s UTC:\n\n%s\n\n"+
		"It works once. If you did not expect it, ignore this message.\n",
		by, org, v.Role, until.UTC().Format("2 January 2006, 15:04"), w.link(views.InvitePath(v.Token)))}
}

func join(w Words, v *models.MailValues) written {
	by, org, subject := invited(v)
	return written{subject, by + " invited you to " + org + " on Hookwell. To create your account and join, open this link within a day:\n\n" + w.signUpLink(v)}
}

func joinKnown(w Words, v *models.MailValues) written {
	by, org, subject := invited(v)
	return written{subject, by + " invited you to " + org + " on Hookwell. You have an account with this address already.\n\n" +
		"Sign in to join: " + w.link(views.InvitePath(v.Token)) + "\n\nIf you did not expect it, ignore this message.\n"}
}
