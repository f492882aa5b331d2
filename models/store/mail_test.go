package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/store"
)

// claimMail takes what is due and answers the one message that it is.
func claimMail(t *testing.T, s *store.Store) *models.Letter {
	t.Helper()
	letters, err := s.ClaimMail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(letters) != 1 {
		t.Fatalf("got %d messages, want 1", len(letters))
	}
	return &letters[0]
}

func noMail(t *testing.T, s *store.Store, when string) {
	t.Helper()
	letters, err := s.ClaimMail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(letters) != 0 {
		t.Fatalf("%s: got %+v, want no message", when, letters)
	}
}

const mailText = "Follow https://hooks.example.com/reset/tok_5ecret to choose a new password.\n"

func post(t *testing.T, f *fixture) models.Mail {
	t.Helper()
	m := models.Mail{OrganizationID: f.tenant.Organization().ID, To: "ada@example.com", Subject: "A subject\r\nBcc: eve@example.com", Text: mailText, Secret: true}
	if err := f.Post(t.Context(), m, nil); err != nil {
		t.Fatal(err)
	}
	m.Subject = "A subject Bcc: eve@example.com"
	return m
}

func TestMailIsQueuedWithTheChange(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		fault := errors.New("no")
		if err := f.Post(t.Context(), models.Mail{To: "ada@example.com"}, fault); !errors.Is(err, fault) {
			t.Fatal(err)
		}
		noMail(t, f.Store, "after a change that was rolled back")
		if f.woken.mail != 0 {
			t.Error("mail was woken for a change that was rolled back")
		}
		want := post(t, f)
		if f.woken.mail != 1 {
			t.Errorf("mail was woken %d times, want once", f.woken.mail)
		}
		dumpAll(t, f.Store).holdsNowhere(t, "the text of mail", "tok_5ecret")
		l := claimMail(t, f.again(t))
		if l.Mail != want {
			t.Errorf("got %+v, want %+v", l.Mail, want)
		}
	})
}

func TestMailIsSentOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		post(t, f)
		first := claimMail(t, f.Store)
		noMail(t, f.again(t), "while a worker has it")
		f.clock.Advance(6 * time.Minute)
		second := claimMail(t, f.again(t)) // the first was lost, or so it seemed
		if second.ID != first.ID {
			t.Fatalf("got %s, want %s", second.ID, first.ID)
		}
		if _, err := f.MailFailed(t.Context(), first, errors.New("too late"), true); err != nil {
			t.Fatal(err)
		}
		if err := f.MailSent(t.Context(), second); err != nil {
			t.Fatal(err)
		}
		if sent, failure, err := f.Operator().MailOutcome(t.Context(), first.ID); !sent || failure != "" || err != nil {
			t.Errorf("got %v %q %v, want it sent", sent, failure, err)
		}
		f.clock.Advance(24 * time.Hour)
		noMail(t, f.Store, "after it was sent")
		rows := dumpTable(t, f.Store, "mail_messages")
		if len(rows) != 1 || !strings.Contains(rows[0], "sealed=<nil>") && !strings.Contains(rows[0], "sealed= ") {
			t.Errorf("a sent message is kept as %q, want it without its text", rows)
		}
		f.clock.Advance(31 * 24 * time.Hour)
		if err := f.PruneMail(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rows := dumpTable(t, f.Store, "mail_messages"); len(rows) != 0 {
			t.Errorf("%q is kept for ever", rows)
		}
	})
}

func TestMailThatFails(t *testing.T) {
	away := errors.New("the server is away")
	t.Run("is tried again, later each time, and given up", func(t *testing.T) {
		eachStore(t, func(t *testing.T, f *fixture) {
			post(t, f)
			var delays []time.Duration
			for {
				l := claimMail(t, f.Store)
				next, err := f.MailFailed(t.Context(), l, away, false)
				if err != nil {
					t.Fatal(err)
				}
				if next.IsZero() {
					break
				}
				delay := next.Sub(f.Now()).Round(time.Second)
				delays = append(delays, delay)
				f.clock.Advance(delay - 2*time.Second)
				noMail(t, f.Store, "before its time")
				f.clock.Advance(3 * time.Second)
			}
			if !slices.IsSorted(delays) || delays[0] != time.Minute || len(delays) != 7 {
				t.Errorf("the delays are %v", delays)
			}
			f.clock.Advance(24 * time.Hour)
			noMail(t, f.Store, "after it was given up")
		})
	})
	t.Run("for good is given up at once", func(t *testing.T) {
		eachStore(t, func(t *testing.T, f *fixture) {
			post(t, f)
			if next, err := f.MailFailed(t.Context(), claimMail(t, f.Store), away, true); err != nil || !next.IsZero() {
				t.Fatalf("got %v, %v, want no next time", next, err)
			}
			f.clock.Advance(24 * time.Hour)
			noMail(t, f.Store, "after it was given up")
		})
	})
	t.Run("to open is given up, and holds nobody up", func(t *testing.T) {
		eachStore(t, func(t *testing.T, f *fixture) {
			post(t, f)
			other := f.with(t, func(o *store.Options) { o.Vault = vault(t, masterKey(9)) })
			noMail(t, other, "without the key")
			f.clock.Advance(24 * time.Hour)
			noMail(t, f.Store, "after it was given up")
		})
	})
}

func TestMailSurvivesANewKey(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		post(t, f)
		both := f.with(t, func(o *store.Options) { o.Vault = vault(t, "new:"+masterKey(2)+",1:"+f.key) })
		if _, err := both.Operator().RekeySecrets(t.Context()); err != nil {
			t.Fatal(err)
		}
		alone := f.with(t, func(o *store.Options) { o.Vault = vault(t, "new:"+masterKey(2)) })
		if l := claimMail(t, alone); l.Text != mailText {
			t.Errorf("the text is %q", l.Text)
		}
	})
}
