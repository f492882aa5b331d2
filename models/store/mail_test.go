package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
	"hookwell/models/store"
)

// claimMail takes what is due and returns the one message that it is.
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

func post(t *testing.T, f *fixture) models.Mail {
	t.Helper()
	until := time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)
	m := models.Mail{OrganizationID: f.tenant.Organization().ID, To: "ada@example.com", Kind: models.MailInvitation,
		Values: models.MailValues{Token: "tok_5ecret", Person: "<Ada> & \u202e sons of Lovelace", Organization: "Acme", Role: models.RoleAdmin, Until: &until}}
	if err := f.Post(t.Context(), m, nil); err != nil {
		t.Fatal(err)
	}
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
		dumpAll(t, f.Store).holdsNowhere(t, "the token of a link", "tok_5ecret")
		dumpAll(t, f.Store).holdsNowhere(t, "what a message names", "sons of Lovelace")
		l := claimMail(t, f.again(t))
		if diff := cmp.Diff(want, l.Mail); diff != "" || !l.Secret {
			t.Errorf("secret %v, (-queued +claimed):\n%s", l.Secret, diff)
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
		if l := claimMail(t, alone); l.Values.Token != "tok_5ecret" {
			t.Errorf("the token is %q", l.Values.Token)
		}
	})
}

// TestMailOfAnEarlierVersion holds that what such a version queued, before the
// migration or beside it, goes out as it is, and that it takes nothing of this one.
func TestMailOfAnEarlierVersion(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		const text = "Follow https://hooks.example.com/reset/tok_5ecret.\n"
		must(t, f.PostFinished(t.Context(), "mail_1", "A new password", text))
		l := claimMail(t, f.Store)
		if l.Kind != models.MailFinished || l.Subject != "A new password" || l.Text != text || !l.Secret || l.To != "ada@example.com" {
			t.Fatalf("ClaimMail() took %+v, want the words of the row", l)
		}
		noMail(t, f.again(t), "while a worker has it")
		if _, err := f.MailFailed(t.Context(), l, errors.New("away"), false); err != nil {
			t.Fatal(err)
		}
		noMail(t, f.Store, "before its time")
		f.clock.Advance(61 * time.Second)
		must(t, f.MailSent(t.Context(), claimMail(t, f.Store)))

		post(t, f)
		f.clock.Advance(30 * 24 * time.Hour)
		must(t, f.PostFinished(t.Context(), "mail_2", "Beside", text))
		taken, err := f.TakenByAnEarlierVersion(t.Context())
		if err != nil || !slices.Equal(taken, []string{"mail_2"}) {
			t.Errorf("an earlier version takes %v, %v; want its own alone", taken, err)
		}
		if letters, err := f.ClaimMail(t.Context()); err != nil || len(letters) != 2 {
			t.Errorf("ClaimMail() returned %d messages, %v; want both", len(letters), err)
		}
	})
}
