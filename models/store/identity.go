package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

const (
	// maxSubject is how many characters a subject may have (OpenID Connect Core,
	// section 2).
	maxSubject = 255
	// maxIssuer is how many bytes of an issuer are taken.
	maxIssuer = 1000
)

// identityOf returns the identity that claims name. They are Forbidden where they
// name nobody: everybody of the provider without a subject would be the same person,
// and so might be those whose subjects look alike.
func (s *Store) identityOf(ctx context.Context, c models.Claims) (*models.UserIdentity, error) {
	if err := checkClaims(&c); err != nil {
		return nil, err
	}
	return database.Find[models.UserIdentity](s.db.WithContext(ctx).Where("issuer = ? AND subject = ?", c.Issuer, c.Subject), "identity")
}

func checkClaims(c *models.Claims) error {
	if c.Issuer == "" || len(c.Issuer) > maxIssuer || models.HasControl(c.Issuer) || !validSubject(c.Subject) {
		return &models.Error{Kind: models.Forbidden, Code: "provider_subject", Message: "The provider does not say who you are. Tell who runs this server; or sign in with your password."}
	}
	return nil
}

// validSubject reports whether a subject is one of OpenID Connect: up to 255
// characters of ASCII. Control characters are none that could be shown, and of
// blanks there have to be others beside them.
func validSubject(subject string) bool {
	for _, c := range []byte(subject) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(subject) <= maxSubject && strings.Trim(subject, " ") != ""
}

// CodeUnknownIdentity is the code of the error for a sign-in with a provider that
// no account is linked to.
const CodeUnknownIdentity = "unknown_identity"

// CodeProviderEmail is of an account that can't be made with the address that a
// provider says, or that it doesn't say or verify.
const CodeProviderEmail = "provider_email"

// SignInWith signs in the user that a provider's identity is linked to. An
// unknown identity is Unauthorized, with CodeUnknownIdentity; claims without an
// issuer or a valid subject are Forbidden.
func (s *Store) SignInWith(ctx context.Context, c models.Claims, actor models.Actor) (*models.SignedIn, error) {
	identity, err := s.identityOf(ctx, c)
	if models.IsKind(err, models.NotFound) {
		return nil, &models.Error{Kind: models.Unauthorized, Code: CodeUnknownIdentity, Message: "No account here is linked to this sign-in. Sign in with your password, and link it on your account’s page."}
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
		used["email"] = normalEmail(pipeline.Storable(c.Email))
	}
	if err := s.db.WithContext(ctx).Model(identity).Updates(used).Error; err != nil {
		return nil, err
	}
	return s.firstFactor(ctx, user, "provider", actor)
}

// SignUpWith makes an account from a provider's claims, without a password and
// linked to the identity, if the policy allows it. An address that has an account
// is a Conflict, because an address alone never links an account. If there is a
// mail server, an address that the provider has not verified is Forbidden. More
// than 60 an hour from one network address are TooMany.
func (s *Store) SignUpWith(ctx context.Context, policy models.SignupPolicy, c models.Claims, actor models.Actor) (*models.User, error) {
	account := models.Account{Name: strings.TrimSpace(c.Name), Email: normalEmail(c.Email)}
	if len(nameFaults(account.Name)) > 0 {
		account.Name, _, _ = strings.Cut(account.Email, "@")
	}
	if account.Email == "" {
		return nil, &models.Error{Kind: models.Forbidden, Code: CodeProviderEmail, Message: "The provider does not say your address, and an account needs one."}
	}
	if faults := emailFaults(account.Email); len(faults) > 0 {
		return nil, &models.Error{Kind: models.Forbidden, Code: CodeProviderEmail, Message: "No account can be made with the address that the provider says, " + quote(pipeline.Storable(c.Email)) + ". " + faults[0].Message}
	}
	if !c.EmailVerified && s.MailConfigured() {
		return nil, &models.Error{Kind: models.Forbidden, Code: CodeProviderEmail, Message: "The provider has not verified your address. Create an account with a password, and link this sign-in to it."}
	}
	var verified *time.Time
	if c.EmailVerified {
		now := s.clock.Now()
		verified = &now
	}
	made := pipeline.Spend(budgetAdmissions, networkOf(actor.RemoteAddress))
	if err := s.spend(ctx, made); err != nil {
		return nil, err
	}
	var user *models.User
	err := s.transaction(ctx, func(tx *database.Tx) (err error) {
		user, err = s.signUp(tx, policy, account, "", verified, actor)
		if models.IsKind(err, models.Invalid) {
			return models.NewConflict("email_taken", "There is an account with this address already. Sign in to it with its password, and link this sign-in on your account’s page.")
		}
		if err != nil {
			return err
		}
		return s.linkIdentity(tx, user, c, actor.As(user))
	})
	if err != nil && !models.IsCode(err, "email_taken") { // an address that is taken was asked for
		return nil, errors.Join(err, s.refund(ctx, made))
	}
	return user, err
}

func (s *Store) linkIdentity(tx *database.Tx, user *models.User, c models.Claims, actor models.Actor) error {
	if err := checkClaims(&c); err != nil {
		return err
	}
	now := s.clock.Now()
	row := models.UserIdentity{Issuer: c.Issuer, Subject: c.Subject, UserID: user.ID, Email: normalEmail(pipeline.Storable(c.Email)), CreatedAt: now, LastUsedAt: now}
	err := tx.Create(&row).Error
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return models.NewConflict("identity_taken", "This sign-in is linked to an account already.")
	}
	if err != nil {
		return err
	}
	return s.reportSecurity(tx, actor, user, "identity.linked", c.Issuer, "", securityData{})
}

// Identities lists the providers' identities that the person signs in with. It fails
// if the database does.
func (p *Person) Identities(ctx context.Context) ([]models.UserIdentity, error) {
	var list []models.UserIdentity
	err := p.store.db.WithContext(ctx).Where("user_id = ?", p.user.ID).Order("created_at, subject").Find(&list).Error
	return list, err
}

// LinkIdentity lets the person sign in with a provider's identity, and mails them
// a notice. An identity that is linked to any account already is a Conflict. It
// requires a proof: see CheckProof.
func (p *Person) LinkIdentity(ctx context.Context, c models.Claims) error {
	if err := p.CheckProof(); err != nil {
		return err
	}
	return p.store.transaction(ctx, func(tx *database.Tx) error {
		if err := p.store.linkIdentity(tx, p.user, c, p.actor); err != nil {
			return err
		}
		return p.store.warn(tx, pipeline.MailAccount, p.user.Email, models.MailIdentityLinked,
			models.MailValues{Issuer: c.Issuer, Email: normalEmail(pipeline.Storable(c.Email))})
	})
}

// UnlinkIdentity removes the link. For a person without a password it is a
// Conflict. It requires a proof: see CheckProof.
func (p *Person) UnlinkIdentity(ctx context.Context, issuer, subject string) error {
	if !p.user.HasPassword() {
		return models.NewConflict("no_password", "You have no password yet, and could not sign in any more. Set one first.")
	}
	if err := p.store.sentBefore(ctx); err != nil {
		return unlessTaken(err)
	}
	if err := p.CheckProof(); err != nil {
		return err
	}
	return unlessTaken(p.store.transaction(once(ctx), func(tx *database.Tx) error {
		removed := tx.Where("issuer = ? AND subject = ? AND user_id = ?", issuer, subject, p.user.ID).Delete(&models.UserIdentity{})
		if removed.Error == nil && removed.RowsAffected == 0 {
			return models.NewNotFound("identity")
		}
		if removed.Error != nil {
			return removed.Error
		}
		return p.auditOwn(tx, "identity.unlinked", issuer)
	}))
}
