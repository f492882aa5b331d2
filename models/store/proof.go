package store

import (
	"context"
	"errors"
	"time"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// ProofLife is how long a proof of identity lasts in the session in which it was
// given.
const ProofLife = 10 * time.Minute

// CodeProof is the code of the error for a change that requires a proof first:
// one that concerns how the account is signed in to.
const CodeProof = "proof"

// proofSkew is how far a provider's clock may be behind ours.
const proofSkew = time.Minute

// Proved returns the person with a proof given at that time. A zero time means
// never.
func (p *Person) Proved(at time.Time) *Person {
	proved := *p
	proved.provedAt = at
	return &proved
}

// CheckProof fails with Forbidden and CodeProof unless the person gave a proof
// within ProofLife. Methods that add, remove or replace a way into the account
// call it, so that a stolen session alone can't open another way in.
func (p *Person) CheckProof() error {
	if age := p.store.clock.Now().Sub(p.provedAt); p.provedAt.IsZero() || age < 0 || age > ProofLife {
		return &models.Error{Kind: models.Forbidden, Code: CodeProof, Message: "Confirm first that it is you. The form on the account’s page asks for it."}
	}
	return nil
}

// Prove checks the password and, if a second factor is on, a code or a recovery
// code. It returns the person with the proof. Wrong ones are Invalid at
// "password" and "code"; too many tries are TooMany. A person without a password
// proves it with a provider, and gets CheckProof's error here.
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

// ProveCode checks a code or a recovery code, and does nothing if no second
// factor is on. A wrong code is Invalid at "code".
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

// ProveWith accepts a provider's sign-in as a proof if it is newer than the given
// time. It is Forbidden if the identity isn't linked to the person, or if the
// sign-in is older or the provider doesn't give its time.
func (p *Person) ProveWith(ctx context.Context, c models.Claims, since time.Time) (*Person, error) {
	identity, err := p.store.identityOf(ctx, c)
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
