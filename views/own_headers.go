package views

import (
	"strconv"

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

// HeaderRows are the rows of those that the endpoint has, and some to fill in.
func HeaderRows(names []string) []HeaderRow {
	rows := make([]HeaderRow, 0, len(names)+emptyHeaderRows)
	for _, name := range names {
		rows = append(rows, HeaderRow{Name: name, Kept: true})
	}
	return append(rows, make([]HeaderRow, emptyHeaderRows)...)
}

// HeaderField is the field of the row with that number, as faults name it.
func HeaderField(row int) string { return "header-" + strconv.Itoa(row) }

func headerFaults(faults webhook.Faults, row int) field {
	return field{Name: HeaderField(row), Faults: faults}
}
