package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/store"
)

func TestOrganizationSettings(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		other := f.organization(t, "Other").Organization()
		org := f.tenant.Organization()
		set := func(change models.OrganizationChange) error {
			_, err := f.tenant.UpdateOrganization(t.Context(), change)
			return err
		}
		text := func(s string) *string { return &s }
		if err := set(models.OrganizationChange{Slug: text("first"), ExternalID: text("customer-1")}); err != nil {
			t.Fatal(err)
		}
		if err := set(models.OrganizationChange{Slug: text("second")}); err != nil {
			t.Fatal(err)
		}
		before := dumpAll(t, f.Store)
		for field, change := range map[string]models.OrganizationChange{
			"name": {Name: text(" ")}, "slug": {Slug: text("")}, "slug ": {Slug: text(other.Slug)}, "slug  ": {Slug: text("first")},
			"slug   ": {Slug: text(org.Slug)}, "slug    ": {Slug: text("Not a slug")}, "externalId": {ExternalID: text(other.ID)},
		} {
			if got := fields(t, set(change)); !slices.Equal(got, []string{strings.TrimSpace(field)}) {
				t.Errorf("%+v: faults at %v", change, got)
			}
		}
		sameRows(t, before, dumpAll(t, f.Store))
		t.Run("demand no second factor of others without one's own", func(t *testing.T) {
			demand := true
			_, err := store.ActingAs(f.tenant, f.person(t, "eve@example.com")).UpdateOrganization(t.Context(), models.OrganizationChange{RequireTwoFactor: &demand})
			if got := fields(t, err); !slices.Equal(got, []string{"requireTwoFactor"}) {
				t.Errorf("faults at %v", got)
			}
		})
		before = dumpAll(t, f.Store)
		o := models.OrganizationChange{ExternalID: text("customer-1")}
		another := f.organization(t, "Another")
		_, err := another.UpdateOrganization(t.Context(), o)
		if e := refusal(t, err, models.Conflict); e.Code != "external_id_taken" {
			t.Error(e.Code)
		}
		if err := set(models.OrganizationChange{}); err != nil {
			t.Error(err)
		}
		sameRows(t, before.of(org.ID), dumpAll(t, f.Store).of(org.ID))
		if err := set(models.OrganizationChange{ExternalID: text("")}); err != nil {
			t.Fatal(err)
		}
		if _, err := another.UpdateOrganization(t.Context(), o); err != nil {
			t.Errorf("an external id that was taken back: %v", err)
		}
	})
}

func TestADeletedOrganization(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		external := "customer-9"
		if _, err := f.tenant.UpdateOrganization(t.Context(), models.OrganizationChange{ExternalID: &external}); err != nil {
			t.Fatal(err)
		}
		c := newCrew(t, f)
		e, kept := endpoint(t, f.tenant, nil), f.organization(t, "Kept")
		keptEndpoint := endpoint(t, kept, nil)
		_, text, err := f.tenant.CreateKey(t.Context(), models.NewKey{Name: "k", Scopes: []string{"read"}})
		if err != nil {
			t.Fatal(err)
		}
		publish(t, f.tenant, "payment.failed")
		publish(t, kept, "payment.failed")
		if err := c.as("owner").DeleteOrganization(t.Context()); err != nil {
			t.Fatal(err)
		}
		types, data := reported(t, f.tenant)
		deleted := data["org.deleted"]
		if types[len(types)-1] != "org.deleted" || deleted["organizationId"] != f.tenant.Organization().ID || deleted["deletedBy"].(map[string]any)["id"] != "usr_owner" {
			t.Errorf("reported %v, %v", types, deleted)
		}
		t.Run("takes nothing new", func(t *testing.T) {
			_, _, err := f.AuthenticateKey(t.Context(), text)
			refusal(t, err, models.Unauthorized)
			for _, name := range []string{f.tenant.Organization().ID, external} {
				_, err := f.Operator().Tenant(t.Context(), name)
				refusal(t, err, models.NotFound)
			}
			_, _, err = f.As(c.users["owner"], models.Actor{}).Tenant(t.Context(), f.tenant.Organization().Slug)
			refusal(t, err, models.NotFound)
			refusal(t, c.as("owner").DeleteOrganization(t.Context()), models.NotFound)
			_, _, err = c.as("owner").Invite(t.Context(), models.NewInvitation{Email: "late@example.com", Role: models.RoleGuest})
			refusal(t, err, models.NotFound)
		})
		t.Run("frees its external id and not its slug", func(t *testing.T) {
			n := models.NewOrganization{Name: "Again", ExternalID: external, Slug: f.tenant.Organization().Slug}
			_, _, err := f.Operator().CreateOrganization(t.Context(), n)
			if got := fields(t, err); !slices.Equal(got, []string{"slug"}) {
				t.Errorf("faults at %v", got)
			}
			n.Slug = ""
			if _, _, err := f.Operator().CreateOrganization(t.Context(), n); err != nil {
				t.Error(err)
			}
		})
		close := func(want int) {
			t.Helper()
			if n, err := f.CloseOrganizations(t.Context()); err != nil || n != want {
				t.Errorf("closed %d, %v; want %d", n, err, want)
			}
		}
		t.Run("finishes what waits and then stops", func(t *testing.T) {
			f.clock.Advance(5 * time.Minute)
			close(0)
			jobs := f.claim(t, e, 20, named(deliveries(t, f.tenant), func(d models.Delivery) string { return d.ID })...)
			for _, job := range jobs {
				f.record(t, job, 200, "")
			}
			for _, d := range deliveries(t, f.tenant) {
				if d.State != models.Delivered {
					t.Errorf("%s is %s", d.EventType, d.State)
				}
			}
			close(1)
			close(0)
			if _, err := f.tenant.Endpoint(t.Context(), e.ID); !models.IsKind(err, models.NotFound) {
				t.Errorf("the endpoint: %v", err)
			}
			if secrets, err := f.tenant.Secrets(t.Context(), e.ID); err == nil {
				t.Errorf("its secrets: %v", secrets)
			}
			if _, err := kept.Endpoint(t.Context(), keptEndpoint.ID); err != nil {
				t.Errorf("another organization's endpoint: %v", err)
			}
			if secrets, err := kept.Secrets(t.Context(), keptEndpoint.ID); err != nil || len(secrets) != 1 {
				t.Errorf("its secrets: %v, %v", secrets, err)
			}
		})
	})
}

func TestADeletedOrganizationStaysOpenForRequestsUnderWay(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.EventTypes = []string{"payment.*"} })
		if accepted := publish(t, f.tenant, "payment.failed"); accepted.Deliveries != 1 {
			t.Errorf("before, it was accepted for %d endpoints", accepted.Deliveries)
		}
		if err := f.tenant.DeleteOrganization(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(time.Minute)
		if n, err := f.CloseOrganizations(t.Context()); err != nil || n != 0 {
			t.Errorf("closed %d, %v", n, err)
		}
		for range 3 { // the first one reads that it is deleted, the others know
			_, err := f.tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: example("payment.failed")})
			if !models.IsKind(err, models.NotFound) {
				t.Errorf("a request that was let in before the deletion and reports after it: %v", err)
			}
		}
		f.clock.Advance(time.Hour)
		if n, err := f.CloseOrganizations(t.Context()); err != nil || n != 0 {
			t.Errorf("closed %d, %v with a delivery waiting", n, err)
		}
		if _, err := f.tenant.Endpoint(t.Context(), e.ID); err != nil {
			t.Error(err)
		}
	})
}
