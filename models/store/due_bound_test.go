package store_test

import (
	"testing"
	"time"

	"hookwell/models/pipeline"
)

// TestALookForDueDeliveriesIsBounded has more overdue rows, of more endpoints,
// than one look takes. Every endpoint has its share.
func TestALookForDueDeliveriesIsBounded(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		manyEndpoints(t, f, f.tenant, 150)
		small := f.organization(t, "Small")
		endpoint(t, small, nil)
		for range 40 {
			publish(t, f.tenant, "payment.failed")
		}
		publish(t, small, "payment.failed")
		owesNothing(t, f.Store)
		f.clock.Advance(time.Minute)
		lanes, err := f.Engine().Due(t.Context())
		must(t, err)
		picked, others := 0, 0
		for _, lane := range lanes {
			picked += len(lane.DeliveryIDs)
			if lane.OrganizationID == small.Organization().ID {
				others++
			} else if want := 5000 / 151; len(lane.DeliveryIDs) != want || !lane.More {
				t.Fatalf("a lane has %d rows, more %v; want %d and more", len(lane.DeliveryIDs), lane.More, want)
			}
		}
		if picked > 5000 || len(lanes) != 151 || others != 1 {
			t.Errorf("%d rows of %d endpoints, %d of the other organization's", picked, len(lanes), others)
		}
		lane, err := f.Engine().DueFor(t.Context(), lanes[0].EndpointID)
		if err != nil || lane.OrganizationID == "" {
			t.Errorf("DueFor() = %+v, %v", pipeline.DueLane{OrganizationID: lane.OrganizationID}, err)
		}
	})
}
