package models

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"hookwell/webhook"
)

// How a password came to be changed, as security.password_changed says it.
const (
	bySettings  = "settings"
	byResetLink = "reset_link"
	byAdmin     = "admin"
)

// maxName is how many characters a person's name may have.
const maxName = 100

func nameFaults(name string) webhook.Faults {
	if name == "" {
		return webhook.Faults{{Field: "name", Message: "Enter your name, up to " + strconv.Itoa(maxName) + " characters."}}
	}
	return textFaults("name", webhook.NameFault(name, maxName))
}

// textFaults are a fault at a field, or none if the message is empty.
func textFaults(field, message string) webhook.Faults {
	if message == "" {
		return nil
	}
	return webhook.Faults{{Field: field, Message: message}}
}

// Rename changes the person's name. A bad one is Invalid at "name"; where If asks
// for another version it is Outdated.
func (p *Person) Rename(ctx context.Context, name string) error {
	name = strings.TrimSpace(name)
	if faults := nameFaults(name); len(faults) > 0 {
		return invalid(faults)
	}
	return p.store.transaction(ctx, func(tx *Tx) error {
		now, err := find[User](tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", p.user.ID), "account")
		if err != nil {
			return err
		}
		if err := p.check(now.NameVersion()); err != nil && now.Name != name {
			return err
		}
		change := map[string]any{"name": name, "updated_at": p.store.clock.Now()}
		if err := tx.Model(&User{}).Where("id = ?", p.user.ID).Updates(change).Error; err != nil {
			return err
		}
		return p.auditOwn(tx, "user.renamed", name)
	})
}

// PasswordChange is a new password and, to prove who asks, the present one,
// which is left out by who has none yet, and a code of the second factor, where
// one is on. Unlink takes every provider from the account.
type PasswordChange struct {
	Present string
	Code    string
	New     string
	Unlink  bool
}

// budgetPasswords bounds how often a signed-in person sets their password.
var budgetPasswords = budget{name: "passwords set by a person", most: 10, span: time.Hour, used: "You have set your password 10 times within the hour."}

// ChangePassword gives the account a new password. Every session but the one of
// the token ends. It answers the account as it is now. Faults are Invalid at
// "present", "code" and "new"; more than 10 times an hour is TooMany. The code is
// left out after a proof, and who has no password yet needs one: see CheckProof.
func (p *Person) ChangePassword(ctx context.Context, change PasswordChange, token string) (*User, error) {
	user, err := p.changePassword(ctx, change, token)
	if earlier(err) != nil {
		return p.store.User(ctx, p.user.ID)
	}
	return user, err
}

func (p *Person) changePassword(ctx context.Context, change PasswordChange, token string) (*User, error) {
	if err := p.store.sentBefore(ctx); err != nil {
		return nil, err
	}
	if faults := passwordFaults("new", change.New, p.user.Name, p.user.Email); len(faults) > 0 {
		return nil, invalid(faults)
	}
	if err := p.mayChangePassword(ctx, change); err != nil {
		return nil, err
	}
	set := spend(budgetPasswords, p.user.ID)
	if err := p.store.spend(ctx, set); err != nil {
		return nil, err
	}
	hash, err := p.store.hash(ctx, ownAsker(p.user, p.actor), change.New)
	if err != nil {
		return nil, errors.Join(err, p.store.refund(ctx, set))
	}
	user := *p.user
	err = p.store.transaction(once(ctx), func(tx *Tx) error {
		if change.Unlink {
			if err := p.store.unlinkAll(tx, p.actor, &user, "with a new password"); err != nil {
				return err
			}
		}
		return p.store.setPassword(tx, p.actor, &user, hash, bySettings, token)
	})
	if err != nil {
		return nil, errors.Join(err, p.store.refund(ctx, set))
	}
	return &user, nil
}

func (p *Person) mayChangePassword(ctx context.Context, change PasswordChange) error {
	if !p.user.HasPassword() {
		return p.CheckProof()
	}
	if err := p.store.confirm(ctx, p.user, p.actor, "present", change.Present); err != nil {
		return err
	}
	if change.New == change.Present {
		return invalidField("new", "This is the password that you have. Choose another.")
	}
	if p.CheckProof() == nil {
		return nil
	}
	return p.ProveCode(ctx, change.Code)
}

// setPassword stores a new password's hash, ends the user's sessions but the
// one of the token, their reset links and those to another address, and
// reports it.
func (s *Store) setPassword(tx *Tx, actor Actor, user *User, hash, method, token string) error {
	user.PasswordHash, user.UpdatedAt = hash, s.clock.Now()
	change := map[string]any{"password_hash": hash, "updated_at": user.UpdatedAt}
	if err := tx.Model(&User{}).Where("id = ?", user.ID).Updates(change).Error; err != nil {
		return err
	}
	if _, err := s.endSessions(tx, user.ID, token); err != nil {
		return err
	}
	// Whoever knew the old one may have asked for another address too.
	ended := tx.Where("user_id = ? AND (purpose = ? OR purpose = ? AND email <> ?)", user.ID, linkReset, linkEmail, user.Email)
	if err := ended.Delete(&accountLink{}).Error; err != nil {
		return err
	}
	why := mailAlways
	if method == bySettings {
		why = mailAccount
	}
	if err := s.warn(tx, why, user.Email, "Your password at Hookwell has changed", "The password of your account at "+s.Link("/")+" was changed. All other sessions have ended."); err != nil {
		return err
	}
	action := map[string]string{bySettings: "user.password_changed", byResetLink: "user.password_reset", byAdmin: "user.password_reset"}[method]
	return s.reportSecurity(tx, actor, user, action, method, "security.password_changed", securityData{Action: "password_changed", Method: method})
}

// EmailVerified tells whether the account's address was proved.
func (u *User) EmailVerified() bool { return u.EmailVerifiedAt != nil }

// HasPassword tells whether the account has a password, and not only a provider
// that it signs in with.
func (u *User) HasPassword() bool { return u.PasswordHash != "" }
