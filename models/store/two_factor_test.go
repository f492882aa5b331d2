package store_test

import (
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pquerna/otp/totp"

	"hookwell/models"
	"hookwell/models/store"
)

// account is a new account, alone.
func (f *fixture) account(t *testing.T, email string) *models.User {
	t.Helper()
	user, err := f.SignUp(t.Context(), models.SignupOpen, models.Account{Name: "Ada", Email: email, Password: password}, models.Actor{RemoteAddress: "that of " + email})
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// joins puts a user into the fixture's organization.
func (f *fixture) joins(t *testing.T, user *models.User, tenant *store.Tenant) {
	t.Helper()
	member := models.Member{ID: "mem_" + user.ID + tenant.Organization().ID, OrganizationID: tenant.Organization().ID, UserID: user.ID, Role: models.RoleMember, CreatedAt: f.Now()}
	if err := f.DB().Create(&member).Error; err != nil {
		t.Fatal(err)
	}
}

// proved is a person who has just proved who they are.
func (f *fixture) proved(user *models.User) *store.Person {
	return f.As(user, models.Actor{}).Proved(f.Now())
}

// twoFactor sets a user's second factor up and returns the recovery codes.
func (f *fixture) twoFactor(t *testing.T, user *models.User) []string {
	t.Helper()
	p := f.proved(user)
	if err := p.BeginTwoFactor(t.Context()); err != nil {
		t.Fatal(err)
	}
	codes, err := p.EnableTwoFactor(t.Context(), f.codeOf(user))
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

// codeOf is what the user's app shows now.
func (f *fixture) codeOf(user *models.User) string { return codeOf(f.Store, user) }

func codeOf(s *store.Store, user *models.User) string {
	code, err := totp.GenerateCode(store.TOTPSecret(s, user.ID), s.Now())
	if err != nil {
		panic(err)
	}
	return code
}

func (f *fixture) secondStep(t *testing.T, user *models.User, code string) error {
	t.Helper()
	return f.FinishSignIn(t.Context(), user, code, "", models.Actor{RemoteAddress: "192.0.2.7"})
}

func TestTwoFactor(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		user := f.account(t, "ada@example.com")
		p := f.proved(user)
		if _, err := p.TwoFactorKey(t.Context()); !models.IsKind(err, models.NotFound) {
			t.Errorf("a key before it was begun: %v", err)
		}
		if err := p.BeginTwoFactor(t.Context()); err != nil {
			t.Fatal(err)
		}
		key, err := p.TwoFactorKey(t.Context())
		if err != nil || len(key.Secret) != 32 || !strings.HasPrefix(key.URL, "otpauth://totp/Hookwell:ada@example.com?") {
			t.Fatalf("%+v, %v", key, err)
		}
		dumpAll(t, f.Store).holdsNowhere(t, "the key", key.Secret)
		if signed, err := f.SignIn(t.Context(), models.Credentials{Email: user.Email, Password: password}, models.Actor{}); err != nil || signed.SecondFactor {
			t.Errorf("a key that was never confirmed asks for codes: %v, %v", signed, err)
		}
		for _, wrong := range []string{"", "000000", "12345", "abcdef", key.Secret} {
			if _, err := f.proved(user).EnableTwoFactor(t.Context(), wrong); !cmp.Equal(fields(t, err), []string{"code"}) {
				t.Errorf("%q: %v", wrong, err)
			}
			f.clock.Advance(time.Hour)
		}
		on := f.codeOf(user)
		p = f.proved(user)
		codes, err := p.EnableTwoFactor(t.Context(), " "+on[:3]+" "+on[3:])
		if err != nil || len(codes) != 10 {
			t.Fatal(codes, err)
		}
		for _, code := range codes {
			dumpAll(t, f.Store).holdsNowhere(t, "a recovery code", code)
			dumpAll(t, f.Store).holdsNowhere(t, "a recovery code", strings.ReplaceAll(code, "-", ""))
		}
		if err := p.BeginTwoFactor(t.Context()); !models.IsKind(err, models.Conflict) {
			t.Errorf("begun again while on: %v", err)
		}
		if signed, err := f.SignIn(t.Context(), models.Credentials{Email: user.Email, Password: password}, models.Actor{}); err != nil || !signed.SecondFactor {
			t.Errorf("no second factor is asked for: %v, %v", signed, err)
		}
		f.takesCodesOnce(t, user, on)
		f.takesRecoveryCodesOnce(t, user, codes)
		f.turnsOff(t, user)
	})
}

func (f *fixture) takesCodesOnce(t *testing.T, user *models.User, on string) {
	t.Helper()
	wrong := func(what string, err error) {
		t.Helper()
		if !models.IsKind(err, models.Unauthorized) {
			t.Errorf("%s: %v", what, err)
		}
		f.clock.Advance(24 * time.Hour) // past every delay
	}
	wrong("the code that turned it on", f.secondStep(t, user, on))
	code := f.codeOf(user)
	if err := f.secondStep(t, user, code); err != nil {
		t.Fatal(err)
	}
	wrong("the same code", f.secondStep(t, user, code))

	early, late := f.codeOf(user), ""
	f.clock.Advance(30 * time.Second)
	late = f.codeOf(user)
	if err := f.secondStep(t, user, early); err != nil {
		t.Errorf("a code of the step before: %v", err)
	}
	if err := f.secondStep(t, user, late); err != nil {
		t.Errorf("the one after it: %v", err)
	}
	f.clock.Advance(24 * time.Hour)
	old := f.codeOf(user)
	f.clock.Advance(61 * time.Second)
	wrong("a code of two steps ago", f.secondStep(t, user, old))

	var taken atomic.Int32
	var all sync.WaitGroup
	code = f.codeOf(user)
	for range 4 {
		all.Go(func() {
			if f.secondStep(t, user, code) == nil {
				taken.Add(1)
			}
		})
	}
	all.Wait()
	if taken.Load() != 1 {
		t.Errorf("one code was taken %d times at once", taken.Load())
	}
	f.clock.Advance(24 * time.Hour)
}

func (f *fixture) takesRecoveryCodesOnce(t *testing.T, user *models.User, codes []string) {
	t.Helper()
	if err := f.secondStep(t, user, strings.ToUpper(strings.ReplaceAll(codes[0], "-", " "))); err != nil {
		t.Fatalf("a recovery code: %v", err)
	}
	if err := f.secondStep(t, user, codes[0]); !models.IsKind(err, models.Unauthorized) {
		t.Errorf("a recovery code, again: %v", err)
	}
	other := f.account(t, "other@example.com")
	f.twoFactor(t, other)
	f.clock.Advance(24 * time.Hour)
	if err := f.secondStep(t, other, codes[1]); !models.IsKind(err, models.Unauthorized) {
		t.Errorf("somebody else's recovery code: %v", err)
	}
	state, err := f.As(user, models.Actor{}).TwoFactor(t.Context())
	if err != nil || state.RecoveryCodes != 9 || state.EnabledAt == nil {
		t.Errorf("%+v, %v", state, err)
	}
	fresh, err := f.proved(user).RenewRecoveryCodes(t.Context())
	if err != nil || len(fresh) != 10 {
		t.Fatal(fresh, err)
	}
	if err := f.secondStep(t, user, codes[1]); !models.IsKind(err, models.Unauthorized) {
		t.Errorf("a code that was replaced: %v", err)
	}
	f.clock.Advance(24 * time.Hour)
}

func (f *fixture) turnsOff(t *testing.T, user *models.User) {
	t.Helper()
	p := f.proved(user)
	if err := p.DisableTwoFactor(t.Context()); err != nil {
		t.Fatal(err)
	}
	if signed, err := f.SignIn(t.Context(), models.Credentials{Email: user.Email, Password: password}, models.Actor{}); err != nil || signed.SecondFactor {
		t.Errorf("a code is still asked for: %v, %v", signed, err)
	}
	if rows := dumpTable(t, f.Store, "recovery_codes"); len(rows) != 10 {
		t.Errorf("%d recovery codes are left, want the other person's alone", len(rows))
	}
	if err := f.Operator().RemoveTwoFactor(t.Context(), user.Email); !models.IsKind(err, models.Conflict) {
		t.Errorf("removing what is off: %v", err)
	}
	if _, err := p.RenewRecoveryCodes(t.Context()); !models.IsKind(err, models.Conflict) {
		t.Errorf("codes without a second factor: %v", err)
	}
}

// TestSecurityEvents holds that each change of an account reaches every
// organization of the person, and no other, with data that fits the catalog.
func TestSecurityEvents(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		user := f.account(t, "ada@example.com")
		second, others := f.organization(t, "Globex"), f.organization(t, "Initech")
		for _, tenant := range []*store.Tenant{f.tenant, second, others} {
			endpoint(t, tenant, nil)
		}
		f.joins(t, user, f.tenant)
		f.joins(t, user, second)
		p := f.As(user, models.Actor{RemoteAddress: "192.0.2.7"})
		f.twoFactor(t, user)
		if err := p.Proved(f.Now()).DisableTwoFactor(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := p.ChangePassword(t.Context(), models.PasswordChange{Present: password, New: password + " anew"}, ""); err != nil {
			t.Fatal(err)
		}
		if err := f.Operator().ResetPassword(t.Context(), user.Email, models.PasswordChange{New: password}); err != nil {
			t.Fatal(err)
		}
		f.twoFactor(t, user)
		if err := f.Operator().RemoveTwoFactor(t.Context(), user.Email); err != nil {
			t.Fatal(err)
		}
		want := []securityEvent{
			{"security.2fa_enabled", "2fa_enabled", "totp", user.ID, user.ID}, {"security.2fa_disabled", "2fa_disabled", "totp", user.ID, user.ID},
			{"security.password_changed", "password_changed", "settings", user.ID, user.ID}, {"security.password_changed", "password_changed", "admin", user.ID, "operator"},
			{"security.2fa_enabled", "2fa_enabled", "totp", user.ID, user.ID}, {"security.2fa_disabled", "2fa_disabled", "totp", user.ID, "operator"},
		}
		for _, tenant := range []*store.Tenant{f.tenant, second} {
			if diff := cmp.Diff(want, securityEvents(t, tenant)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tenant.Organization().Name, diff)
			}
			if got := len(deliveries(t, tenant)); got != len(want) {
				t.Errorf("%s has %d deliveries, want %d", tenant.Organization().Name, got, len(want))
			}
		}
		if got := securityEvents(t, others); len(got) != 0 {
			t.Errorf("an organization that the person is not in got %v", got)
		}
		if len(f.woken.list) != 2*len(want) {
			t.Errorf("%d deliveries were woken, want %d", len(f.woken.list), 2*len(want))
		}
	})
}

type securityEvent struct{ Type, Action, Method, UserID, Actor string }

func securityEvents(t *testing.T, tenant *store.Tenant) (list []securityEvent) {
	t.Helper()
	events, _, err := tenant.Events(t.Context(), models.EventFilter{}, models.Page{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		event, err := tenant.Event(t.Context(), e.ID)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Type string
			Data struct {
				Action, Method, UserID string
				Actor                  struct{ ID string }
			}
		}
		if err := json.Unmarshal(event.Body, &body); err != nil {
			t.Fatal(err)
		}
		list = append([]securityEvent{{body.Type, body.Data.Action, body.Data.Method, body.Data.UserID, body.Data.Actor.ID}}, list...)
	}
	return list
}
