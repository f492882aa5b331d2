package store_test

import (
	"strings"
	"testing"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/store"
)

// lineID returns what a line of an export is about.
func lineID(line store.Exported) string {
	switch {
	case line.Source != nil:
		return line.Source.ID
	case line.Request != nil:
		return line.Request.ID
	case line.Event != nil:
		return line.Event.ID
	}
	return line.Reference.Name + "=" + line.Reference.Value
}

// TestExport has one line for all that an organization received, whole, and none of
// its neighbour's or the installation's.
func TestExport(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		other := f.organization(t, "Other")
		f.receives(t, f.tenant, "exported_one")
		f.receives(t, other, "neighbours")
		r := f.tenant.Receiving()
		f.process(t)
		var sources, references, requests, refused, mapped, relayed int
		for line, err := range r.Export(t.Context()) {
			must(t, err)
			switch q, e := line.Request, line.Event; {
			case line.Source != nil:
				sources++
			case line.Reference != nil:
				references++
			case q != nil && (len(q.Body) == 0 || !strings.Contains(string(q.Body), "exported_one") || len(q.Headers) == 0):
				t.Errorf("request %s has the body %q and %d headers", q.ID, q.Body, len(q.Headers))
			case q != nil && q.State == inbound.Refused:
				refused++
			case q != nil:
				requests++
			case e.Origin == models.OriginMapped && strings.Contains(string(e.Body), "exported_one"):
				mapped++
			case e.Origin == models.OriginRelayed && len(e.Body) == 0:
				relayed++
			default:
				t.Errorf("event %s of %s has the body %q", e.ID, e.Origin, e.Body)
			}
		}
		if got, want := [6]int{sources, references, requests, refused, mapped, relayed}, [6]int{1, 1, 2, 2, 2, 2}; got != want {
			t.Errorf("Export() has sources, references, requests, refused ones, mapped and relayed events %v; want %v", got, want)
		}
	})
}
