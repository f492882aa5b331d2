package store_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
	"hookwell/models/store"
)

// withMail is the same store where a mail server is set.
func (f *fixture) withMail(t *testing.T) *fixture {
	t.Helper()
	mailed := *f
	mailed.Store = f.with(t, func(o *store.Options) { o.Mail = true })
	return &mailed
}

// letters are the messages that wait, by address.
func (f *fixture) letters(t *testing.T) map[string][]models.Letter {
	t.Helper()
	byAddress := map[string][]models.Letter{}
	for {
		list, err := f.ClaimMail(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			return byAddress
		}
		for i, l := range list {
			if err := f.MailSent(t.Context(), &list[i]); err != nil {
				t.Fatal(err)
			}
			byAddress[l.To] = append(byAddress[l.To], l)
		}
	}
}

// token is that of the one letter to an address, which is a secret.
func (f *fixture) token(t *testing.T, address string) string {
	t.Helper()
	list := f.letters(t)[address]
	if len(list) != 1 || !list[0].Secret {
		t.Fatalf("%d letters to %s: %+v", len(list), address, list)
	}
	token := list[0].Values.Token
	if len(token) < 40 {
		t.Fatalf("%s has the token %q", list[0].Kind, token)
	}
	dumpAll(t, f.Store).holdsNowhere(t, "a link's token", token)
	return token
}

var visitor = models.Actor{Kind: models.ActorUser, RemoteAddress: "192.0.2.7"}

func TestResetPassword(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		if err := f.AskReset(ctx, "ada@example.com", visitor); !models.IsKind(err, models.Conflict) {
			t.Errorf("without mail: %v", err)
		}
		f = f.withMail(t)
		user := f.account(t, "ada@example.com")
		endpoint(t, f.tenant, nil)
		f.joins(t, user, f.tenant)
		if err := f.AskReset(ctx, "nobody", visitor); !cmp.Equal(fields(t, err), []string{"email"}) {
			t.Error(err)
		}
		if err := f.AskReset(ctx, "nobody@example.com", visitor); err != nil {
			t.Error(err)
		}
		if got := f.letters(t); len(got) != 0 {
			t.Errorf("mail to nobody: %v", got)
		}
		if err := f.AskReset(ctx, " ADA@example.com", visitor); err != nil {
			t.Fatal(err)
		}
		token := f.token(t, user.Email)
		if email, linked, err := f.ResetEmail(ctx, token); err != nil || email != user.Email || linked {
			t.Errorf("%q, %v", email, err)
		}
		if err := f.Sessions().CommitCtx(store.WithSessionUse(ctx, models.SessionUse{UserID: user.ID}), "a session", []byte{1}, f.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"", token + "A", strings.ToLower(token)} {
			if _, err := f.ResetPassword(ctx, bad, models.PasswordChange{New: password + " anew"}, visitor); !models.IsKind(err, models.NotFound) {
				t.Errorf("token %q: %v", bad, err)
			}
		}
		if _, err := f.ResetPassword(ctx, token, models.PasswordChange{New: "short"}, visitor); !cmp.Equal(fields(t, err), []string{"new"}) {
			t.Error(err)
		}
		if _, err := f.FinishSignUp(ctx, models.SignupOpen, token, visitor); !models.IsKind(err, models.NotFound) {
			t.Errorf("for another purpose: %v", err)
		}
		f.resetsOnce(t, token)
		if _, found, _ := f.Sessions().Find("a session"); found {
			t.Error("a session lives on")
		}
		after, err := f.signIn(t, user.Email, password+" anew")
		if err != nil || after.EmailVerifiedAt == nil {
			t.Errorf("%+v, %v", after, err)
		}
		if got := securityEvents(t, f.tenant); len(got) != 1 || got[0].Method != "reset_link" || got[0].Actor != user.ID {
			t.Errorf("the events are %v", got)
		}
		if got := f.letters(t)[user.Email]; len(got) != 1 || got[0].Secret || got[0].Kind != models.MailPasswordChanged {
			t.Errorf("the person is told %+v", got)
		}
	})
}

// resetsOnce uses a link several times at once.
func (f *fixture) resetsOnce(t *testing.T, token string) {
	t.Helper()
	var worked atomic.Int32
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			_, err := f.ResetPassword(t.Context(), token, models.PasswordChange{New: password + " anew"}, visitor)
			if err == nil {
				worked.Add(1)
			} else if !models.IsKind(err, models.NotFound) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if worked.Load() != 1 {
		t.Errorf("the link worked %d times", worked.Load())
	}
}

func TestResetLinkEnds(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		f = f.withMail(t)
		user := f.account(t, "ada@example.com")
		ask := func() string {
			t.Helper()
			if err := f.AskReset(ctx, user.Email, visitor); err != nil {
				t.Fatal(err)
			}
			return f.token(t, user.Email)
		}
		token := ask()
		f.clock.Advance(time.Hour)
		if _, err := f.ResetPassword(ctx, token, models.PasswordChange{New: password + " anew"}, visitor); !models.IsKind(err, models.NotFound) {
			t.Errorf("after an hour: %v", err)
		}
		if err := f.PruneLinks(ctx); err != nil {
			t.Fatal(err)
		}
		if rows := dumpTable(t, f.Store, "account_links"); len(rows) != 0 {
			t.Errorf("pruning left %v", rows)
		}
		token = ask()
		if _, err := f.As(user, models.Actor{}).ChangePassword(ctx, models.PasswordChange{Present: password, New: password + " two"}, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := f.ResetPassword(ctx, token, models.PasswordChange{New: password + " anew"}, visitor); !models.IsKind(err, models.NotFound) {
			t.Errorf("after the password was changed: %v", err)
		}
		f.letters(t)
		f.clock.Advance(2 * time.Hour)
		for range 6 { // answered alike, and three are sent
			if err := f.AskReset(ctx, user.Email, visitor); err != nil {
				t.Error(err)
			}
		}
		if got := len(f.letters(t)[user.Email]); got != 3 {
			t.Errorf("%d letters within the hour, want 3", got)
		}
		for range 14 {
			f.AskReset(ctx, "x@example.com", visitor)
		}
		if err := refusal(t, f.AskReset(ctx, user.Email, visitor), models.TooMany); err.RetryAfter <= 0 {
			t.Error("when to try again is not said")
		}
	})
}

func TestSignUpByMail(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		f = f.withMail(t)
		known := f.account(t, "known@example.com")
		account := models.Account{Name: "Ada", Email: "Ada@example.com", Password: password}
		if err := f.AskSignUp(ctx, models.SignupClosed, account, visitor); !models.IsKind(err, models.Forbidden) {
			t.Errorf("closed: %v", err)
		}
		if err := f.AskSignUp(ctx, models.SignupOpen, models.Account{Email: "x", Password: "x"}, visitor); !cmp.Equal(fields(t, err), []string{"name", "email", "password"}) {
			t.Errorf("faults: %v", err)
		}
		if err := f.AskSignUp(ctx, models.SignupOpen, models.Account{Name: "Eve", Email: known.Email, Password: password}, visitor); err != nil {
			t.Fatal(err)
		}
		if got := f.letters(t)[known.Email]; len(got) != 1 || got[0].Secret || got[0].Kind != models.MailSignUpKnown {
			t.Errorf("who has an account gets %+v", got)
		}
		if err := f.AskSignUp(ctx, models.SignupOpen, account, visitor); err != nil {
			t.Fatal(err)
		}
		if _, err := f.signIn(t, account.Email, password); !models.IsKind(err, models.Unauthorized) {
			t.Errorf("signed in before the address was proved: %v", err)
		}
		token := f.token(t, "ada@example.com")
		if _, err := f.FinishSignUp(ctx, models.SignupFirst, token, visitor); !models.IsKind(err, models.Forbidden) {
			t.Errorf("closed meanwhile: %v", err)
		}
		user, err := f.FinishSignUp(ctx, models.SignupOpen, token, visitor)
		if err != nil || user.EmailVerifiedAt == nil || user.Name != "Ada" {
			t.Fatalf("%+v, %v", user, err)
		}
		if _, err := f.FinishSignUp(ctx, models.SignupOpen, token, visitor); !models.IsKind(err, models.NotFound) {
			t.Errorf("a second time: %v", err)
		}
		if _, err := f.signIn(t, account.Email, password); err != nil {
			t.Error(err)
		}
	})
}

func TestChangeOfEmail(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		user, other := f.account(t, "ada@example.com"), f.account(t, "bob@example.com")
		if err := f.As(user, models.Actor{}).AskEmail(ctx, "new@example.com"); !models.IsKind(err, models.Conflict) {
			t.Errorf("without mail: %v", err)
		}
		f = f.withMail(t)
		endpoint(t, f.tenant, nil)
		f.joins(t, user, f.tenant)
		p := f.proved(user)
		if err := p.AskEmail(ctx, "new"); !cmp.Equal(fields(t, err), []string{"email"}) {
			t.Error(err)
		}
		if err := f.As(user, models.Actor{}).AskEmail(ctx, "new@example.com"); !models.IsCode(err, store.CodeProof) {
			t.Error(err)
		}
		if err := p.AskEmail(ctx, other.Email); err != nil {
			t.Error(err)
		}
		// Who asks has word of it as of any other address.
		if got := f.letters(t); len(got) != 2 || len(got[user.Email]) != 1 || got[other.Email][0].Kind != models.MailEmailTaken || got[other.Email][0].Secret {
			t.Errorf("whose address it is gets %v", got)
		}
		if err := f.AskReset(ctx, user.Email, visitor); err != nil {
			t.Fatal(err)
		}
		reset := f.token(t, user.Email)
		if err := p.AskEmail(ctx, " New@example.com"); err != nil {
			t.Fatal(err)
		}
		letters := f.letters(t)
		if len(letters) != 2 || letters[user.Email][0].Secret || letters[user.Email][0].Kind != models.MailEmailAsked || letters[user.Email][0].Values.Email != "new@example.com" {
			t.Fatalf("the letters are %v", letters)
		}
		token := letters["new@example.com"][0].Values.Token
		if now, err := f.User(ctx, user.ID); err != nil || now.Email != user.Email {
			t.Errorf("changed before it was proved: %v, %v", now, err)
		}
		if email, err := f.EmailOf(ctx, token); err != nil || email != "new@example.com" {
			t.Errorf("%q, %v", email, err)
		}
		now, err := f.ConfirmEmail(ctx, token, visitor)
		if err != nil || now.Email != "new@example.com" || now.EmailVerifiedAt == nil {
			t.Fatalf("%+v, %v", now, err)
		}
		if _, err := f.ConfirmEmail(ctx, token, visitor); !models.IsKind(err, models.NotFound) {
			t.Errorf("a second time: %v", err)
		}
		if _, err := f.ResetPassword(ctx, reset, models.PasswordChange{New: password + " anew"}, visitor); !models.IsKind(err, models.NotFound) {
			t.Errorf("a link that went to the earlier address: %v", err)
		}
		if got := f.letters(t)[user.Email]; len(got) != 1 {
			t.Errorf("the earlier address is told %v", got)
		}
		if got := securityEvents(t, f.tenant); len(got) != 1 || got[0].Type != "security.email_changed" || got[0].UserID != user.ID {
			t.Errorf("the events are %v", got)
		}
		if err := f.proved(now).AskEmail(ctx, now.Email); !cmp.Equal(fields(t, err), []string{"email"}) {
			t.Errorf("the present address, proved: %v", err)
		}
	})
}
