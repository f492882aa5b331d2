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

// TitleVersion is the member's title as it is, which has a form of its own.
func (m *TeamMember) TitleVersion() Version { return Version{ID: m.ID, Form: textVersion(m.Title)} }

// RoleVersion is the member's role as it is, which has a form of its own.
func (m *TeamMember) RoleVersion() Version {
	return Version{ID: m.ID, Form: textVersion(string(m.Role))}
}

// textVersion is the version of a form with one field.
func textVersion(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
