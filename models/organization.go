package models

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hookwell/webhook"
)

// Organization is a tenant. ExternalID is the product's own name for it, nil
// when there is none. DeletedAt set means that nothing new is accepted;
// ClosedAt, that its endpoints have stopped too.
type Organization struct {
	ID               string
	ExternalID       *string
	Name             string
	Slug             string
	RequireTwoFactor bool // of every member
	// FormVersion rises with every save of what its form shows.
	FormVersion int64 `gorm:"column:version"`
	CreatedAt   time.Time
	UpdatedAt   time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt   *time.Time
	ClosedAt    *time.Time
}

// NewOrganization is what an organization is made of. Slug and ExternalID may
// be empty: the slug is then made from the name. Endpoints are registered with
// it, before anything is sent.
type NewOrganization struct {
	Name       string
	Slug       string
	ExternalID string
	Endpoints  []EndpointInput
}

var (
	slugPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
)

// MaxSlug is how many characters a slug may have.
const MaxSlug = 48

// Check trims the name. It fails with Invalid, all faults at once.
func (n *NewOrganization) Check() error {
	n.Name = strings.TrimSpace(n.Name)
	var faults webhook.Faults
	if n.Name == "" {
		faults = append(faults, webhook.Fault{Field: "name", Message: "Enter a name of up to 100 characters."})
	}
	faults = append(faults, TextFaults("name", webhook.NameFault(n.Name, MaxName))...)
	if n.Slug != "" && (!slugPattern.MatchString(n.Slug) || len(n.Slug) > MaxSlug) {
		faults = append(faults, webhook.Fault{Field: "slug", Message: fmt.Sprintf("Use lower-case letters, digits and single hyphens, up to %d characters.", MaxSlug)})
	}
	if n.ExternalID != "" {
		if message := externalIDFault(n.ExternalID); message != "" {
			faults = append(faults, webhook.Fault{Field: "externalId", Message: message})
		}
	}
	if len(faults) > 0 {
		return NewInvalid(faults)
	}
	return nil
}

func externalIDFault(id string) string {
	switch {
	case len(id) > 128 || HasControl(id) || strings.TrimSpace(id) != id:
		return "Use 1 to 128 characters without control characters or space around them."
	case looksLikeID(id):
		return "An external id may not look like one of Hookwell’s own ids."
	}
	return webhook.NameFault(id, 128)
}

// Membership is an organization and one person's role in it.
type Membership struct {
	Organization
	Role Role
}

// OrganizationChange is what is to change of an organization; nil leaves a
// field as it is. An empty ExternalID takes it back.
type OrganizationChange struct {
	Name             *string
	Slug             *string
	ExternalID       *string
	RequireTwoFactor *bool
}

// IsNamed reports whether a name is the organization's id or its external id.
func (o *Organization) IsNamed(name string) bool { return name == o.ID || name == o.PublicID() }

// PublicID returns the id that the product knows the organization by: the external
// one where it is set.
func (o *Organization) PublicID() string {
	if o.ExternalID != nil {
		return *o.ExternalID
	}
	return o.ID
}

// Version returns the organization's settings as they are.
func (o *Organization) Version() Version {
	return Version{ID: o.ID, Form: strconv.FormatInt(o.FormVersion, 10), At: o.UpdatedAt}
}
