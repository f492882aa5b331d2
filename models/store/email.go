package store

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// AskEmail sends a link to an address that the person wants to sign in with, or
// to the present address, to prove it, which also lifts its suppression. Nothing changes until the link is opened.
// The present address gets a notice. Bad input is Invalid at "email"; without a
// mail server it is a Conflict; beyond the budgets of mail it is TooMany. An
// address that another account has gets the same response, and a notice. It
// requires a proof: see CheckProof.
func (p *Person) AskEmail(ctx context.Context, email string) error {
	if err := p.store.sentBefore(ctx); err != nil {
		return unlessTaken(err)
	}
	if !p.store.MailConfigured() {
		return noMail()
	}
	email = normalEmail(email)
	if faults := emailFaults(email); len(faults) > 0 {
		return models.NewInvalid(faults)
	}
	suppression, err := p.Suppression(ctx)
	if err != nil {
		return err
	}
	if email == p.user.Email && p.user.EmailVerified() && suppression == nil {
		return models.InvalidField("email", "This is your address already.")
	}
	if err := p.CheckProof(); err != nil {
		return err
	}
	why := pipeline.MailSent
	if email == p.user.Email && suppression != nil {
		why = pipeline.MailAccount // strangers can't use up what lifts it
	}
	return unlessTaken(p.store.transaction(once(ctx), func(tx *database.Tx) error { return p.askEmail(tx, email, why) }))
}

func (p *Person) askEmail(tx *database.Tx, email string, why pipeline.MailCause) error {
	s := p.store
	if err := tx.Where("user_id = ? AND purpose = ?", p.user.ID, linkEmail).Delete(&accountLink{}).Error; err != nil {
		return err
	}
	if err := p.auditOwn(tx, "user.email_asked", ""); err != nil {
		return err
	}
	// All but the text is the same whether or not another account has the address.
	link, token := s.newLink(linkEmail, verifyLife)
	link.UserID, link.Email = &p.user.ID, email
	if err := tx.Create(&link).Error; err != nil {
		return err
	}
	if email != p.user.Email {
		if err := s.warn(tx, pipeline.MailAccount, p.user.Email, models.MailEmailAsked, models.MailValues{Person: p.user.Name, Email: email}); err != nil {
			return err
		}
	}
	mail := models.Mail{To: email, Kind: models.MailEmailConfirm, Values: models.MailValues{Token: token}}
	_, err := database.Find[models.User](tx.Where("email = ? AND id <> ?", email, p.user.ID), "account")
	if err != nil && !models.IsKind(err, models.NotFound) {
		return err
	}
	if err == nil {
		mail = models.Mail{To: email, Kind: models.MailEmailTaken}
	}
	return s.engine.Post(tx, why, p.actor, mail)
}

// EmailOf returns the address that a link confirms. It is NotFound if the link no
// longer works.
func (s *Store) EmailOf(ctx context.Context, token string) (string, error) {
	link, err := s.link(s.db.WithContext(ctx), linkEmail, token)
	if err != nil {
		return "", err
	}
	return link.Email, nil
}

// ConfirmEmail uses a link up: its address is proved, gets all mail again if that was
// stopped, and becomes the account's.
// Links that set a new password and went to the earlier address stop working. If
// another account has taken the address meanwhile, it is a Conflict.
func (s *Store) ConfirmEmail(ctx context.Context, token string, actor models.Actor) (user *models.User, err error) {
	err = s.transaction(once(ctx), func(tx *database.Tx) error {
		link, err := s.takeLink(tx, linkEmail, token)
		if err != nil {
			return err
		}
		if user, err = database.Find[models.User](tx.Where("id = ?", *link.UserID), "account"); err != nil {
			return err
		}
		makes(tx, user.ID, user.ID)
		return s.changeEmail(tx, user, link.Email, actor.As(user))
	})
	if before := earlier(err); before != nil && before.shown != "" {
		return s.User(ctx, before.made)
	} else if before != nil {
		return nil, linkEnded()
	}
	return user, err
}

func (s *Store) changeEmail(tx *database.Tx, user *models.User, email string, actor models.Actor) error {
	previous, now := user.Email, s.clock.Now()
	user.Email, user.EmailVerifiedAt, user.UpdatedAt, actor.Email = email, &now, now, email
	change := map[string]any{"email": email, "email_verified_at": now, "updated_at": now}
	err := tx.Model(&models.User{}).Where("id = ?", user.ID).Updates(change).Error
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return models.NewConflict("email_taken", "Another account has this address by now.")
	}
	if err != nil {
		return err
	}
	if _, err := s.liftSuppression(tx, email, actor); err != nil { // the link arrived
		return err
	}
	if email == previous {
		return s.reportSecurity(tx, actor, user, "user.email_verified", "", "", securityData{})
	}
	if err := tx.Where("user_id = ? AND purpose = ?", user.ID, linkReset).Delete(&accountLink{}).Error; err != nil {
		return err
	}
	if err := s.warn(tx, pipeline.MailAlways, previous, models.MailEmailChanged, models.MailValues{Email: email}); err != nil {
		return err
	}
	return s.reportSecurity(tx, actor, user, "user.email_changed", previous+" to "+email, "security.email_changed", securityData{Action: "email_changed", PreviousEmail: previous})
}
