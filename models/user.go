package models

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"gorm.io/gorm"

	"hookwell/webhook"
)

// SignupPolicy is HOOKWELL_SIGNUP.
type SignupPolicy string

// The policies.
const (
	SignupFirst  SignupPolicy = "first" // one account, then invitations
	SignupOpen   SignupPolicy = "open"
	SignupClosed SignupPolicy = "closed"
)

// Passwords have so many characters: NIST SP 800-63B-4, section 3.1.1.2, asks
// for 15 where a password is the only factor.
const (
	MinPassword = 15
	MaxPassword = 128
)

// passwordCost is OWASP's minimum for argon2id: 19 MiB, two passes.
var passwordCost = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// Account is what a new account is made of.
type Account struct {
	Name     string
	Email    string
	Password string
}

func (a *Account) check() error {
	a.Name = strings.TrimSpace(a.Name)
	a.Email = normalEmail(a.Email)
	var faults webhook.Faults
	if a.Name == "" || utf8.RuneCountInString(a.Name) > 100 || hasControl(a.Name) {
		faults = append(faults, webhook.Fault{Field: "name", Message: "Enter your name, up to 100 characters."})
	}
	if address, err := mail.ParseAddress(a.Email); err != nil || address.Address != a.Email || len(a.Email) > 254 {
		faults = append(faults, webhook.Fault{Field: "email", Message: "Enter an email address such as name@example.com."})
	}
	switch n := utf8.RuneCountInString(a.Password); {
	case n < MinPassword:
		faults = append(faults, webhook.Fault{Field: "password", Message: fmt.Sprintf("Choose a password of at least %d characters.", MinPassword)})
	case n > MaxPassword:
		faults = append(faults, webhook.Fault{Field: "password", Message: fmt.Sprintf("Choose a password of at most %d characters.", MaxPassword)})
	}
	if len(faults) > 0 {
		return invalid(faults)
	}
	return nil
}

func normalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// hasControl tells whether text has what no line of text may have, and what
// Postgres does not store: control characters, or bytes that are not UTF-8.
func hasControl(text string) bool {
	return !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// maxHashings is how many passwords may be hashed or wait for it: with more,
// who signs in would wait for everybody who only tries passwords.
const maxHashings = 32

// hashTurn waits for a turn to run argon2id, each of which takes 19 MiB and a
// processor; done gives the turn back. It fails with TooMany when too many wait
// already, and when ctx ends.
func (s *Store) hashTurn(ctx context.Context) (done func(), err error) {
	select {
	case s.hashings <- struct{}{}:
	default:
		return nil, &Error{Kind: TooMany, Code: "busy", Message: "Too many people are signing in at this moment. Try again in a few seconds."}
	}
	select {
	case s.hashing <- struct{}{}:
		return func() { <-s.hashing; <-s.hashings }, nil
	case <-ctx.Done():
		<-s.hashings
		return nil, fmt.Errorf("waiting to hash a password: %w", ctx.Err())
	}
}

func (s *Store) hash(ctx context.Context, password string) (string, error) {
	done, err := s.hashTurn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return argon2id.CreateHash(password, passwordCost)
}

func signupClosed() error {
	return &Error{Kind: Forbidden, Code: "signup_closed", Message: "Sign-up is closed here. Ask an admin for an account."}
}

// HasUsers tells whether anyone has an account yet.
func (s *Store) HasUsers(ctx context.Context) (bool, error) {
	var ids []string
	err := s.db.WithContext(ctx).Model(&User{}).Limit(1).Pluck("id", &ids).Error
	return len(ids) > 0, err
}

// SignupAllowed tells whether the policy lets a stranger make an account now.
func (s *Store) SignupAllowed(ctx context.Context, policy SignupPolicy) (bool, error) {
	if policy != SignupFirst {
		return policy == SignupOpen, nil
	}
	some, err := s.HasUsers(ctx)
	return !some, err
}

// SignUp makes an account if the policy allows it. Faults of the form are
// Invalid; a closed sign-up is Forbidden.
func (s *Store) SignUp(ctx context.Context, policy SignupPolicy, account Account, actor Actor) (*User, error) {
	if err := account.check(); err != nil {
		return nil, err
	}
	// Asked before the costly hash, and again under the lock.
	if open, err := s.SignupAllowed(ctx, policy); err != nil {
		return nil, err
	} else if !open {
		return nil, signupClosed()
	}
	hash, err := s.hash(ctx, account.Password)
	if err != nil {
		return nil, err
	}
	var user *User
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		if err := s.dialect.serialize(tx, signupLock); err != nil {
			return err
		}
		var users int64
		if err := tx.Model(&User{}).Count(&users).Error; err != nil {
			return err
		}
		if policy == SignupClosed || policy == SignupFirst && users > 0 {
			return signupClosed()
		}
		user, err = s.createUser(tx, account, hash)
		if err != nil {
			return err
		}
		actor.ID, actor.Name = user.ID, user.Name
		return s.audit(tx, actor, "", "user.signed_up", user.ID, user.Email, "")
	})
	return user, err
}

func (s *Store) createUser(tx *gorm.DB, account Account, hash string) (*User, error) {
	now := s.clock.Now()
	user := &User{ID: s.clock.newID(PrefixUser, now), Email: account.Email, Name: account.Name, PasswordHash: hash, CreatedAt: now, UpdatedAt: now}
	err := tx.Create(user).Error
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return nil, invalidField("email", "There is an account with this address already. Sign in instead.")
	}
	return user, err
}

// unknownHash takes as long to refuse as a real account's hash does.
const unknownHash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$0000000000000000000000000000000000000000000"

// Authenticate checks a password. An unknown address and a wrong password get
// the same Unauthorized error after the same work.
func (s *Store) Authenticate(ctx context.Context, email, password string) (*User, error) {
	refused := &Error{Kind: Unauthorized, Code: "wrong_password", Message: "Email and password don’t match an account.",
		Fields: webhook.Faults{{Field: "password", Message: "Email and password don’t match an account."}}}
	user, err := find[User](s.db.WithContext(ctx).Where("email = ?", normalEmail(email)), "account")
	if err != nil && !IsKind(err, NotFound) {
		return nil, err
	}
	hash := unknownHash
	if user != nil {
		hash = user.PasswordHash
	}
	if utf8.RuneCountInString(password) > MaxPassword {
		password = "" // the same work for everybody, however much was sent
	}
	done, err := s.hashTurn(ctx)
	if err != nil {
		return nil, err
	}
	match, err := argon2id.ComparePasswordAndHash(password, hash)
	done()
	if err != nil {
		return nil, fmt.Errorf("checking the password: %w", err)
	}
	if user == nil || !match {
		return nil, refused
	}
	return user, nil
}

// User reads an account by its id.
func (s *Store) User(ctx context.Context, id string) (*User, error) {
	return find[User](s.db.WithContext(ctx).Where("id = ?", id), "account")
}

// Stamp changes whenever the password does: a session made before is refused.
func (u *User) Stamp() string { return hex.EncodeToString(hashToken(u.PasswordHash)[:8]) }
