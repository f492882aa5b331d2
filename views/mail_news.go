package views

import "hookwell/models"

// newsState is how what became of a message is drawn.
type newsState struct{ class, icon, words string }

func stateOfNews(n *models.MailNews) newsState {
	switch n.Feedback {
	case models.MailDelivered:
		return newsState{"is-ok", "check", "Delivered"}
	case models.MailReturned:
		return newsState{"is-warn", "warn", "Not taken for now"}
	case models.MailBounced:
		return newsState{"is-failed", "failed", "Bounced"}
	case models.MailComplained:
		return newsState{"is-failed", "failed", "Marked as spam"}
	}
	return newsState{"is-off", "cancelled", "Not sent"}
}

// newsReason returns why a message didn't arrive, as far as anybody said.
func newsReason(n *models.MailNews) string {
	if n.Stopped {
		return "Mail to this address is stopped."
	}
	return n.Reason
}

// suppressionTitle and suppressionWords say why a person gets no alerts.
func suppressionTitle(s *models.Suppression) string {
	if s.Kind == models.MailComplained {
		return "A message to you was marked as spam"
	}
	return "A message to you came back"
}

func suppressionWords(s *models.Suppression, mail bool) string {
	words := "Alerts and invitations to " + s.Address + " are stopped since then. Links to set a new password and messages about your account still go, three a day."
	if !mail {
		return words + " Ask who runs this server to allow mail to you again."
	}
	return words + " Confirm the address to get all mail again: a link goes there, and works if it arrives."
}
