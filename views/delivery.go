package views

import (
	"strings"
	"time"

	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// DeliveryFilter is the log's query string: state, endpoint, find, type, period,
// since, until, cursor. Find is a text to find the endpoint by. Period is 1h,
// 24h, 7d or 30d; since and until are dates or RFC 3339 times in UTC and go
// before it.
type DeliveryFilter struct {
	State      models.State
	EndpointID string
	Find       string
	Type       string // a type, or a prefix such as "payment.*"
	Period     string
	Since      string
	Until      string
	Cursor     string // where an older page begins; empty is the newest
}

// ParseDeliveryFilter reads the filter from a query string. An unknown state or
// period counts as none.
func ParseDeliveryFilter(query func(key string) string) DeliveryFilter {
	f := DeliveryFilter{
		State: models.State(query("state")), EndpointID: query("endpoint"), Find: searchWords(query("find")), Type: query("type"),
		Cursor: query("cursor"),
	}
	chosen := parseSpan(query)
	f.Period, f.Since, f.Until = chosen.Period, chosen.Since, chosen.Until
	if ui.StateWord(f.State) == "" {
		f.State = ""
	}
	return f
}

// Path returns the log under this filter.
func (f DeliveryFilter) Path(slug string) string {
	return filteredPath(DeliveriesPath(slug), [][2]string{
		{"state", string(f.State)}, {"endpoint", f.EndpointID}, {"find", f.Find}, {"type", f.Type},
		{"period", f.Period}, {"since", f.Since}, {"until", f.Until}, {"cursor", f.Cursor},
	})
}

// ResendPath resends a selection (id, repeated) by POST and leads back to the
// log under this filter; CancelPath cancels it.
func (f DeliveryFilter) ResendPath(slug string) string { return f.act(slug, "/resend") }

// CancelPath is ResendPath for cancelling.
func (f DeliveryFilter) CancelPath(slug string) string { return f.act(slug, "/cancel") }

func (f DeliveryFilter) act(slug, what string) string {
	_, query, found := strings.Cut(f.Path(slug), "?")
	if found {
		query = "?" + query
	}
	return DeliveriesPath(slug) + what + query
}

// Range returns the span of time that the filter leaves, zero where it is open. It
// has faults at "since" and "until" when one of them can't be read.
func (f DeliveryFilter) Range(now time.Time) (since, until time.Time, faults webhook.Faults) {
	return f.span().bounds(now)
}

func (f DeliveryFilter) span() span { return span{f.Period, f.Since, f.Until} }

// without returns the filter with some of its parts taken out and back on the
// newest page.
func (f DeliveryFilter) without(parts ...string) DeliveryFilter {
	f.Cursor = ""
	for _, part := range parts {
		switch part {
		case "state":
			f.State = ""
		case "endpoint":
			f.EndpointID, f.Find = "", ""
		case "type":
			f.Type = ""
		case "period":
			f.Period, f.Since, f.Until = "", "", ""
		}
	}
	return f
}

func (f DeliveryFilter) inState(state models.State) DeliveryFilter {
	f.Cursor, f.State = "", state
	return f
}

func (f DeliveryFilter) from(cursor string) DeliveryFilter {
	f.Cursor = cursor
	return f
}

// narrowed reports whether anything but the paging is set.
func (f DeliveryFilter) narrowed() bool { return f.from("") != DeliveryFilter{} }

// DeliveriesView is a page of the log.
type DeliveriesView struct {
	Filter     DeliveryFilter
	Rows       []models.Delivery               // newest first
	Older      string                          // cursor of the next page; empty when there is none
	Counts     map[models.State]models.Tallied // of what the other filters leave; some states have none
	Endpoints  EndpointChooser
	NoEndpoint bool // the organization has none; set only without rows
	Categories []webhook.Category
	Faults     webhook.Faults // at since and until
}

func (v DeliveriesView) newestPath(slug string) string {
	if v.Filter.Cursor == "" {
		return ""
	}
	return v.Filter.from("").Path(slug)
}

func (v DeliveriesView) olderPath(slug string) string {
	if v.Older == "" {
		return ""
	}
	return v.Filter.from(v.Older).Path(slug)
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
