package views

import (
	"testing"
	"time"

	"hookwell/models"
)

// TestMailNews says what became of a message, and why, in a word and a sentence.
func TestMailNews(t *testing.T) {
	at := time.Date(2026, 3, 3, 15, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		news          models.MailNews
		words, reason string
	}{
		"delivered":  {models.MailNews{Feedback: models.MailDelivered, At: at}, "Delivered", ""},
		"returned":   {models.MailNews{Feedback: models.MailReturned, At: at, Reason: "452 full"}, "Not taken for now", "452 full"},
		"bounced":    {models.MailNews{Feedback: models.MailBounced, At: at, Reason: "550 gone"}, "Bounced", "550 gone"},
		"complained": {models.MailNews{Feedback: models.MailComplained, At: at}, "Marked as spam", ""},
		"stopped":    {models.MailNews{Stopped: true, At: at}, "Not sent", "Mail to this address is stopped."},
		"given_up":   {models.MailNews{At: at, Reason: "the server is away"}, "Not sent", "the server is away"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := stateOfNews(&test.news); got.words != test.words || newsReason(&test.news) != test.reason {
				t.Errorf("the news are %q, %q; want %q, %q", got.words, newsReason(&test.news), test.words, test.reason)
			}
		})
	}
}
