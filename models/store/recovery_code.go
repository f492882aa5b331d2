package store

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// recoveryCodes is how many a person gets.
const recoveryCodes = 10

// recoveryCode stands in for the app once. It is random, 80 bits, so that a
// plain hash keeps it.
type recoveryCode struct {
	Hash      []byte `gorm:"primaryKey"`
	UserID    string
	CreatedAt time.Time
	UsedAt    *time.Time
}

// base32Text is how keys and recovery codes are written.
var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// newRecoveryCodes replaces the user's recovery codes and returns the new ones,
// as "abcd-efgh-ijkl-mnop".
func (s *Store) newRecoveryCodes(tx *database.Tx, userID string) ([]string, error) {
	if err := tx.Where("user_id = ?", userID).Delete(&recoveryCode{}).Error; err != nil {
		return nil, err
	}
	codes, rows := make([]string, recoveryCodes), make([]recoveryCode, recoveryCodes)
	for i := range codes {
		var random [10]byte
		rand.Read(random[:])
		text := strings.ToLower(base32Text.EncodeToString(random[:]))
		codes[i] = text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
		rows[i] = recoveryCode{Hash: hashRecoveryCode(userID, codes[i]), UserID: userID, CreatedAt: s.clock.Now()}
	}
	if err := tx.Create(&rows).Error; err != nil {
		return nil, fmt.Errorf("inserting recovery codes: %w", err)
	}
	return codes, nil
}

// hashRecoveryCode reads a code as people write it: spaces, hyphens and case
// don't matter.
func hashRecoveryCode(userID, code string) []byte {
	plain := strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(strings.TrimSpace(code)))
	return models.HashToken(userID + " " + plain)
}

// takeRecoveryCode reports whether it is one of the user's that was not used, and
// uses it.
func (s *Store) takeRecoveryCode(tx *database.Tx, userID, code string) (bool, error) {
	taken := tx.Model(&recoveryCode{}).Where("hash = ? AND user_id = ? AND used_at IS NULL", hashRecoveryCode(userID, code), userID).Update("used_at", s.clock.Now())
	return taken.RowsAffected == 1, taken.Error
}

// RenewRecoveryCodes replaces the person's recovery codes and returns the new
// ones, or none to a form that is sent again late. Without a second factor it is
// a Conflict. It requires a proof: see CheckProof.
func (p *Person) RenewRecoveryCodes(ctx context.Context) (codes []string, err error) {
	if err := p.store.sentBefore(ctx); err != nil {
		return shownCodes(err)
	}
	if on, err := p.store.asksSecondFactor(ctx, p.user.ID); err != nil {
		return nil, err
	} else if !on {
		return nil, models.NewConflict("two_factor_off", "Two-factor sign-in is off: there is nothing to recover.")
	}
	if err := p.CheckProof(); err != nil {
		return nil, err
	}
	err = p.store.transaction(once(ctx), func(tx *database.Tx) error {
		if codes, err = p.store.newRecoveryCodes(tx, p.user.ID); err != nil {
			return err
		}
		makes(tx, "", strings.Join(codes, " "))
		return p.auditOwn(tx, "two_factor.codes_renewed", "")
	})
	if earlier(err) != nil {
		return shownCodes(err)
	}
	return codes, err
}
