package demo

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"hookwell/models"
)

// table shows one row per event type, or request of a provider, and one column per receiver, each cell
// the attempts so far. On a terminal it is drawn in place; elsewhere a line
// tells of progress and the table comes once, at the end.
type table struct {
	out       io.Writer
	rows      []string
	names     []string
	endpoints []string
	live      bool
	drawn     int // lines that the next drawing goes over
	told      int // ended deliveries that were told of
}

const (
	typeWidth = 34
	cellWidth = 12
)

func newTable(out io.Writer, rows []string, receivers []*receiver, endpoints []string) *table {
	t := &table{out: out, rows: rows, endpoints: endpoints, told: -1}
	for _, r := range receivers {
		t.names = append(t.names, r.name)
	}
	file, ok := out.(*os.File)
	t.live = ok && term.IsTerminal(int(file.Fd()))
	return t
}

// draw shows the deliveries as they are and returns whether all have ended. named has
// the rows of events that are not their type's own.
func (t *table) draw(deliveries []models.Delivery, named map[string]string) (ended bool) {
	cells := make(map[string]*models.Delivery, len(deliveries))
	count := 0
	for i := range deliveries {
		d := &deliveries[i]
		cells[cmp.Or(named[d.EventID], d.EventType)+" "+d.EndpointID] = d
		if d.EndedAt != nil {
			count++
		}
	}
	all := len(t.rows) * len(t.endpoints)
	ended = count == all
	if t.live {
		if t.drawn > 0 {
			fmt.Fprintf(t.out, "\x1b[%dA", t.drawn)
		}
		t.write(cells)
	} else if count != t.told {
		t.told = count
		fmt.Fprintf(t.out, "%d of %d deliveries have ended\n", count, all)
		if ended {
			t.write(cells)
		}
	}
	return ended
}

func (t *table) write(cells map[string]*models.Delivery) {
	var b strings.Builder
	b.WriteString(pad("event", typeWidth))
	for _, name := range t.names {
		b.WriteString(pad(name, cellWidth))
	}
	b.WriteByte('\n')
	for _, row := range t.rows {
		b.WriteString(pad(row, typeWidth))
		for _, endpoint := range t.endpoints {
			b.WriteString(pad(cell(cells[row+" "+endpoint]), cellWidth))
		}
		b.WriteByte('\n')
	}
	t.drawn = len(t.rows) + 1
	io.WriteString(t.out, b.String())
}

// cell returns a delivery's attempts as bars: low failed, tall delivered, a dot for
// one that is still to come.
func cell(d *models.Delivery) string {
	switch {
	case d == nil:
		return ""
	case d.State == models.Delivered:
		return strings.Repeat("▂", d.AttemptCount-1) + "█ arrived"
	case d.State == models.Failed:
		return strings.Repeat("▂", d.AttemptCount) + " failed"
	default:
		return strings.Repeat("▂", d.AttemptCount) + "·"
	}
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(1, width-utf8.RuneCountInString(text)))
}
