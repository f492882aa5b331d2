package store

import (
	"context"
	"errors"
	"time"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

func signupClosed() error {
	return &models.Error{Kind: models.Forbidden, Code: "signup_closed", Message: "Sign-up is closed here. Ask an admin for an account."}
}

// SignupAllowed reports whether the policy lets a stranger make an account now. It
// fails if the database does.
func (s *Store) SignupAllowed(ctx context.Context, policy models.SignupPolicy) (bool, error) {
	if policy != models.SignupFirst {
		return policy == models.SignupOpen, nil
	}
	some, err := s.HasUsers(ctx)
	return !some, err
}

// SignUp makes an account if the policy allows it. Bad fields are Invalid; a
// closed sign-up is Forbidden; more than 10 an hour from one network address are
// TooMany. A form that is sent again late is a Conflict.
func (s *Store) SignUp(ctx context.Context, policy models.SignupPolicy, account models.Account, actor models.Actor) (*models.User, error) {
	user, err := s.signUpOnce(ctx, policy, account, actor)
	if before := earlier(err); before != nil {
		return s.madeUser(ctx, before, formSent())
	}
	return user, err
}

func (s *Store) signUpOnce(ctx context.Context, policy models.SignupPolicy, account models.Account, actor models.Actor) (*models.User, error) {
	if err := s.sentBefore(ctx); err != nil {
		return nil, err
	}
	if err := checkAccount(&account); err != nil {
		return nil, err
	}
	// Asked before the costly hash, and again under the lock.
	if open, err := s.SignupAllowed(ctx, policy); err != nil {
		return nil, err
	} else if !open {
		return nil, signupClosed()
	}
	made := pipeline.Spend(budgetSignUps, networkOf(actor.RemoteAddress))
	if err := s.spend(ctx, made); err != nil {
		return nil, err
	}
	hash, err := s.hash(ctx, strangerAsker(actor), account.Password)
	if err != nil {
		return nil, errors.Join(err, s.refund(ctx, made))
	}
	var user *models.User
	err = s.transaction(once(ctx), func(tx *database.Tx) error {
		if user, err = s.signUp(tx, policy, account, hash, nil, actor); err == nil {
			makes(tx, user.ID, user.ID)
		}
		return err
	})
	if err != nil && !models.IsKind(err, models.Invalid) { // an address that is taken was asked for
		return nil, errors.Join(err, s.refund(ctx, made))
	}
	return user, err
}

// signUp makes an account if the policy allows it now. Verified is createUser's.
func (s *Store) signUp(tx *database.Tx, policy models.SignupPolicy, account models.Account, hash string, verified *time.Time, actor models.Actor) (*models.User, error) {
	if err := s.db.Dialect.Serialize(tx.DB, database.SignupLock); err != nil {
		return nil, err
	}
	var users int64
	if err := tx.Model(&models.User{}).Count(&users).Error; err != nil {
		return nil, err
	}
	if policy == models.SignupClosed || policy == models.SignupFirst && users > 0 {
		return nil, signupClosed()
	}
	user, err := s.createUser(tx, account, hash, verified)
	if err != nil {
		return nil, err
	}
	actor.ID, actor.Name = user.ID, user.Name
	return user, s.db.Audit(tx, actor, "", "user.signed_up", user.ID, user.Email, "")
}

// AskSignUp mails a link that makes the account, or, if the address has an
// account, a notice of that. Both cases get the same response, after comparable
// work. It fails as SignUp does, and with TooMany.
func (s *Store) AskSignUp(ctx context.Context, policy models.SignupPolicy, account models.Account, actor models.Actor) error {
	if err := s.sentBefore(ctx); err != nil {
		return unlessTaken(err)
	}
	if err := checkAccount(&account); err != nil {
		return err
	}
	if open, err := s.SignupAllowed(ctx, policy); err != nil {
		return err
	} else if !open {
		return signupClosed()
	}
	asked, err := s.ask(ctx, actor)
	if err != nil {
		return err
	}
	hash, err := s.hash(ctx, strangerAsker(actor), account.Password)
	if err == nil {
		err = s.transaction(once(ctx), func(tx *database.Tx) error {
			return s.askSignUp(tx, account, hash, nil, actor, accountMails{fresh: models.Mail{Kind: models.MailSignUp}, known: models.Mail{Kind: models.MailSignUpKnown}})
		})
	}
	if err != nil {
		return unlessTaken(errors.Join(err, s.refund(ctx, asked)))
	}
	return nil
}

// accountMails are what an address is sent that somebody wants an account for:
// one gets the link that makes it, the other is for who has one.
type accountMails struct{ fresh, known models.Mail }

// askSignUp does the same work whether or not there is an account: a link that
// nobody is sent makes none. The invitation is what the account accepts, or nil.
func (s *Store) askSignUp(tx *database.Tx, account models.Account, hash string, invitationID *string, actor models.Actor, mails accountMails) error {
	link, token := s.newLink(linkSignUp, verifyLife)
	link.Email, link.Name, link.PasswordHash, link.InvitationID = account.Email, account.Name, hash, invitationID
	if err := tx.Create(&link).Error; err != nil {
		return err
	}
	mail := mails.fresh
	mail.Values.Token = token
	_, err := database.Find[models.User](tx.Where("email = ?", account.Email), "account")
	if err != nil && !models.IsKind(err, models.NotFound) {
		return err
	}
	if err == nil {
		mail = mails.known
	}
	mail.To = account.Email
	return s.engine.Post(tx, pipeline.MailAsked, actor, mail)
}

// SignUpEmail returns the address of the account that a link makes. It is
// NotFound if the link no longer works.
func (s *Store) SignUpEmail(ctx context.Context, token string) (string, error) {
	link, err := s.link(s.db.WithContext(ctx), linkSignUp, token)
	if err != nil {
		return "", err
	}
	return link.Email, nil
}

// FinishSignUp uses a link up and makes its account, whose address is then
// proved. A link that accepts an invitation makes the person a member too,
// whatever the policy; if the invitation has ended, it is NotFound. If sign-up
// was closed meanwhile it is Forbidden; if the address was taken meanwhile it is
// Invalid.
func (s *Store) FinishSignUp(ctx context.Context, policy models.SignupPolicy, token string, actor models.Actor) (user *models.User, err error) {
	err = s.transaction(once(ctx), func(tx *database.Tx) error {
		link, err := s.takeLink(tx, linkSignUp, token)
		if err != nil {
			return err
		}
		now, account := s.clock.Now(), models.Account{Name: link.Name, Email: link.Email}
		if link.InvitationID == nil {
			user, err = s.signUp(tx, policy, account, link.PasswordHash, &now, actor)
		} else {
			user, err = s.finishJoining(tx, *link.InvitationID, account, link.PasswordHash, &now, actor)
		}
		if err == nil {
			makes(tx, user.ID, user.ID)
		}
		return err
	})
	if before := earlier(err); before != nil {
		return s.madeUser(ctx, before, linkEnded())
	}
	return user, err
}
