package store

import (
	"context"
	"errors"
	"time"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// ProofLife is how long a person who has just proved who they are need not do
// so again, in the session that they did it in.
const ProofLife = 10 * time.Minute

// CodeProof is of a change of the ways into an account that asks the person to
// prove first who they are.
const CodeProof = "proof"

// proofSkew is how far a provider's clock may be behind ours.
const proofSkew = time.Minute

// Proved is the person, who proved at that time who they are. A zero time is
// never.
func (p *Person) Proved(at time.Time) *Person {
	proved := *p
	proved.provedAt = at
	return &proved
}

// CheckProof fails with Forbidden and CodeProof unless the person proved who
// they are within ProofLife. Whatever adds, removes or replaces a way into the
// account asks: a stolen session alone must not open another way in.
func (p *Person) CheckProof() error {
	if age := p.store.clock.Now().Sub(p.provedAt); p.provedAt.IsZero() || age < 0 || age > ProofLife {
		return &models.Error{Kind: models.Forbidden, Code: CodeProof, Message: "Confirm first that it is you. The form on the account’s page asks for it."}
	}
	return nil
}

// Prove checks the password and, where a second factor is on, a code or a
// recovery code, and returns the person with the proof. Faults are Invalid at
// "password" and "code", too many tries TooMany. Who has no password proves it
// with a provider, and gets CheckProof's error.
func (p *Person) Prove(ctx context.Context, password, code string) (*Person, error) {
	if !p.user.HasPassword() {
		return nil, p.Proved(time.Time{}).CheckProof()
	}
	if err := p.store.confirm(ctx, p.user, p.actor, "password", password); err != nil {
		return nil, err
	}
	if err := p.ProveCode(ctx, code); err != nil {
		return nil, err
	}
	return p.Proved(p.store.clock.Now()), nil
}

// ProveCode takes a code or a recovery code, and is nothing where no second
// factor is on. A wrong one is Invalid at "code".
func (p *Person) ProveCode(ctx context.Context, code string) error {
	if on, err := p.store.asksSecondFactor(ctx, p.user.ID); err != nil || !on {
		return err
	}
	return p.counted(ctx, ctx, func(tx *database.Tx) error {
		right, _, err := p.store.takeSecondFactor(tx, p.user.ID, code)
		if err == nil && !right {
			return models.InvalidField("code", "This code is not right, or it was used already.")
		}
		return err
	})
}

// ProveWith takes a provider's word for who the person is, given that they
// signed in there after a time. An identity that isn't linked to the person, and
// a sign-in that is older or whose time the provider doesn't say, are Forbidden.
func (p *Person) ProveWith(ctx context.Context, c models.Claims, since time.Time) (*Person, error) {
	identity, err := database.Find[models.UserIdentity](p.store.db.WithContext(ctx).Where("issuer = ? AND subject = ?", c.Issuer, c.Subject), "identity")
	if err != nil && !models.IsKind(err, models.NotFound) {
		return nil, err
	}
	if err != nil || identity.UserID != p.user.ID {
		return nil, &models.Error{Kind: models.Forbidden, Code: "provider_proof", Message: "This sign-in is not linked to your account. Use the one that is."}
	}
	if c.SignedInAt.Before(since.Add(-proofSkew)) {
		return nil, &models.Error{Kind: models.Forbidden, Code: "provider_proof", Message: "The provider does not say that you signed in there just now. Sign out there and try again, or have a new password sent to your address."}
	}
	return p.Proved(p.store.clock.Now()), nil
}

// unlinkAll takes every provider from a user, and reports it if there was one.
func (s *Store) unlinkAll(tx *database.Tx, actor models.Actor, user *models.User, why string) error {
	removed := tx.Where("user_id = ?", user.ID).Delete(&models.UserIdentity{})
	if removed.Error != nil || removed.RowsAffected == 0 {
		return removed.Error
	}
	return errors.Join(
		s.warn(tx, pipeline.MailAccount, user.Email, models.MailIdentityUnlinked, models.MailValues{}),
		s.reportSecurity(tx, actor, user, "identity.unlinked", why, "", securityData{}))
}
