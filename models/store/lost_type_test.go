package store_test

import (
	"slices"
	"testing"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/webhook"
)

// TestUpdateEndpoint_of_a_type_that_left_the_catalog holds that an endpoint
// stays editable when the operator's own types are taken away.
func TestUpdateEndpoint_of_a_type_that_left_the_catalog(t *testing.T) {
	catalog, err := webhook.NewCatalog([]byte(`[{"type": "robot.moved", "category": "robots", "description": "A robot moved.", "fires_when": "It moves.",
		"schema": {"type": "object"}, "example": {"type": "robot.moved", "timestamp": "2026-03-02T09:14:07.412Z", "data": {}}}]`))
	must(t, err)
	eachStore(t, func(t *testing.T, f *fixture) {
		before := tenantIn(t, f.with(t, func(o *store.Options) { o.Catalog = catalog }), f.tenant)
		e := endpoint(t, before, func(in *models.EndpointInput) { in.EventTypes = []string{"robot.moved"} })
		saved, err := f.tenant.UpdateEndpoint(t.Context(), e.ID, func(in *models.EndpointInput) error { in.Name = "Robots"; return nil })
		if err != nil || saved.Name != "Robots" || !slices.Equal(saved.EventTypes, []string{"robot.moved"}) {
			t.Errorf("UpdateEndpoint() returned %+v, %v", saved, err)
		}
		_, err = f.tenant.UpdateEndpoint(t.Context(), e.ID, func(in *models.EndpointInput) error {
			in.EventTypes = []string{"robot.moved", "robot.stopped"}
			return nil
		})
		if got := fields(t, err); !slices.Equal(got, []string{"eventTypes"}) {
			t.Errorf("a type that was never subscribed to is at fault at %v, want eventTypes", got)
		}
	})
}
