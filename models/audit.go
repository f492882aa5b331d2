package models

import (
	"time"
)

// AuditEntry says who did what to what, when and from where. Rows are only
// ever added; names are kept as they were.
type AuditEntry struct {
	ID             string
	OrganizationID *string
	ActorKind      ActorKind
	ActorID        string
	ActorName      string
	Action         string
	TargetID       string
	TargetName     string
	Details        string
	RemoteAddress  string
	RequestID      string
	CreatedAt      time.Time
}

// AuditFilter narrows the audit log. Zero fields let everything pass. Since
// and Until bound when something was done, the first included.
type AuditFilter struct {
	ActorID  string
	By       ActorKind
	Action   string
	TargetID string
	Since    time.Time
	Until    time.Time
}
