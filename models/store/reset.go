package store

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

func noMail() error {
	return models.NewConflict("no_mail", "This server sends no mail. Ask who runs it.")
}

// AskReset mails a link that sets a new password to an account's address. Known
// and unknown addresses get the same response, after comparable work; an address
// that was sent several within the hour gets no more. It is Invalid at "email"
// for a malformed address, TooMany for a network address that asks too often, and
// a Conflict without a mail server.
func (s *Store) AskReset(ctx context.Context, email string, actor models.Actor) error {
	if err := s.sentBefore(ctx); err != nil {
		return unlessTaken(err)
	}
	email = normalEmail(email)
	if faults := emailFaults(email); len(faults) > 0 {
		return models.NewInvalid(faults)
	}
	asked, err := s.ask(ctx, actor)
	if err != nil {
		return err
	}
	user, err := database.Find[models.User](s.db.WithContext(ctx).Where("email = ?", email), "account")
	if err != nil && !models.IsKind(err, models.NotFound) {
		return errors.Join(err, s.refund(ctx, asked))
	}
	link, token := s.newLink(linkReset, resetLife)
	link.Email = email
	mail := models.Mail{To: email, Kind: models.MailReset, Values: models.MailValues{Token: token}}
	err = s.transaction(once(ctx), func(tx *database.Tx) error {
		if user == nil {
			return s.askForNobody(tx, link, mail, actor)
		}
		link.UserID = &user.ID
		if err := tx.Create(&link).Error; err != nil {
			return err
		}
		if err := s.engine.Post(tx, pipeline.MailAsked, actor, mail); err != nil {
			return err
		}
		return s.reportSecurity(tx, actor.Visitor(), user, "user.reset_asked", "", "", securityData{})
	})
	if err != nil {
		return unlessTaken(errors.Join(err, s.refund(ctx, asked)))
	}
	return nil
}

// askForNobody does the work of a message to an account, and sends none.
func (s *Store) askForNobody(tx *database.Tx, link accountLink, mail models.Mail, actor models.Actor) error {
	if err := tx.Create(&link).Error; err != nil { // its token is known to nobody
		return err
	}
	id, err := s.engine.PostOne(tx, pipeline.MailAsked, actor, mail)
	if err != nil {
		return err
	}
	if err := tx.Where("id = ?", id).Delete(&models.MailMessage{}).Error; err != nil {
		return err
	}
	return s.reportSecurity(tx, actor.Visitor(), &models.User{Name: "unknown account"}, "user.reset_asked", "", "", securityData{})
}

// ask counts a message that somebody who need not have signed in asks for, and
// answers what to refund if it can't be sent. It fails with TooMany when one
// network asks too often, and is a Conflict where no mail is sent.
func (s *Store) ask(ctx context.Context, actor models.Actor) (pipeline.Spending, error) {
	asked := pipeline.Spend(pipeline.BudgetAsked, networkOf(actor.RemoteAddress))
	if !s.MailConfigured() {
		return asked, noMail()
	}
	return asked, s.spend(ctx, asked)
}

// ResetEmail returns the address of the account whose password a link sets, and
// whether a provider is linked to it too. It is NotFound if the link no longer
// works.
func (s *Store) ResetEmail(ctx context.Context, token string) (email string, linked bool, err error) {
	user, err := s.resetOf(s.db.WithContext(ctx), token)
	if err != nil {
		return "", false, err
	}
	var identities int64
	err = s.db.WithContext(ctx).Model(&models.UserIdentity{}).Where("user_id = ?", user.ID).Count(&identities).Error
	return user.Email, identities > 0, err
}

func (s *Store) resetOf(db *gorm.DB, token string) (*models.User, error) {
	link, err := s.link(db, linkReset, token)
	if err != nil {
		return nil, err
	}
	if link.UserID == nil {
		return nil, linkEnded()
	}
	return database.Find[models.User](db.Session(&gorm.Session{NewDB: true}).Where("id = ?", *link.UserID), "account")
}

// ResetPassword uses a link up and sets the new password. All the user's sessions
// end; if the address had not been proved before, the links to providers end too.
// A weak password is Invalid at "new" and doesn't use the link up.
func (s *Store) ResetPassword(ctx context.Context, token string, change models.PasswordChange, actor models.Actor) (*models.User, error) {
	user, err := s.resetPassword(ctx, token, change, actor)
	if before := earlier(err); before != nil && before.shown != "" {
		return s.User(ctx, before.made)
	} else if before != nil {
		return nil, linkEnded()
	}
	return user, err
}

func (s *Store) resetPassword(ctx context.Context, token string, change models.PasswordChange, actor models.Actor) (*models.User, error) {
	if err := s.sentBefore(ctx); err != nil {
		return nil, err
	}
	user, err := s.resetOf(s.db.WithContext(ctx), token)
	if err != nil {
		return nil, err
	}
	if faults := passwordFaults("new", change.New, user.Name, user.Email); len(faults) > 0 {
		return nil, models.NewInvalid(faults)
	}
	hash, err := s.hash(ctx, linkAsker(user, actor), change.New)
	if err != nil {
		return nil, err
	}
	err = s.transaction(once(ctx), func(tx *database.Tx) error {
		link, err := s.takeLink(tx, linkReset, token)
		if err != nil {
			return err
		}
		makes(tx, user.ID, user.ID)
		if link.Email == user.Email && !user.EmailVerified() {
			if err := s.proveEmail(tx, user, actor.As(user)); err != nil {
				return err
			}
		}
		if change.Unlink {
			if err := s.unlinkAll(tx, actor.As(user), user, "with a new password"); err != nil {
				return err
			}
		}
		return s.setPassword(tx, actor.As(user), user, hash, byResetLink, "")
	})
	if err != nil {
		return nil, err
	}
	// Who has the address need not wait for those who tried passwords.
	return user, s.forgive(ctx, try(limitAccount, user.Email), try(limitConfirm, user.ID))
}

// proveEmail notes that the user's address was proved. Somebody else may have
// made the account under it: what they signed in with ends.
func (s *Store) proveEmail(tx *database.Tx, user *models.User, actor models.Actor) error {
	now := s.clock.Now()
	user.EmailVerifiedAt = &now
	if err := tx.Model(&models.User{}).Where("id = ?", user.ID).Update("email_verified_at", now).Error; err != nil {
		return err
	}
	return s.unlinkAll(tx, actor, user, "the address was proved by a reset link")
}

// warn sends a user word of a change of the account, where mail is sent.
func (s *Store) warn(tx *database.Tx, why pipeline.MailCause, address string, kind models.MailKind, values models.MailValues) error {
	if !s.MailConfigured() {
		return nil
	}
	return s.engine.Post(tx, why, models.Actor{}, models.Mail{To: address, Kind: kind, Values: values})
}
