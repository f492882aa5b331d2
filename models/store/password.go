package store

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"hookwell/models"
	"hookwell/webhook"
)

const (
	// MaxPassword is the longest password, in characters.
	MaxPassword = 128
)

// PasswordCost is the cost of hashing a password by argon2id. Each hash keeps its
// own cost, so older passwords still match after the cost changes.
type PasswordCost struct {
	Memory uint32 // KiB, at least 8
	Passes uint32
}

// DefaultPasswordCost is OWASP's minimum for argon2id: 19 MiB, two passes.
var DefaultPasswordCost = PasswordCost{Memory: 19 * 1024, Passes: 2}

func (c PasswordCost) params() *argon2id.Params {
	return &argon2id.Params{Memory: c.Memory, Iterations: c.Passes, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// unknownHash takes as long to refuse as a real account's hash of that cost.
func (c PasswordCost) unknownHash() string {
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=1$c2FsdHNhbHRzYWx0c2FsdA$0000000000000000000000000000000000000000000", c.Memory, c.Passes)
}

//go:embed common_passwords.txt
var commonPasswordsFile string

var commonPasswords = sync.OnceValue(func() map[string]bool {
	list := map[string]bool{}
	for line := range strings.Lines(commonPasswordsFile) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			list[line] = true
		}
	}
	return list
})

// passwordFaults are what speaks against a password of an account, at a field.
func passwordFaults(field, password, name, email string) webhook.Faults {
	fault := func(message string) webhook.Faults { return webhook.Faults{{Field: field, Message: message}} }
	switch n := utf8.RuneCountInString(password); {
	case n < models.MinPassword:
		return fault(fmt.Sprintf("Choose a password of at least %d characters.", models.MinPassword))
	case n > MaxPassword:
		return fault(fmt.Sprintf("Choose a password of at most %d characters.", MaxPassword))
	}
	lower := strings.ToLower(password)
	switch {
	case commonPasswords()[lower]:
		return fault("This password is among the most used ones, which are tried first. Choose another.")
	case fresh(lower) < minFresh:
		return fault("This password is mostly a repetition or a row of keys, which is tried first. Choose a few unrelated words.")
	case fresh(withoutOwn(lower, name, email)) < minFresh:
		return fault("This password is mostly your name, your address or ours, which is tried first. Choose a few unrelated words.")
	}
	return nil
}

// minFresh is how many characters of a password must say something new.
const minFresh = 7

// keyRows are what fingers and counting follow, in either direction.
var keyRows = []string{"01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "qazwsxedcrfvtgbyhnujmikolp"}

var steps = sync.OnceValue(func() map[[2]rune]bool {
	known := map[[2]rune]bool{}
	for _, row := range keyRows {
		for i := range len(row) - 1 {
			a, b := rune(row[i]), rune(row[i+1])
			known[[2]rune{a, b}], known[[2]rune{b, a}] = true, true
		}
	}
	return known
})

// fresh returns how many characters neither follow from the one before, by a row of
// keys or by being the same, nor repeat what stands before.
func fresh(text string) int {
	characters := []rune(text)
	characters = characters[:period(characters)]
	n := 0
	for i, c := range characters {
		if i == 0 || c != characters[i-1] && !steps()[[2]rune{characters[i-1], c}] {
			n++
		}
	}
	return n
}

// period returns the length of the shortest text that, repeated, makes this one.
func period(characters []rune) int {
	for length := 1; length < len(characters); length++ {
		repeats := true
		for i := length; i < len(characters) && repeats; i++ {
			repeats = characters[i] == characters[i-length]
		}
		if repeats {
			return length
		}
	}
	return len(characters)
}

// withoutOwn is what is left of a password without the words that anybody
// would try for this account.
func withoutOwn(lower, name, email string) string {
	words := strings.FieldsFunc(strings.ToLower(name+" "+email), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, word := range append(words, "hookwell", "webhook", "password") {
		if utf8.RuneCountInString(word) >= 3 {
			lower = strings.ReplaceAll(lower, word, "")
		}
	}
	return lower
}

// hash makes a password's hash. It fails with TooMany when who asks has too many
// in hand or made too many lately, or everybody together does.
func (s *Store) hash(ctx context.Context, who asker, password string) (string, error) {
	done, err := s.hashing.turn(ctx, who, s.clock.Now())
	if err != nil {
		return "", err
	}
	defer done()
	return argon2id.CreateHash(password, s.passwordCost.params())
}

// passwordIs compares a password with an account's hash, a few at a time. An
// empty hash, of who signs in elsewhere, is nobody's, after the same work. It
// fails as hash does.
func (s *Store) passwordIs(ctx context.Context, who asker, password, hash string) (bool, error) {
	if utf8.RuneCountInString(password) > MaxPassword {
		password = "" // the same work for everybody, however much was sent
	}
	known := hash != ""
	if !known {
		hash = s.passwordCost.unknownHash()
	}
	done, err := s.hashing.turn(ctx, who, s.clock.Now())
	if err != nil {
		return false, err
	}
	match, err := argon2id.ComparePasswordAndHash(password, hash)
	done()
	if err != nil {
		return false, fmt.Errorf("checking the password: %w", err)
	}
	if match = match && known; match {
		s.hashing.wasRight(who, s.clock.Now())
	}
	return match, nil
}

// confirm checks that the person at the browser knows the account's password,
// before something that a stolen session must not do. A wrong one is Invalid at
// a field; too many, from any session, are TooMany.
func (s *Store) confirm(ctx context.Context, user *models.User, actor models.Actor, field, password string) error {
	if user.PasswordHash == "" {
		return models.InvalidField(field, "This account has no password yet. Set one first.")
	}
	charged, err := s.charge(ctx, try(limitConfirm, user.ID))
	if err != nil {
		return err
	}
	match, err := s.passwordIs(ctx, ownAsker(user, actor), password, user.PasswordHash)
	if err != nil {
		return errors.Join(err, s.uncharge(ctx, charged))
	}
	if !match {
		return models.InvalidField(field, "This is not your password.")
	}
	return s.absolve(ctx, charged)
}
