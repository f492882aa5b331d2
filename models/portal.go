package models

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"hookwell/webhook"
)

// PortalLink signs a product's user in to one organization, once. FrameOrigin
// is the origin whose pages may show the session in a frame; empty for none.
type PortalLink struct {
	ID             string
	OrganizationID string
	TokenHash      []byte
	KeyID          string // that it was asked for with
	Role           Role
	Name           string // of the product's user
	Navigation     bool
	FrameOrigin    string
	CreatedAt      time.Time
	ExpiresAt      time.Time
	UsedAt         *time.Time
}

// NewPortalLink is what a link is asked for with. Role is admin at most;
// Minutes, from 1 to MaxPortalMinutes, is how long the link may wait to be used.
type NewPortalLink struct {
	Role        string
	Minutes     int
	Name        string // may be empty
	Navigation  bool
	FrameOrigin string // may be empty
}

// MaxPortalMinutes is how many minutes a link may wait to be used at most.
const MaxPortalMinutes = 60

// originHost is the host of an origin that a header may name: letters, digits,
// dots and hyphens, so that it can end no directive and name no second origin.
var originHost = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

// Check normalizes the name and the origin and returns the role. It fails with
// Invalid, all faults at once.
func (n *NewPortalLink) Check() (Role, error) {
	var faults webhook.Faults
	role, err := ParseRole(n.Role)
	if err != nil || !RoleAdmin.Manages(role) {
		faults = append(faults, webhook.Fault{Field: "role", Message: "Choose admin, member or guest."})
	}
	if n.Minutes < 1 || n.Minutes > MaxPortalMinutes {
		faults = append(faults, webhook.Fault{Field: "minutes", Message: fmt.Sprintf("Use 1 to %d minutes.", MaxPortalMinutes)})
	}
	n.Name = strings.TrimSpace(n.Name)
	faults = append(faults, TextFaults("name", webhook.NameFault(n.Name, MaxName))...)
	if n.FrameOrigin = frameOrigin(n.FrameOrigin); n.FrameOrigin == noOrigin {
		faults = append(faults, webhook.Fault{Field: "frameOrigin", Message: "Name one origin by its scheme and host alone, such as https://app.example.com."})
	}
	if len(faults) > 0 {
		return "", NewInvalid(faults)
	}
	return role, nil
}

// noOrigin is what is no origin of a frame.
const noOrigin = "none"

// frameOrigin returns an origin with its host normalized, as browsers compare
// it, or noOrigin. An empty one stays empty.
func frameOrigin(text string) string {
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || len(text) > 255 || *u != (url.URL{Scheme: u.Scheme, Host: u.Host}) || strings.HasSuffix(u.Host, ":") {
		return noOrigin
	}
	host, err := webhook.NormalizeHost(u.Scheme, u.Host)
	normal := &url.URL{Scheme: u.Scheme, Host: host}
	if err != nil || !originHost.MatchString(normal.Hostname()) {
		return noOrigin
	}
	return normal.String()
}

// portalVisitor is what somebody is called whom the product did not name.
const portalVisitor = "Portal visitor"

// Title is what the visitor is called.
func (p *PortalLink) Title() string {
	if p.Name == "" {
		return portalVisitor
	}
	return p.Name
}
