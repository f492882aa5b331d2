package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// InvitationSpan is how long an invitation's link works.
const InvitationSpan = 7 * 24 * time.Hour

// maxInvitations bounds what waits for an answer: each may have been a mail to
// somebody who did not ask for it.
const maxInvitations = 500

// Invitations lists open invitations, newest first, including expired ones, each with
// what became of its message. It fails if the database does.
func (t *Tenant) Invitations(ctx context.Context) ([]models.Invitation, error) {
	db := t.store.db.WithContext(ctx)
	var list []models.Invitation
	if err := t.openInvitations(db).Order("id DESC").Find(&list).Error; err != nil {
		return nil, err
	}
	return list, t.addNews(db, list)
}

func (t *Tenant) openInvitations(db *gorm.DB) *gorm.DB {
	return t.within(db).Where("accepted_at IS NULL AND revoked_at IS NULL")
}

// Invite invites an address to become a member. It returns the token of the link,
// which is stored as a hash and can't be shown again, or an empty token if the
// link was mailed. An address of a member, or one that was invited already, is
// Invalid at "email"; so is one to which mail is stopped, if the link is to be mailed.
// A role that the actor may not give is Forbidden. It makes
// one invitation for each form; a form that is sent again late gets an empty
// token.
func (t *Tenant) Invite(ctx context.Context, n models.NewInvitation) (*models.Invitation, string, error) {
	email := copiedEmail(n.Email)
	if faults := emailFaults(email); len(faults) > 0 {
		return nil, "", models.NewInvalid(faults)
	}
	var i *models.Invitation
	token := rand.Text()
	err := t.store.transaction(once(ctx), func(tx *database.Tx) error {
		if err := t.lock(tx); err != nil {
			return err
		}
		if err := t.mayGive(tx, n.Role); err != nil {
			return err
		}
		if err := t.invitable(tx, email); err != nil {
			return err
		}
		now := t.store.clock.Now()
		i = &models.Invitation{ID: t.store.clock.NewID(models.PrefixInvitation, now), OrganizationID: t.org.ID, Email: email, Role: n.Role, TokenHash: models.HashToken(token),
			ByMail: n.ByMail, InvitedBy: t.actor.Name, InvitedByUser: t.actor.UserID(), CreatedAt: now, SentAt: now, ExpiresAt: now.Add(InvitationSpan)}
		if err := tx.Create(i).Error; err != nil {
			return err
		}
		makes(tx, i.ID, i.Shown(token))
		if err := t.audit(tx, "invitation.created", i.ID, i.Email, string(i.Role)); err != nil {
			return err
		}
		if err := t.mailInvitation(tx, i, token); err != nil {
			return err
		}
		return t.store.engine.EmitAll(tx, memberInvited(t.org, i, t.actor))
	})
	if before := earlier(err); before != nil {
		return t.madeInvitation(ctx, before)
	}
	return i, i.Shown(token), err
}

// madeInvitation returns the invitation that a form made or sent before, and its
// token while that is shown.
func (t *Tenant) madeInvitation(ctx context.Context, before *taken) (*models.Invitation, string, error) {
	i, err := database.Find[models.Invitation](t.rows(ctx).Where("id = ?", before.made), "invitation")
	return i, before.shown, err
}

// mailInvitation sends the link to the address, if that is how it is to go.
func (t *Tenant) mailInvitation(tx *database.Tx, i *models.Invitation, token string) error {
	if !i.ByMail {
		return nil
	}
	return t.store.engine.Post(tx, pipeline.MailSent, t.actor, models.Mail{OrganizationID: t.org.ID, To: i.Email, Kind: models.MailInvitation,
		Values: models.MailValues{Person: i.InvitedBy, Organization: t.org.Name, Role: i.Role, Until: &i.ExpiresAt, Token: token}})
}

// mayGive refuses a role that the actor may not give.
func (t *Tenant) mayGive(tx *database.Tx, role models.Role) error {
	acting, err := t.actingRole(tx)
	if err == nil && !acting.Manages(role) {
		return forbiddenRole()
	}
	return err
}

// invitable refuses who belongs to the organization or was invited already.
// An invitation whose time has run out makes room for the new one.
func (t *Tenant) invitable(tx *database.Tx, email string) error {
	var members, open int64
	if err := t.members(tx.DB).Where("users.email = ?", email).Count(&members).Error; err != nil {
		return err
	}
	if members > 0 {
		return models.InvalidField("email", "This person is a member already.")
	}
	earlier, err := database.Find[models.Invitation](t.openInvitations(tx.DB).Where("email = ?", email), "invitation")
	switch {
	case models.IsKind(err, models.NotFound):
	case err != nil:
		return err
	case !earlier.Over(t.store.clock.Now()):
		return models.InvalidField("email", "This person was invited already. Send that invitation again, or revoke it first.")
	default:
		if err := tx.Model(earlier).Update("revoked_at", t.store.clock.Now()).Error; err != nil {
			return err
		}
	}
	if err := t.openInvitations(tx.DB).Model(&models.Invitation{}).Count(&open).Error; err != nil {
		return err
	}
	if open >= maxInvitations {
		return models.NewConflict("too_many_invitations", fmt.Sprintf("%d invitations wait for an answer. Revoke some first.", open))
	}
	return nil
}

// changeInvitation changes one that waits for an answer, under the
// organization's lock. One that was accepted or revoked is NotFound.
func (t *Tenant) changeInvitation(ctx context.Context, id string, change func(tx *database.Tx, i *models.Invitation) error) (*models.Invitation, error) {
	var i *models.Invitation
	err := t.store.transaction(ctx, func(tx *database.Tx) (err error) {
		if err := t.lock(tx); err != nil {
			return err
		}
		if i, err = database.Find[models.Invitation](t.openInvitations(tx.DB).Where("id = ?", id), "invitation"); err != nil {
			return err
		}
		if err := t.mayGive(tx, i.Role); err != nil {
			return err
		}
		return change(tx, i)
	})
	return i, err
}

// ResendInvitation makes a new link and returns its token as Invite does. The link
// before stops working, and the seven days start anew. An unknown or ended one is
// NotFound; a role that the actor may not give is Forbidden.
func (t *Tenant) ResendInvitation(ctx context.Context, id string, byMail bool) (*models.Invitation, string, error) {
	token := rand.Text()
	i, err := t.changeInvitation(once(ctx), id, func(tx *database.Tx, i *models.Invitation) error {
		now := t.store.clock.Now()
		i.TokenHash, i.ByMail, i.SentAt, i.ExpiresAt = models.HashToken(token), byMail, now, now.Add(InvitationSpan)
		i.InvitedBy, i.InvitedByUser = t.actor.Name, t.actor.UserID()
		if err := tx.Model(i).Select("token_hash", "by_mail", "sent_at", "expires_at", "invited_by", "invited_by_user").Updates(i).Error; err != nil {
			return err
		}
		if err := t.mailInvitation(tx, i, token); err != nil {
			return err
		}
		makes(tx, i.ID, i.Shown(token))
		return t.audit(tx, "invitation.resent", i.ID, i.Email, string(i.Role))
	})
	if before := earlier(err); before != nil {
		return t.madeInvitation(ctx, before)
	}
	return i, i.Shown(token), err
}

// RevokeInvitation ends an invitation. Its link stops working. An unknown or ended
// one is NotFound; a role that the actor may not give is Forbidden.
func (t *Tenant) RevokeInvitation(ctx context.Context, id string) error {
	_, err := t.changeInvitation(once(ctx), id, func(tx *database.Tx, i *models.Invitation) error {
		if err := tx.Model(i).Update("revoked_at", t.store.clock.Now()).Error; err != nil {
			return err
		}
		return t.audit(tx, "invitation.revoked", i.ID, i.Email, string(i.Role))
	})
	return unlessTaken(err)
}

// Offer returns what a link's token offers. It is NotFound if the token is
// unknown, used, revoked or expired, or if its organization is deleted.
func (s *Store) Offer(ctx context.Context, token string) (*models.Offer, error) {
	return s.offer(s.db.WithContext(ctx), token)
}

func (s *Store) offer(db *gorm.DB, token string) (*models.Offer, error) {
	return s.openOffer(db, db.Where("token_hash = ?", models.HashToken(token)))
}

// openOffer reads the invitation of a query, if it waits for an answer and its
// organization still is.
func (s *Store) openOffer(db, query *gorm.DB) (*models.Offer, error) {
	i, err := database.Find[models.Invitation](query.Where("accepted_at IS NULL AND revoked_at IS NULL AND expires_at > ?", s.clock.Now()), "invitation")
	if err != nil {
		return nil, err
	}
	org, err := database.Find[models.Organization](db.Where("id = ? AND deleted_at IS NULL", i.OrganizationID), "invitation")
	if err != nil {
		return nil, err
	}
	return &models.Offer{Invitation: *i, Organization: *org}, nil
}
