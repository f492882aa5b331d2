// Package views draws the pages with templ. A handler of package web fills one
// view struct and renders one component; pages are built of partials, which htmx
// fetches again by themselves.
//
// Each page has a templ file, and a Go file for its view struct and its words:
// deliveries.templ and delivery.go, endpoint.templ and endpoint.go, and so on.
// layout.templ and page.go have what every page needs, paths.go the paths of all
// pages, ids.go the root ids of the partials. Shared parts are in views/ui, mail
// is in views/mail. A page gets rows and types, never the store.
package views

import (
	"time"

	"hookwell/models"
	"hookwell/webhook"
)

// Theme is a person's choice of appearance. The zero value follows the system.
type Theme string

// The themes.
const (
	ThemeSystem Theme = ""
	ThemeLight  Theme = "light"
	ThemeDark   Theme = "dark"
)

// Next returns the theme that the appearance button leads to: system, light, dark,
// and round again. Anything unknown leads to the system's.
func (t Theme) Next() Theme {
	switch t {
	case ThemeSystem:
		return ThemeLight
	case ThemeLight:
		return ThemeDark
	default:
		return ThemeSystem
	}
}

// Word returns how the menu names the theme.
func (t Theme) Word() string {
	if t == ThemeSystem {
		return "system"
	}
	return string(t)
}

// Page is what every page needs to know of the request. Organization is nil
// outside /o/:org, User nil for who has not signed in.
type Page struct {
	Now          time.Time
	Nonce        string // of the Content-Security-Policy
	CSRF         string // the token that every form and htmx request sends back
	Theme        Theme
	URL          string // path and query of this request, to come back to
	Host         string // shown at the door
	Version      string // likewise
	User         *models.User
	Portal       *Portal // of a session that came by a portal link; there is then no user
	Organization *models.Organization
	Role         models.Role
	Memberships  []Membership // every organization of the user's
	Endpoints    int          // how many the organization has
	Flash        *Flash

	title   string
	section section
	crumbs  []crumb
}

// Portal is who looks at an organization's pages by a portal link.
type Portal struct {
	Visitor    string
	Navigation bool
}

// navigates reports whether the page shows the navigation.
func (p Page) navigates() bool { return p.Portal == nil || p.Portal.Navigation }

// name is who looks at the page.
func (p Page) name() string {
	if p.Portal != nil {
		return p.Portal.Visitor
	}
	return p.User.Name
}

// PortalView is a portal link that may be used. Name may be empty.
type PortalView struct {
	Organization string
	Name         string
	URL          string // that uses it by POST
}

// PortalOverView says that a portal link, or its session, is over.
type PortalOverView struct{ Title, Message string }

// Membership is one organization that the user belongs to.
type Membership struct {
	Name string
	Slug string
	Role models.Role
}

// Flash says what came of what the person just did.
type Flash struct {
	Kind FlashKind
	Text string
}

// FlashKind is how a flash is coloured.
type FlashKind string

// The kinds of flash.
const (
	FlashDone   FlashKind = "done"
	FlashFailed FlashKind = "failed"
)

type section int

const (
	sectionNone section = iota
	sectionOverview
	sectionEndpoints
	sectionEvents
	sectionDeliveries
	sectionCatalog
	sectionSources
	sectionRequests
	sectionKeys
	sectionAccount
	sectionTwoFactor
	sectionTeam
	sectionSettings
	sectionAudit
)

type crumb struct {
	text string
	href string // empty for the page itself
	mono bool
}

// at returns the page with its title and its place. The last crumb is the page.
func (p Page) at(place section, title string, crumbs ...crumb) Page {
	p.title, p.section, p.crumbs = title, place, crumbs
	return p
}

func (p Page) slug() string {
	if p.Organization == nil {
		return ""
	}
	return p.Organization.Slug
}

func (p Page) may(right models.Right) bool { return p.Role.May(right) }

// LoginForm is what was typed at the door. Faults stand at "email" or, when
// the two don't match, at "password".
type LoginForm struct {
	Email      string
	Next       string // where to go afterwards; a local path
	SignupOpen bool
	Provider   string // that one can sign in with; empty without one
	Faults     webhook.Faults
}

// SignupForm is what was typed to open an account. Fields: name, email,
// password, code.
type SignupForm struct {
	Name       string
	Email      string
	Code       string
	CodeNeeded bool // the first account, away from loopback
	Next       string
	Faults     webhook.Faults
}

// OrganizationForm is what was typed to create an organization. Field: name.
type OrganizationForm struct {
	Name   string
	Faults webhook.Faults
}

// Failure is what an error page says. Title and Message may be empty: the
// status then speaks for itself.
type Failure struct {
	Status    int
	Title     string
	Message   string
	RequestID string
}
