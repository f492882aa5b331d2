package models

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Version tells states of a row apart that is edited. Form changes with every
// save of what the row's form shows, At with every change of the row.
type Version struct {
	ID   string
	Form string
	At   time.Time
}

// textVersion returns the version of a form with one field.
func textVersion(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
