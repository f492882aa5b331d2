package views

import (
	"strings"
	"time"

	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// DeliveryQuery is the log's query string: state, endpoint, find, type, period,
// since, until, cursor. Find is a text to find the endpoint by. Period is 1h,
// 24h, 7d or 30d; since and until are dates or RFC 3339 times in UTC and go
// before it.
type DeliveryQuery struct {
	State      models.State
	EndpointID string
	Find       string
	Type       string // a type, or a prefix such as "payment.*"
	Period     string
	Since      string
	Until      string
	Cursor     string // where an older page begins; empty is the newest
}

// ParseDeliveryQuery reads the filter from a query string. An unknown state or
// period counts as none.
func ParseDeliveryQuery(query func(key string) string) DeliveryQuery {
	q := DeliveryQuery{
		State: models.State(query("state")), EndpointID: query("endpoint"), Find: searchWords(query("find")), Type: query("type"),
		Cursor: query("cursor"),
	}
	chosen := parseSpan(query)
	q.Period, q.Since, q.Until = chosen.Period, chosen.Since, chosen.Until
	if ui.StateWord(q.State) == "" {
		q.State = ""
	}
	return q
}

// Path returns the log under this filter.
func (q DeliveryQuery) Path(slug string) string {
	return filteredPath(DeliveriesPath(slug), [][2]string{
		{"state", string(q.State)}, {"endpoint", q.EndpointID}, {"find", q.Find}, {"type", q.Type},
		{"period", q.Period}, {"since", q.Since}, {"until", q.Until}, {"cursor", q.Cursor},
	})
}

// ResendPath resends a selection (id, repeated) by POST and leads back to the
// log under this filter; CancelPath cancels it.
func (q DeliveryQuery) ResendPath(slug string) string { return q.act(slug, "/resend") }

// CancelPath is ResendPath for cancelling.
func (q DeliveryQuery) CancelPath(slug string) string { return q.act(slug, "/cancel") }

func (q DeliveryQuery) act(slug, what string) string {
	_, query, found := strings.Cut(q.Path(slug), "?")
	if found {
		query = "?" + query
	}
	return DeliveriesPath(slug) + what + query
}

// Filter returns what the store is asked for at a time. It has faults at "since"
// and "until" when one of them can't be read.
func (q DeliveryQuery) Filter(now time.Time) (models.DeliveryFilter, webhook.Faults) {
	since, until, faults := q.span().bounds(now)
	filter := models.DeliveryFilter{EndpointID: q.EndpointID, Types: chosenTypes(q.Type), Since: since, Until: until}
	if q.State != "" {
		filter.States = []models.State{q.State}
	}
	return filter, faults
}

// chosenTypes are the type of a query as filters take types: none is any.
func chosenTypes(eventType string) []string {
	if eventType == "" {
		return nil
	}
	return []string{eventType}
}

func (q DeliveryQuery) span() span { return span{q.Period, q.Since, q.Until} }

// without returns the filter with some of its parts taken out and back on the
// newest page.
func (q DeliveryQuery) without(parts ...string) DeliveryQuery {
	q.Cursor = ""
	for _, part := range parts {
		switch part {
		case "state":
			q.State = ""
		case "endpoint":
			q.EndpointID, q.Find = "", ""
		case "type":
			q.Type = ""
		case "period":
			q.Period, q.Since, q.Until = "", "", ""
		}
	}
	return q
}

func (q DeliveryQuery) inState(state models.State) DeliveryQuery {
	q.Cursor, q.State = "", state
	return q
}

func (q DeliveryQuery) from(cursor string) DeliveryQuery {
	q.Cursor = cursor
	return q
}

// narrowed reports whether anything but the paging is set.
func (q DeliveryQuery) narrowed() bool { return q.from("") != DeliveryQuery{} }

// DeliveriesView is a page of the log.
type DeliveriesView struct {
	Query      DeliveryQuery
	Rows       []models.Delivery                  // newest first
	Older      string                             // cursor of the next page; empty when there is none
	Counts     map[models.State]models.CountSoFar // of what the other filters leave; some states have none
	Endpoints  EndpointChooser
	NoEndpoint bool // the organization has none; set only without rows
	Categories []webhook.Category
	Faults     webhook.Faults // at since and until
}

func (v DeliveriesView) newestPath(slug string) string {
	if v.Query.Cursor == "" {
		return ""
	}
	return v.Query.from("").Path(slug)
}

func (v DeliveriesView) olderPath(slug string) string {
	if v.Older == "" {
		return ""
	}
	return v.Query.from(v.Older).Path(slug)
}

// DeliveryView is one delivery's page.
type DeliveryView struct {
	Delivery *models.Delivery
	Event    *models.Event
	Endpoint *models.Endpoint // as it is now; nil or DeletedAt set when it is gone
	Attempts []models.Attempt // by number
	Chosen   int              // number of the attempt to show; 0 is the last
	Siblings []models.Delivery
}

// chosen returns the attempt to show, nil when there is none yet.
func (v DeliveryView) chosen() *models.Attempt {
	for i := range v.Attempts {
		if v.Attempts[i].Number == v.Chosen {
			return &v.Attempts[i]
		}
	}
	if len(v.Attempts) == 0 {
		return nil
	}
	return &v.Attempts[len(v.Attempts)-1]
}

func (v DeliveryView) gone() bool { return v.Endpoint == nil || v.Endpoint.DeletedAt != nil }

func (v DeliveryView) endpointTitle() string {
	if v.Endpoint != nil {
		return v.Endpoint.Title()
	}
	if v.Delivery.EndpointTitle != "" {
		return v.Delivery.EndpointTitle
	}
	return ui.ShortID(v.Delivery.EndpointID)
}
