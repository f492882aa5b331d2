package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hookwell/inbound"
	"hookwell/models"
)

// TestRequestCounts counts by state, cause and processing, whatever of these the filter
// names, and by hour.
func TestRequestCounts(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s, other := source(t, r, nil), source(t, r, func(in *models.SourceInput) { in.Name, in.Slug = "Another", "another" })
		begun := f.Now()
		for i := range 3 {
			f.handle(t, s, f.stripeRequest(s, f.paid(fmt.Sprintf("evt_%d", i), "cus_1", "")))
		}
		f.process(t)
		must(t, f.DB().Model(&models.Request{}).Where("external_id = ?", "evt_0").UpdateColumn("processing", models.ProcessingFailed).Error)
		f.clock.Advance(2 * time.Hour)
		f.handle(t, s, f.signed(t, s, "invoice.paid", "whsec_b3RoZXItc2VjcmV0LW9mLXRlc3RzLTAxMg"))
		f.handle(t, other, f.stripeRequest(other, f.paid("evt_9", "cus_1", "")))

		n := func(n int) models.CountSoFar { return models.CountSoFar{N: n} }
		counts, err := r.RequestCounts(t.Context(), models.RequestFilter{SourceID: s.ID, States: []inbound.State{inbound.Refused}, Processing: []models.Processing{models.ProcessingFailed}})
		must(t, err)
		want := models.RequestCounts{States: map[inbound.State]models.CountSoFar{inbound.Verified: n(3), inbound.Refused: n(1)}, Causes: map[inbound.Cause]models.CountSoFar{inbound.CauseSignature: n(1)},
			Processing: map[models.Processing]models.CountSoFar{models.ProcessingFailed: n(1), models.ProcessingProcessed: n(2)}}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("RequestCounts() of one source (-want +got):\n%s", diff)
		}
		for name, c := range map[string]struct {
			filter models.RequestFilter
			want   int
		}{
			"all": {models.RequestFilter{}, 5}, "a type": {models.RequestFilter{ExternalTypes: []string{"charge.*"}}, 0}, "an id": {models.RequestFilter{ExternalID: "evt_1"}, 1},
			"since": {models.RequestFilter{Since: begun.Add(time.Hour)}, 2}, "until": {models.RequestFilter{Until: begun.Add(time.Hour)}, 3},
		} {
			if counts, err := r.RequestCounts(t.Context(), c.filter); err != nil || counts.All() != n(c.want) {
				t.Errorf("RequestCounts() by %s returned %+v, %v; want %d", name, counts.All(), err, c.want)
			}
		}

		for name, c := range map[string]struct {
			source           string
			accepted, latest int
		}{"every source": {"", 3, 1}, "one": {s.ID, 3, 0}, "the other one": {other.ID, 0, 1}} {
			hours, err := r.RequestHours(t.Context(), c.source)
			must(t, err)
			if len(hours) != models.StripHours || !hours[models.StripHours-1].At.Equal(f.Now().UTC().Truncate(time.Hour)) {
				t.Fatalf("RequestHours() of %s returned %d hours, the last %+v", name, len(hours), hours[len(hours)-1])
			}
			was, is := hours[models.StripHours-3], hours[models.StripHours-1]
			if was.Accepted != n(c.accepted) || was.Failed != n(min(c.accepted, 1)) || was.Refused != 0 || is.Accepted != n(c.latest) || is.Refused != 1-c.latest && name != "every source" {
				t.Errorf("RequestHours() of %s returned %+v and %+v", name, was, is)
			}
		}
	})
}
