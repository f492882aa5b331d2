package models

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"
)

// UserIdentity is who a provider of OpenID Connect says that a user is: by
// issuer and subject alone. Email is what it said last, for people to read.
type UserIdentity struct {
	Issuer     string `gorm:"primaryKey"`
	Subject    string `gorm:"primaryKey"`
	UserID     string
	Email      string
	CreatedAt  time.Time
	LastUsedAt time.Time
}

// Claims are what a provider says of who signed in with it, its signature
// checked. Name and Email may be empty.
type Claims struct {
	Issuer        string
	Subject       string
	Name          string
	Email         string
	EmailVerified bool
	SignedInAt    time.Time // at the provider; zero when it doesn't say
}

// maxClaim is how many bytes of a subject or an issuer are taken. OpenID
// Connect allows a subject 255.
const maxClaim = 1000

// check refuses claims that name nobody: everybody of the provider without a
// subject would be the same person.
func (c *Claims) check() error {
	for _, name := range []string{c.Issuer, c.Subject} {
		if name == "" || len(name) > maxClaim || hasControl(name) {
			return &Error{Kind: Forbidden, Code: "provider_subject", Message: "The provider does not say who you are. Tell who runs this server; or sign in with your password."}
		}
	}
	return nil
}

// CodeUnknownIdentity is of a sign-in with a provider that no account is linked to.
const CodeUnknownIdentity = "unknown_identity"

// SignInWith signs in the user that a provider's identity is linked to. An
// unknown one is Unauthorized, with CodeUnknownIdentity; claims without an issuer
// or a subject are Forbidden.
func (s *Store) SignInWith(ctx context.Context, c Claims, actor Actor) (*SignedIn, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	identity, err := find[UserIdentity](s.db.WithContext(ctx).Where("issuer = ? AND subject = ?", c.Issuer, c.Subject), "identity")
	if IsKind(err, NotFound) {
		return nil, &Error{Kind: Unauthorized, Code: CodeUnknownIdentity, Message: "No account here is linked to this sign-in. Sign in with your password, and link it on your account’s page."}
	}
	if err != nil {
		return nil, err
	}
	user, err := s.User(ctx, identity.UserID)
	if err != nil {
		return nil, err
	}
	used := map[string]any{"last_used_at": s.clock.Now()}
	if c.Email != "" {
		used["email"] = normalEmail(storable(c.Email))
	}
	if err := s.db.WithContext(ctx).Model(identity).Updates(used).Error; err != nil {
		return nil, err
	}
	return s.firstFactor(ctx, user, "provider", actor)
}

// SignUpWith makes an account of what a provider says, without a password and
// linked to it, if the policy allows it. An address that has an account is a
// Conflict: it is never linked by its address. Where mail is sent, an address
// that the provider has not verified is Forbidden. More than 60 an hour from one
// address are TooMany.
func (s *Store) SignUpWith(ctx context.Context, policy SignupPolicy, c Claims, actor Actor) (*User, error) {
	account := Account{Name: strings.TrimSpace(c.Name), Email: normalEmail(c.Email)}
	if len(nameFaults(account.Name)) > 0 {
		account.Name, _, _ = strings.Cut(account.Email, "@")
	}
	if account.Email == "" {
		return nil, &Error{Kind: Forbidden, Code: "provider_email", Message: "The provider does not say your address, and an account needs one."}
	}
	if faults := emailFaults(account.Email); len(faults) > 0 {
		return nil, &Error{Kind: Forbidden, Code: "provider_email", Message: "No account can be made with the address that the provider says, " + quote(storable(c.Email)) + ". " + faults[0].Message}
	}
	if !c.EmailVerified && s.MailConfigured() {
		return nil, &Error{Kind: Forbidden, Code: "provider_email", Message: "The provider has not verified your address. Create an account with a password, and link this sign-in to it."}
	}
	var verified *time.Time
	if c.EmailVerified {
		now := s.clock.Now()
		verified = &now
	}
	made := spend(budgetAdmissions, networkOf(actor.RemoteAddress))
	if err := s.spend(ctx, made); err != nil {
		return nil, err
	}
	var user *User
	err := s.transaction(ctx, func(tx *Tx) (err error) {
		user, err = s.signUp(tx, policy, account, "", verified, actor)
		if IsKind(err, Invalid) {
			return conflict("email_taken", "There is an account with this address already. Sign in to it with its password, and link this sign-in on your account’s page.")
		}
		if err != nil {
			return err
		}
		return s.linkIdentity(tx, user, c, actor.as(user))
	})
	if err != nil && !IsCode(err, "email_taken") { // an address that is taken was asked for
		return nil, errors.Join(err, s.refund(ctx, made))
	}
	return user, err
}

func (s *Store) linkIdentity(tx *Tx, user *User, c Claims, actor Actor) error {
	if err := c.check(); err != nil {
		return err
	}
	now := s.clock.Now()
	row := UserIdentity{Issuer: c.Issuer, Subject: c.Subject, UserID: user.ID, Email: normalEmail(storable(c.Email)), CreatedAt: now, LastUsedAt: now}
	err := tx.Create(&row).Error
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return conflict("identity_taken", "This sign-in is linked to an account already.")
	}
	if err != nil {
		return err
	}
	return s.reportSecurity(tx, actor, user, "identity.linked", c.Issuer, "", securityData{})
}

// Identities lists what the person signs in with besides a password.
func (p *Person) Identities(ctx context.Context) ([]UserIdentity, error) {
	var list []UserIdentity
	err := p.store.db.WithContext(ctx).Where("user_id = ?", p.user.ID).Order("created_at, subject").Find(&list).Error
	return list, err
}

// LinkIdentity lets the person sign in with a provider's identity, and sends
// them word of it. One that is linked already, to whomever, is a Conflict. It
// asks for a proof: see CheckProof.
func (p *Person) LinkIdentity(ctx context.Context, c Claims) error {
	if err := p.CheckProof(); err != nil {
		return err
	}
	return p.store.transaction(ctx, func(tx *Tx) error {
		if err := p.store.linkIdentity(tx, p.user, c, p.actor); err != nil {
			return err
		}
		return p.store.warn(tx, mailAccount, p.user.Email, "A sign-in was linked to your account at Hookwell", "Whoever signs in at "+c.Issuer+" as "+
			cmp.Or(normalEmail(storable(c.Email)), "the person who is linked")+" can use your account at "+p.store.Link("/")+" from now on. Unlink it with a new password, or at "+p.store.Link("/account")+".")
	})
}

// UnlinkIdentity takes it back. Who has no password keeps it: that is a Conflict.
// It asks for a proof: see CheckProof.
func (p *Person) UnlinkIdentity(ctx context.Context, issuer, subject string) error {
	if !p.user.HasPassword() {
		return conflict("no_password", "You have no password yet, and could not sign in any more. Set one first.")
	}
	if err := p.store.sentBefore(ctx); err != nil {
		return unlessTaken(err)
	}
	if err := p.CheckProof(); err != nil {
		return err
	}
	return unlessTaken(p.store.transaction(once(ctx), func(tx *Tx) error {
		removed := tx.Where("issuer = ? AND subject = ? AND user_id = ?", issuer, subject, p.user.ID).Delete(&UserIdentity{})
		if removed.Error == nil && removed.RowsAffected == 0 {
			return notFound("identity")
		}
		if removed.Error != nil {
			return removed.Error
		}
		return p.auditOwn(tx, "identity.unlinked", issuer)
	}))
}
