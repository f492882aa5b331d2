package store_test

import (
	"testing"

	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/models/store"
)

// TestDeletedBacklogEnds holds that steps that follow one another end all that
// waits for a deleted endpoint: a full step says that there is more.
func TestDeletedBacklogEnds(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		reports := make([]store.Report, 2*pipeline.FullStep+3)
		for i := range reports {
			reports[i] = store.Report{Tenant: f.tenant, Event: models.NewEvent{Type: "payment.failed", Data: example("payment.failed")}}
		}
		for _, o := range f.PublishBatch(t.Context(), reports) {
			must(t, o.Err)
		}
		if err := f.tenant.DeleteEndpoint(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		for n := pipeline.FullStep; n >= pipeline.FullStep; {
			var err error
			if n, err = f.Engine().EndWaiting(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		var open int64
		if err := f.DB().Model(&models.Delivery{}).Where("endpoint_id = ? AND ended_at IS NULL", e.ID).Count(&open).Error; err != nil || open != 0 {
			t.Errorf("%d deliveries are left, %v", open, err)
		}
	})
}
