package models

import (
	"time"
)

// NoticeKind says what a notice tells of an endpoint.
type NoticeKind string

// The kinds of notice.
const (
	NoticeFailing   NoticeKind = "failing"   // nothing has succeeded for a while
	NoticeDisabling NoticeKind = "disabling" // it is disabled at DueAt if nothing changes
	NoticeDisabled  NoticeKind = "disabled"  // it was, by the rule
	NoticeGone      NoticeKind = "gone"      // it was, because its receiver answered 410
	NoticeRecovered NoticeKind = "recovered" // after one of the others
)

// Notice is what an organization is to know of one of its endpoints. It stands
// until what it tells of is over or a person dismisses it; the next one of the
// same endpoint takes its place.
type Notice struct {
	ID             string
	OrganizationID string
	EndpointID     string
	Kind           NoticeKind
	Since          *time.Time // when the endpoint began to fail
	DueAt          *time.Time // when it is disabled if nothing changes
	CreatedAt      time.Time
	EndedAt        *time.Time
	DismissedAt    *time.Time
	DismissedBy    string

	Endpoint *Endpoint `gorm:"-"` // the tenant's queries fill it
}
