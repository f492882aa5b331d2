package models

import (
	"cmp"
	"slices"
	"strings"
)

// EndpointSort is the order of a list of endpoints.
type EndpointSort string

// The orders. By name is by what people call an endpoint, without regard to
// case; by health it is the worst first, and by name within each.
const (
	SortNewest EndpointSort = ""
	SortName   EndpointSort = "name"
	SortHealth EndpointSort = "health"
)

// EndpointSorts lists the orders, the usual one first.
func EndpointSorts() []EndpointSort { return []EndpointSort{SortNewest, SortName, SortHealth} }

// MaxSearch is how many characters a search has at most.
const MaxSearch = 200

// EndpointFilter narrows and sorts a list of endpoints. Search is a part of the
// name or the URL, without regard to case; every character of it stands for
// itself. An empty field narrows nothing.
type EndpointFilter struct {
	Search string
	Health Health
	Sort   EndpointSort
}

// JudgedEndpoint is an endpoint and how it fares.
type JudgedEndpoint struct {
	Endpoint `gorm:"embedded"`
	Health   Health `gorm:"-"`
}

// EndpointPage is one stretch of a list of endpoints. Before and Next are the
// cursors of the stretches around it, empty where there is none.
type EndpointPage struct {
	Rows         []JudgedEndpoint
	Before, Next string
}

// MostChoices is how many endpoints are offered at most where one is chosen.
const MostChoices = 50

// EndpointChoices are endpoints to choose one from, by name: all, or the first
// MostChoices of them.
type EndpointChoices struct {
	Rows []EndpointChoice
	More bool // there are others
}

// Find returns the choice with an id, and whether it is among them.
func (c EndpointChoices) Find(id string) (EndpointChoice, bool) {
	at := slices.IndexFunc(c.Rows, func(row EndpointChoice) bool { return row.ID == id })
	if at < 0 {
		return EndpointChoice{}, false
	}
	return c.Rows[at], true
}

// EndpointChoice is an endpoint as it is called.
type EndpointChoice struct{ ID, Name, URL string }

// Title is what people call the endpoint: its name, else its URL.
func (c EndpointChoice) Title() string { return cmp.Or(c.Name, c.URL) }

// EndpointSummary is what an overview says of an organization's endpoints.
type EndpointSummary struct {
	All     int // endpoints
	Failed  int // of them those with deliveries that failed for good
	Needing int // of them those that need a person

	Worst []JudgedEndpoint // those that fare worst, the busiest first of those that fare alike
	Needy []JudgedEndpoint // the first of those that need a person
}

// BareURL returns a URL without what nearly every one begins with.
func BareURL(address string) string { return strings.TrimPrefix(address, "https://") }
