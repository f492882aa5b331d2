package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// AcceptAsNew makes an account for the invited address, whatever the sign-up
// policy, and makes the person a member. The account's Email is the invitation's.
// More than 60 an hour from one network address are TooMany.
//
// The person who invited may hold a copied link. So if there is a mail server,
// the account waits for a link that is mailed to the address, and the returned
// user is nil; if the address has an account, it gets a notice instead. Without a
// mail server, an address that has an account is a Conflict, after the same work.
func (s *Store) AcceptAsNew(ctx context.Context, token string, account models.Account, actor models.Actor) (*models.User, *models.Organization, error) {
	user, org, err := s.acceptAsNew(ctx, token, account, actor)
	before := earlier(err)
	if before == nil {
		return user, org, err
	}
	made, joined, _ := strings.Cut(before.made, " ")
	if made != "" { // and not only a link by mail
		if user, err = s.madeUser(ctx, before, formSent()); err != nil {
			return nil, nil, err
		}
	}
	org, err = database.Find[models.Organization](s.db.WithContext(ctx).Where("id = ? AND deleted_at IS NULL", joined), "organization")
	return user, org, err
}

func (s *Store) acceptAsNew(ctx context.Context, token string, account models.Account, actor models.Actor) (*models.User, *models.Organization, error) {
	if err := s.sentBefore(ctx); err != nil {
		return nil, nil, err
	}
	offer, err := s.Offer(ctx, token)
	if err != nil {
		return nil, nil, err
	}
	account.Email = offer.Email
	if err := checkAccount(&account); err != nil {
		return nil, nil, err
	}
	made := pipeline.Spend(budgetAdmissions, networkOf(actor.RemoteAddress))
	if err := s.spend(ctx, made); err != nil {
		return nil, nil, err
	}
	hash, err := s.hash(ctx, strangerAsker(actor), account.Password)
	if err != nil {
		return nil, nil, errors.Join(err, s.refund(ctx, made))
	}
	var user *models.User
	err = s.transaction(once(ctx), func(tx *database.Tx) error {
		if s.MailConfigured() && !offer.ByMail {
			makes(tx, " "+offer.Organization.ID, "")
			return s.askToAccept(tx, offer, token, account, hash, actor)
		}
		if user, err = s.joinAsNew(tx, offer, account, hash, nil, actor); err == nil {
			makes(tx, user.ID+" "+offer.Organization.ID, user.ID)
		}
		return err
	})
	switch {
	case models.IsKind(err, models.Invalid): // asked for, so it stays spent
		return nil, nil, models.NewConflict("account_exists", "No account was made: if you have one with this address, sign in to accept.")
	case err != nil:
		return nil, nil, errors.Join(err, s.refund(ctx, made))
	}
	return user, &offer.Organization, nil
}

// askToAccept mails a link that makes the account and accepts, or, where there
// is an account, word of that, with the same work.
func (s *Store) askToAccept(tx *database.Tx, offer *models.Offer, token string, account models.Account, hash string, actor models.Actor) error {
	fresh := models.MailValues{Person: offer.InvitedBy, Organization: offer.Organization.Name}
	known := fresh
	known.Token = token
	return s.askSignUp(tx, account, hash, &offer.ID, actor, accountMails{
		fresh: models.Mail{Kind: models.MailJoin, Values: fresh},
		known: models.Mail{Kind: models.MailJoinKnown, Values: known},
	})
}

// finishJoining is joinAsNew by the invitation's id.
func (s *Store) finishJoining(tx *database.Tx, invitationID string, account models.Account, hash string, verified *time.Time, actor models.Actor) (*models.User, error) {
	offer, err := s.openOffer(tx.DB, tx.Where("id = ?", invitationID))
	if err != nil {
		return nil, err
	}
	return s.joinAsNew(tx, offer, account, hash, verified, actor)
}

// joinAsNew makes the account and the membership. Verified is createUser's.
func (s *Store) joinAsNew(tx *database.Tx, offer *models.Offer, account models.Account, hash string, verified *time.Time, actor models.Actor) (*models.User, error) {
	user, err := s.createUser(tx, account, hash, verified)
	if err != nil {
		return nil, err
	}
	actor = actor.As(user)
	if err := s.db.Audit(tx, actor, "", "user.signed_up", user.ID, user.Email, "by an invitation"); err != nil {
		return nil, err
	}
	return user, s.admit(tx, offer, user, actor)
}

// Accept makes the person a member. An invitation of another address is
// Forbidden, and stays open.
func (p *Person) Accept(ctx context.Context, token string) (*models.Organization, error) {
	org, err := p.accept(ctx, token)
	if before := earlier(err); before != nil {
		return database.Find[models.Organization](p.store.db.WithContext(ctx).Where("id = ? AND deleted_at IS NULL", before.made), "organization")
	}
	return org, err
}

func (p *Person) accept(ctx context.Context, token string) (*models.Organization, error) {
	if err := p.store.sentBefore(ctx); err != nil {
		return nil, err
	}
	offer, err := p.store.Offer(ctx, token)
	if err != nil {
		return nil, err
	}
	err = p.store.transaction(once(ctx), func(tx *database.Tx) error {
		makes(tx, offer.Organization.ID, "")
		return p.store.admit(tx, offer, p.user, p.actor)
	})
	return &offer.Organization, err
}

// admit uses the invitation up, once, and stores the membership.
func (s *Store) admit(tx *database.Tx, offer *models.Offer, user *models.User, actor models.Actor) error {
	org := offer.Organization
	t := &Tenant{store: s, org: &org, actor: actor}
	if err := t.lock(tx); err != nil {
		return err
	}
	// Once more, now that nobody else changes it: it may have been sent again.
	offer, err := s.openOffer(tx.DB, tx.Where("id = ? AND token_hash = ?", offer.ID, offer.TokenHash))
	if err != nil {
		return err
	}
	if offer.Email != user.Email {
		return &models.Error{Kind: models.Forbidden, Code: "other_address", Message: "This invitation is for another address than your account’s."}
	}
	now := s.clock.Now()
	if err := tx.Model(&offer.Invitation).Update("accepted_at", now).Error; err != nil {
		return err
	}
	if err := t.audit(tx, "invitation.accepted", offer.ID, offer.Email, string(offer.Role)); err != nil {
		return err
	}
	if offer.ByMail && user.EmailVerifiedAt == nil {
		user.EmailVerifiedAt = &now
		if err := tx.Model(&models.User{}).Where("id = ?", user.ID).Update("email_verified_at", now).Error; err != nil {
			return err
		}
	}
	var members int64
	if err := t.members(tx.DB).Where("members.user_id = ?", user.ID).Count(&members).Error; err != nil || members > 0 {
		return err // somebody else made the person a member meanwhile
	}
	added, err := s.addMember(tx, t.org, user, offer.Role, &offer.Invitation, actor)
	if err != nil {
		return err
	}
	return s.engine.EmitAll(tx, added)
}
