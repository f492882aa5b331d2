package models

import "strings"

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

// BareURL is a URL without what nearly every one begins with.
func BareURL(address string) string { return strings.TrimPrefix(address, "https://") }
