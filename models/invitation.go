package models

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Invitation asks somebody, by their address, to become a member. Its link
// works until ExpiresAt, once, and is stored as a hash. ByMail means that the
// link went to the address alone, so that who has it has the address.
type Invitation struct {
	ID             string
	OrganizationID string
	Email          string
	Role           Role
	TokenHash      []byte
	ByMail         bool
	InvitedBy      string  // the name of who did
	InvitedByUser  *string // the member whose role it rests on: who sent it last
	CreatedAt      time.Time
	SentAt         time.Time // the link that works
	ExpiresAt      time.Time
	AcceptedAt     *time.Time
	RevokedAt      *time.Time
}

// Over tells whether the invitation's time has run out.
func (i *Invitation) Over(now time.Time) bool { return !now.Before(i.ExpiresAt) }

// InvitationSpan is how long an invitation's link works.
const InvitationSpan = 7 * 24 * time.Hour

// InvitationPath is where the link with that token leads, below the address of
// this server.
func InvitationPath(token string) string { return "/invite/" + token }

// maxInvitations bounds what waits for an answer: each may have been a mail to
// somebody who did not ask for it.
const maxInvitations = 500

// NewInvitation is whom to invite as what. ByMail sends the link to the address
// alone.
type NewInvitation struct {
	Email  string
	Role   Role
	ByMail bool
}

// Invitations lists what waits for an answer, the newest first. Those whose
// time has run out are among them.
func (t *Tenant) Invitations(ctx context.Context) ([]Invitation, error) {
	var list []Invitation
	err := t.openInvitations(t.store.db.WithContext(ctx)).Order("id DESC").Find(&list).Error
	return list, err
}

func (t *Tenant) openInvitations(db *gorm.DB) *gorm.DB {
	return t.within(db).Where("accepted_at IS NULL AND revoked_at IS NULL")
}

// Invite asks somebody to become a member and answers the token of the link,
// which is stored as a hash and can't be shown again; it is empty where the
// link was mailed. Who is a member or was
// invited already is Invalid at "email"; a role above what the actor may give
// is Forbidden. It makes one for each form; the token is empty for a form that
// is sent again late.
func (t *Tenant) Invite(ctx context.Context, n NewInvitation) (*Invitation, string, error) {
	email := copiedEmail(n.Email)
	if faults := emailFaults(email); len(faults) > 0 {
		return nil, "", invalid(faults)
	}
	var i *Invitation
	token := rand.Text()
	err := t.store.transaction(once(ctx), func(tx *Tx) error {
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
		i = &Invitation{ID: t.store.clock.newID(PrefixInvitation, now), OrganizationID: t.org.ID, Email: email, Role: n.Role, TokenHash: hashToken(token),
			ByMail: n.ByMail, InvitedBy: t.actor.Name, InvitedByUser: t.actor.userID(), CreatedAt: now, SentAt: now, ExpiresAt: now.Add(InvitationSpan)}
		if err := tx.Create(i).Error; err != nil {
			return err
		}
		makes(tx, i.ID, i.shown(token))
		if err := t.audit(tx, "invitation.created", i.ID, i.Email, string(i.Role)); err != nil {
			return err
		}
		if err := t.mailInvitation(tx, i, token); err != nil {
			return err
		}
		return t.store.emitAll(tx, memberInvited(t.org, i, t.actor))
	})
	if before := earlier(err); before != nil {
		return t.madeInvitation(ctx, before)
	}
	return i, i.shown(token), err
}

// madeInvitation is the invitation that a form made or sent before, and its
// token while that is shown.
func (t *Tenant) madeInvitation(ctx context.Context, before *taken) (*Invitation, string, error) {
	i, err := find[Invitation](t.rows(ctx).Where("id = ?", before.made), "invitation")
	return i, before.shown, err
}

// shown is a token as far as it is for other eyes than the invited person's.
func (i *Invitation) shown(token string) string {
	if i == nil || i.ByMail {
		return ""
	}
	return token
}

// mailInvitation sends the link to the address, if that is how it is to go.
func (t *Tenant) mailInvitation(tx *Tx, i *Invitation, token string) error {
	if !i.ByMail {
		return nil
	}
	by, org := mailName(i.InvitedBy, "Somebody"), mailName(t.org.Name, "an organization")
	text := fmt.Sprintf("%s invited you to %s on Hookwell, with the role %s.\n\nTo accept, open this link until %s UTC:\n\n%s\n\n"+
		"It works once. If you did not expect it, ignore this message.\n",
		by, org, i.Role, i.ExpiresAt.Format("2 January 2006, 15:04"), t.store.Link(InvitationPath(token)))
	return t.store.post(tx, mailSent, t.actor, Mail{OrganizationID: t.org.ID, To: i.Email, Subject: "Join " + org + " on Hookwell", Text: text, Secret: true})
}

// mayGive refuses a role that the actor may not give.
func (t *Tenant) mayGive(tx *Tx, role Role) error {
	acting, err := t.actingRole(tx)
	if err == nil && !acting.Manages(role) {
		return forbiddenRole()
	}
	return err
}

// invitable refuses who belongs to the organization or was invited already.
// An invitation whose time has run out makes room for the new one.
func (t *Tenant) invitable(tx *Tx, email string) error {
	var members, open int64
	if err := t.members(tx.DB).Where("users.email = ?", email).Count(&members).Error; err != nil {
		return err
	}
	if members > 0 {
		return invalidField("email", "This person is a member already.")
	}
	earlier, err := find[Invitation](t.openInvitations(tx.DB).Where("email = ?", email), "invitation")
	switch {
	case IsKind(err, NotFound):
	case err != nil:
		return err
	case !earlier.Over(t.store.clock.Now()):
		return invalidField("email", "This person was invited already. Send that invitation again, or revoke it first.")
	default:
		if err := tx.Model(earlier).Update("revoked_at", t.store.clock.Now()).Error; err != nil {
			return err
		}
	}
	if err := t.openInvitations(tx.DB).Model(&Invitation{}).Count(&open).Error; err != nil {
		return err
	}
	if open >= maxInvitations {
		return conflict("too_many_invitations", fmt.Sprintf("%d invitations wait for an answer. Revoke some first.", open))
	}
	return nil
}

// changeInvitation changes one that waits for an answer, under the
// organization's lock. One that was accepted or revoked is NotFound.
func (t *Tenant) changeInvitation(ctx context.Context, id string, change func(tx *Tx, i *Invitation) error) (*Invitation, error) {
	var i *Invitation
	err := t.store.transaction(ctx, func(tx *Tx) (err error) {
		if err := t.lock(tx); err != nil {
			return err
		}
		if i, err = find[Invitation](t.openInvitations(tx.DB).Where("id = ?", id), "invitation"); err != nil {
			return err
		}
		if err := t.mayGive(tx, i.Role); err != nil {
			return err
		}
		return change(tx, i)
	})
	return i, err
}

// ResendInvitation makes a fresh link and answers its token as Invite does; the
// link before works no more. The seven days begin anew.
func (t *Tenant) ResendInvitation(ctx context.Context, id string, byMail bool) (*Invitation, string, error) {
	token := rand.Text()
	i, err := t.changeInvitation(once(ctx), id, func(tx *Tx, i *Invitation) error {
		now := t.store.clock.Now()
		i.TokenHash, i.ByMail, i.SentAt, i.ExpiresAt = hashToken(token), byMail, now, now.Add(InvitationSpan)
		i.InvitedBy, i.InvitedByUser = t.actor.Name, t.actor.userID()
		if err := tx.Model(i).Select("token_hash", "by_mail", "sent_at", "expires_at", "invited_by", "invited_by_user").Updates(i).Error; err != nil {
			return err
		}
		if err := t.mailInvitation(tx, i, token); err != nil {
			return err
		}
		makes(tx, i.ID, i.shown(token))
		return t.audit(tx, "invitation.resent", i.ID, i.Email, string(i.Role))
	})
	if before := earlier(err); before != nil {
		return t.madeInvitation(ctx, before)
	}
	return i, i.shown(token), err
}

// RevokeInvitation ends an invitation: its link works no more.
func (t *Tenant) RevokeInvitation(ctx context.Context, id string) error {
	_, err := t.changeInvitation(once(ctx), id, func(tx *Tx, i *Invitation) error {
		if err := tx.Model(i).Update("revoked_at", t.store.clock.Now()).Error; err != nil {
			return err
		}
		return t.audit(tx, "invitation.revoked", i.ID, i.Email, string(i.Role))
	})
	return unlessTaken(err)
}

// Offer is an invitation as its link shows it. Whoever has the link learns
// nothing from it of whether the address has an account: it may be who invited.
type Offer struct {
	Invitation
	Organization Organization
}

// Offer reads what a link's token offers. One that was never given, was used or
// revoked, or whose time has run out is NotFound, and so is that of a deleted
// organization.
func (s *Store) Offer(ctx context.Context, token string) (*Offer, error) {
	return s.offer(s.db.WithContext(ctx), token)
}

func (s *Store) offer(db *gorm.DB, token string) (*Offer, error) {
	return s.openOffer(db, db.Where("token_hash = ?", hashToken(token)))
}

// openOffer reads the invitation of a query, if it waits for an answer and its
// organization still is.
func (s *Store) openOffer(db, query *gorm.DB) (*Offer, error) {
	i, err := find[Invitation](query.Where("accepted_at IS NULL AND revoked_at IS NULL AND expires_at > ?", s.clock.Now()), "invitation")
	if err != nil {
		return nil, err
	}
	org, err := find[Organization](db.Where("id = ? AND deleted_at IS NULL", i.OrganizationID), "invitation")
	if err != nil {
		return nil, err
	}
	return &Offer{Invitation: *i, Organization: *org}, nil
}
