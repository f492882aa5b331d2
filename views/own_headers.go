package views

import (
	"slices"
	"strconv"
	"strings"

	"hookwell/views/ui"
	"hookwell/webhook"
)

// HeaderRow is one of an endpoint's own headers in its form. Kept is one that
// the endpoint has: its name stands, its value is never shown. The others are
// as typed, but for their values, which no page repeats.
type HeaderRow struct {
	Name   string
	Kept   bool
	Remove bool
}

// emptyHeaderRows is how many headers can be added at a time.
const emptyHeaderRows = 2

// HeaderRows returns the rows of those that the endpoint has, and some to fill in.
func HeaderRows(names []string) []HeaderRow {
	rows := make([]HeaderRow, 0, len(names)+emptyHeaderRows)
	for _, name := range names {
		rows = append(rows, HeaderRow{Name: name, Kept: true})
	}
	return append(rows, make([]HeaderRow, emptyHeaderRows)...)
}

// MergeHeaders takes the headers that the endpoint has by now into a form that
// was drawn before. Rows stay in their places; one whose header is gone by now
// is empty, unless filled tells that a value was entered.
func (f *EndpointForm) MergeHeaders(saved []HeaderRow, filled func(row int) bool) {
	var rows []HeaderRow
	for n, row := range f.Headers {
		i := slices.IndexFunc(saved, func(now HeaderRow) bool { return now.Kept && strings.EqualFold(now.Name, row.Name) })
		if row.Kept = i >= 0; !row.Kept && !filled(n) {
			row = HeaderRow{}
		}
		rows = append(rows, row)
	}
	for _, now := range saved {
		if now.Kept && !slices.ContainsFunc(rows, func(row HeaderRow) bool { return strings.EqualFold(row.Name, now.Name) }) {
			rows = append(rows, now)
		}
	}
	f.Headers = rows
}

// HeaderField returns the field of the row with that number, as faults name it.
func HeaderField(row int) string { return "header-" + strconv.Itoa(row) }

func headerFaults(faults webhook.Faults, row int) ui.Input {
	return ui.Input{Name: HeaderField(row), Faults: faults}
}
