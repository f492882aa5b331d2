package store

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

func checkAccount(a *models.Account) error {
	a.Name = strings.TrimSpace(a.Name)
	a.Email = normalEmail(a.Email)
	faults := nameFaults(a.Name)
	faults = append(faults, emailFaults(a.Email)...)
	faults = append(faults, passwordFaults("password", a.Password, a.Name, a.Email)...)
	if len(faults) > 0 {
		return models.NewInvalid(faults)
	}
	return nil
}

// emailPattern is what browsers take in a field for an address, with the dots
// where they may stand (RFC 5321, section 4.1.2): what the catalog's schemas
// call an email.
var emailPattern = regexp.MustCompile("^" + emailAtom + `(\.` + emailAtom + ")*@" + emailLabel + `(\.` + emailLabel + ")*$")

const (
	emailAtom  = "[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
	emailLabel = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
)

// emailFaults says at "email" what is wrong with an address that normalEmail gave.
func emailFaults(email string) webhook.Faults {
	if at := strings.IndexFunc(email, func(r rune) bool { return r > unicode.MaxASCII }); at >= 0 && at < strings.IndexByte(email, '@') && utf8.ValidString(email) {
		letter, _ := utf8.DecodeRuneInString(email[at:])
		return webhook.Faults{{Field: "email", Message: "Letters such as " + quote(string(letter)) + " before the @ are not taken, since few mail servers deliver to them. Use another address of yours."}}
	}
	if local, _, _ := strings.Cut(email, "@"); len(email) > 254 || len(local) > 64 || !emailPattern.MatchString(email) {
		return webhook.Faults{{Field: "email", Message: "Enter an email address such as name@example.com."}}
	}
	return nil
}

// normalEmail returns an address as it is stored: in lower case, with the domain in
// ASCII (IDNA).
func normalEmail(email string) string {
	email = strings.ToLower(strings.TrimSpace(email))
	local, domain, _ := strings.Cut(email, "@")
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil && ascii != "" {
		return local + "@" + ascii
	}
	return email
}

// copiedEmail returns the address in a text as mail programs copy one, such as
// "Ada <ada@example.com>" or "mailto:ada@example.com". It is for what a person
// enters of somebody else alone: what an address is is not read into the claims
// of a provider.
func copiedEmail(text string) string {
	text = normalEmail(text)
	if _, inner, ok := strings.Cut(text, "<"); ok && strings.HasSuffix(inner, ">") {
		text = strings.TrimSuffix(inner, ">")
	}
	return normalEmail(strings.TrimPrefix(text, "mailto:"))
}

// HasUsers reports whether any account exists. It fails if the database does.
func (s *Store) HasUsers(ctx context.Context) (bool, error) {
	var ids []string
	err := s.db.WithContext(ctx).Model(&models.User{}).Limit(1).Pluck("id", &ids).Error
	return len(ids) > 0, err
}

// How many accounts are made from one address. Who was invited, or is vouched
// for by a provider, is no stranger: a team may come from one office.
var (
	budgetSignUps = pipeline.Budget{Name: "sign-ups from an address", Most: 10, Span: time.Hour,
		Used: "10 accounts were made from your network within the hour."}
	budgetAdmissions = pipeline.Budget{Name: "admissions from an address", Most: 60, Span: time.Hour,
		Used: "60 people joined from your network within the hour."}
)

// createUser inserts an account whose input was checked. Verified is when its
// address was shown to be the person's; nil is not yet.
func (s *Store) createUser(tx *database.Tx, account models.Account, hash string, verified *time.Time) (*models.User, error) {
	now := s.clock.Now()
	user := &models.User{ID: s.clock.NewID(models.PrefixUser, now), Email: account.Email, EmailVerifiedAt: verified, Name: account.Name,
		PasswordHash: hash, CreatedAt: now, UpdatedAt: now}
	err := tx.Create(user).Error
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return nil, models.InvalidField("email", "There is an account with this address already. Sign in instead.")
	}
	return user, err
}

// User returns an account by its id. An unknown one is NotFound.
func (s *Store) User(ctx context.Context, id string) (*models.User, error) {
	return database.Find[models.User](s.db.WithContext(ctx).Where("id = ?", id), "account")
}
