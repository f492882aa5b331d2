package store

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// Codes of RFC 6238 as every authenticator app makes them: SHA-1, six digits,
// a step of 30 seconds. A code of the step before or after is taken too.
const (
	totpPeriod = 30
	totpSkew   = 1
	totpSecret = 20 // bytes
)

var totpOptions = hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}

// twoFactor is a user's second factor. It counts from EnabledAt on.
type twoFactor struct {
	ID        string // the user's
	Sealed    []byte // the secret, under the vault
	LastStep  int64  // of the last code that was taken
	CreatedAt time.Time
	EnabledAt *time.Time
}

func (s *Store) twoFactorOf(db *gorm.DB, userID string) (*twoFactor, error) {
	return database.Find[twoFactor](db.Where("id = ?", userID), "second factor")
}

// asksSecondFactor reports whether the user signs in with a code as well.
func (s *Store) asksSecondFactor(ctx context.Context, userID string) (bool, error) {
	row, err := s.twoFactorOf(s.db.WithContext(ctx), userID)
	if models.IsKind(err, models.NotFound) {
		return false, nil
	}
	return err == nil && row.EnabledAt != nil, err
}

// TwoFactor returns the state of the person's second factor. It fails if the
// database does.
func (p *Person) TwoFactor(ctx context.Context) (models.TwoFactor, error) {
	row, err := p.store.twoFactorOf(p.store.db.WithContext(ctx), p.user.ID)
	if models.IsKind(err, models.NotFound) || err == nil && row.EnabledAt == nil {
		return models.TwoFactor{}, nil
	}
	if err != nil {
		return models.TwoFactor{}, err
	}
	var left int64
	err = p.store.db.WithContext(ctx).Model(&recoveryCode{}).Where("user_id = ? AND used_at IS NULL", p.user.ID).Count(&left).Error
	return models.TwoFactor{EnabledAt: row.EnabledAt, RecoveryCodes: int(left)}, err
}

// BeginTwoFactor makes a new key for the person's app. The key is not in use
// until EnableTwoFactor has seen one of its codes. It is a Conflict if a second
// factor is on already. It requires a proof: see CheckProof.
func (p *Person) BeginTwoFactor(ctx context.Context) error {
	if err := p.store.sentBefore(ctx); err != nil {
		return unlessTaken(err)
	}
	if err := p.CheckProof(); err != nil {
		return err
	}
	secret := make([]byte, totpSecret)
	rand.Read(secret)
	return unlessTaken(p.store.transaction(once(ctx), func(tx *database.Tx) error {
		if err := p.noTwoFactor(tx); err != nil {
			return err
		}
		row := twoFactor{ID: p.user.ID, Sealed: p.store.vault.Seal(p.user.ID, secret), CreatedAt: p.store.clock.Now()}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true, Columns: []clause.Column{{Name: "id"}}}).Create(&row).Error; err != nil {
			return err
		}
		return p.auditOwn(tx, "two_factor.begun", "")
	}))
}

func (p *Person) noTwoFactor(tx *database.Tx) error {
	row, err := p.store.twoFactorOf(tx.Clauses(clause.Locking{Strength: "UPDATE"}), p.user.ID)
	if models.IsKind(err, models.NotFound) || err == nil && row.EnabledAt == nil {
		return nil
	}
	if err != nil {
		return err
	}
	return models.NewConflict("two_factor_on", "Two-factor sign-in is on already. Turn it off before you set it up anew.")
}

// TwoFactorKey returns the key that BeginTwoFactor made and no code has confirmed
// yet. It is NotFound if there is none.
func (p *Person) TwoFactorKey(ctx context.Context) (models.TwoFactorKey, error) {
	row, err := database.Find[twoFactor](p.store.db.WithContext(ctx).Where("id = ? AND enabled_at IS NULL", p.user.ID), "key")
	if err != nil {
		return models.TwoFactorKey{}, err
	}
	secret, err := p.store.vault.Open(row.ID, row.Sealed)
	if err != nil {
		return models.TwoFactorKey{}, err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Hookwell", AccountName: p.user.Email, Secret: secret})
	if err != nil {
		return models.TwoFactorKey{}, fmt.Errorf("writing the key: %w", err)
	}
	return models.TwoFactorKey{Secret: key.Secret(), URL: key.URL()}, nil
}

// EnableTwoFactor turns the second factor on, given a code of the new key, and
// returns the recovery codes, which are never shown again: a form that is sent
// again late gets none. A wrong code is Invalid at "code". It requires a proof:
// see CheckProof.
func (p *Person) EnableTwoFactor(ctx context.Context, code string) (codes []string, err error) {
	if err := p.store.sentBefore(ctx); err != nil {
		return shownCodes(err)
	}
	if err := p.CheckProof(); err != nil {
		return nil, err
	}
	err = p.counted(ctx, once(ctx), func(tx *database.Tx) error {
		if err := p.noTwoFactor(tx); err != nil {
			return err
		}
		if right, err := p.store.takeCode(tx, p.user.ID, code, false); err != nil {
			return err
		} else if !right {
			return models.InvalidField("code", "This is not the code that the app shows now. Check that the device’s clock is right.")
		}
		now := p.store.clock.Now()
		if err := tx.Model(&twoFactor{}).Where("id = ?", p.user.ID).Update("enabled_at", now).Error; err != nil {
			return err
		}
		if codes, err = p.store.newRecoveryCodes(tx, p.user.ID); err != nil {
			return err
		}
		makes(tx, "", strings.Join(codes, " "))
		return p.store.reportSecurity(tx, p.actor, p.user, "two_factor.enabled", "totp", "security.2fa_enabled", securityData{Action: "2fa_enabled", Method: "totp"})
	})
	if earlier(err) != nil {
		return shownCodes(err)
	}
	return codes, err
}

// shownCodes returns the recovery codes that a form made before; none when they are
// not to be shown again.
func shownCodes(err error) ([]string, error) {
	if before := earlier(err); before != nil {
		return strings.Fields(before.shown), nil
	}
	return nil, err
}

// counted runs what a wrong code ends, in a transaction with a context of its
// own, which may take the form; it is not done at all while too many were wrong.
func (p *Person) counted(ctx, inside context.Context, do func(tx *database.Tx) error) error {
	charged, err := p.store.charge(ctx, try(limitConfirm, p.user.ID, "code"))
	if err != nil {
		return err
	}
	err = p.store.transaction(inside, do)
	switch {
	case err == nil:
		return p.store.absolve(ctx, charged)
	case models.IsKind(err, models.Invalid):
		return err
	}
	return errors.Join(err, p.store.uncharge(ctx, charged))
}

// DisableTwoFactor turns the second factor off. If none is on, it is a Conflict.
// It requires a proof: see CheckProof.
func (p *Person) DisableTwoFactor(ctx context.Context) error {
	if err := p.store.sentBefore(ctx); err != nil {
		return unlessTaken(err)
	}
	if err := p.CheckProof(); err != nil {
		return err
	}
	return unlessTaken(p.store.transaction(once(ctx), func(tx *database.Tx) error { return p.store.removeTwoFactor(tx, p.actor, p.user) }))
}

func (s *Store) removeTwoFactor(tx *database.Tx, actor models.Actor, user *models.User) error {
	removed := tx.Where("id = ? AND enabled_at IS NOT NULL", user.ID).Delete(&twoFactor{})
	if removed.Error == nil && removed.RowsAffected == 0 {
		return models.NewConflict("two_factor_off", "Two-factor sign-in is off already.")
	}
	if err := errors.Join(removed.Error, tx.Where("user_id = ?", user.ID).Delete(&recoveryCode{}).Error); err != nil {
		return err
	}
	why := pipeline.MailAccount
	if actor.Kind == models.ActorOperator {
		why = pipeline.MailAlways
	}
	if err := s.warn(tx, why, user.Email, models.MailTwoFactorOff, models.MailValues{}); err != nil {
		return err
	}
	return s.reportSecurity(tx, actor, user, "two_factor.disabled", "totp", "security.2fa_disabled", securityData{Action: "2fa_disabled", Method: "totp"})
}

// takeSecondFactor takes a code of the app or a recovery code, each once.
func (s *Store) takeSecondFactor(tx *database.Tx, userID, code string) (right bool, method string, err error) {
	if right, err = s.takeCode(tx, userID, code, true); right || err != nil {
		return right, "code", err
	}
	right, err = s.takeRecoveryCode(tx, userID, code)
	return right, "recovery code", err
}

// takeCode reports whether it is a code of the user's app that was not taken
// before, and takes it.
func (s *Store) takeCode(tx *database.Tx, userID, code string, enabled bool) (bool, error) {
	row, err := s.twoFactorOf(tx.DB, userID)
	if models.IsKind(err, models.NotFound) || err == nil && (row.EnabledAt != nil) != enabled {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	secret, err := s.vault.Open(row.ID, row.Sealed)
	if err != nil {
		return false, err
	}
	step, err := matchingStep(base32Text.EncodeToString(secret), strings.Join(strings.Fields(code), ""), s.clock.Now())
	if err != nil || step < 0 {
		return false, err
	}
	// One that is older than the last taken is refused too, as RFC 6238 asks.
	taken := tx.Model(&twoFactor{}).Where("id = ? AND last_step < ?", userID, step).Update("last_step", step)
	return taken.RowsAffected == 1, taken.Error
}

// matchingStep returns the time step whose code it is, of those that are taken now;
// -1 for none. The work is the same for every code.
func matchingStep(secret, code string, now time.Time) (int64, error) {
	found, present := int64(-1), now.Unix()/totpPeriod
	for step := present - totpSkew; step <= present+totpSkew; step++ {
		right, err := hotp.GenerateCodeCustom(secret, uint64(step), totpOptions)
		if err != nil {
			return -1, fmt.Errorf("making a code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(right), []byte(code)) == 1 {
			found = step
		}
	}
	return found, nil
}

// FinishSignIn checks the second step of a sign-in: a code of the app, or a
// recovery code. A wrong one is Unauthorized at "code"; too many tries are
// TooMany.
func (s *Store) FinishSignIn(ctx context.Context, user *models.User, code, device string, actor models.Actor) error {
	tries := try(limitConfirm, user.ID, "sign-in")
	if s.knowsDevice(user.ID, device) {
		tries = try(limitDevice, device, "code")
	}
	charged, err := s.charge(ctx, tries)
	if err != nil {
		return err
	}
	right := false
	err = s.transaction(ctx, func(tx *database.Tx) (err error) {
		var method string
		if right, method, err = s.takeSecondFactor(tx, user.ID, code); err != nil {
			return err
		}
		if right {
			return s.reportSecurity(tx, actor.As(user), user, "user.signed_in", method, "", securityData{})
		}
		return s.reportSecurity(tx, actor.Visitor(), user, "user.sign_in_refused", "wrong code", "", securityData{})
	})
	if err != nil {
		return errors.Join(err, s.uncharge(ctx, charged))
	}
	if right {
		return s.absolve(ctx, charged)
	}
	return models.RefusedField("wrong_code", "code", "This code is not right, or it was used already.")
}
