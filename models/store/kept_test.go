package store_test

import (
	"bytes"
	"testing"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

// TestWhatIsKeptNeverOutlivesAnEdit makes edits in one process and looks at once
// at what another one does, which has read everything shortly before.
func TestWhatIsKeptNeverOutlivesAnEdit(t *testing.T) {
	publish := func(t *testing.T, s *store.Store, text string) (*models.Accepted, error) {
		t.Helper()
		key, org, err := s.AuthenticateReporter(t.Context(), text)
		if err != nil {
			return nil, err
		}
		return s.KeyTenant(key, org, models.Actor{}).Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: example("payment.failed")})
	}
	setUp := func(t *testing.T, f *fixture) (here *store.Store, e *models.Endpoint, keyID, text string) {
		t.Helper()
		e = storetest.NamedEndpoint(t, f.tenant, "", "payment.failed")
		key, text, err := f.tenant.CreateKey(t.Context(), models.NewKey{Name: "back end", Scopes: []string{"events:write"}})
		must(t, err)
		here = f.again(t)
		for range 2 { // the first fills the memory, the second uses it
			accepted, err := publish(t, here, text)
			if err != nil || accepted.Deliveries != 1 {
				t.Fatalf("before the edit: %+v, %v", accepted, err)
			}
		}
		return here, e, key.ID, text
	}
	expect := func(t *testing.T, s *store.Store, text string, want int) {
		t.Helper()
		for range 2 {
			if accepted, err := publish(t, s, text); err != nil || accepted.Deliveries != want {
				t.Errorf("after the edit: %+v, %v, want %d deliveries", accepted, err, want)
			}
		}
	}
	eachStore(t, func(t *testing.T, f *fixture) {
		here, e, keyID, text := setUp(t, f)
		other := storetest.NamedEndpoint(t, f.tenant, "", "payment.*")
		expect(t, here, text, 2)
		_, err := f.tenant.DisableEndpoint(t.Context(), e.ID)
		must(t, err)
		expect(t, here, text, 1)
		_, err = f.tenant.EnableEndpoint(t.Context(), e.ID)
		must(t, err)
		expect(t, here, text, 2)
		_, err = f.tenant.UpdateEndpoint(t.Context(), other.ID, func(in *models.EndpointInput) error {
			in.EventTypes = []string{"org.*"}
			return nil
		})
		must(t, err)
		expect(t, here, text, 1)
		must(t, f.tenant.DeleteEndpoint(t.Context(), e.ID))
		expect(t, here, text, 0)
		must(t, f.tenant.RevokeKey(t.Context(), keyID))
		for range 2 {
			if _, err := publish(t, here, text); !models.IsKind(err, models.Unauthorized) {
				t.Errorf("with a revoked key: %v", err)
			}
		}
	})
	t.Run("external id", func(t *testing.T) {
		eachStore(t, func(t *testing.T, f *fixture) {
			here, _, _, text := setUp(t, f)
			must(t, f.DB().Exec("UPDATE organizations SET external_id = 'acme-1' WHERE id = ?", f.tenant.Organization().ID).Error)
			accepted, err := publish(t, here, text)
			must(t, err)
			event, err := f.tenant.Event(t.Context(), accepted.ID)
			must(t, err)
			if !bytes.Contains(event.Body, []byte(`"organizationId":"acme-1"`)) {
				t.Errorf("the envelope is %s", event.Body)
			}
		})
	})
	t.Run("name of a platform key", func(t *testing.T) {
		eachStore(t, func(t *testing.T, f *fixture) {
			here, _, _, _ := setUp(t, f)
			report := func(name string) (*models.Accepted, error) {
				tenant, err := here.Operator().ReportingTenant(t.Context(), name)
				if err != nil {
					return nil, err
				}
				return tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: example("payment.failed")})
			}
			rename := func(id any, name string) {
				must(t, f.DB().Exec("UPDATE organizations SET external_id = ? WHERE id = ?", id, name).Error)
			}
			first, second := f.tenant.Organization(), f.organization(t, "Second").Organization()
			rename("name", first.ID)
			for range 2 {
				_, err := report("name")
				must(t, err)
			}
			rename(nil, first.ID)
			rename("name", second.ID)
			for range 2 {
				accepted, err := report("name")
				if err != nil {
					if !models.IsKind(err, models.NotFound) {
						t.Fatal(err)
					}
					continue // refused once, and right from then on
				}
				if _, err := f.tenant.Event(t.Context(), accepted.ID); !models.IsKind(err, models.NotFound) {
					t.Errorf("an event under the name of the second went to the first: %v", err)
				}
			}
			if accepted, err := report("name"); err != nil {
				t.Errorf("under its name: %v", err)
			} else if _, err := f.DB().Raw("SELECT 1 FROM events WHERE id = ? AND organization_id = ?", accepted.ID, second.ID).Rows(); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("message", func(t *testing.T) {
		eachStore(t, func(t *testing.T, f *fixture) {
			here, e, _, text := setUp(t, f)
			claim := func() *pipeline.Job {
				t.Helper()
				_, err := publish(t, here, text)
				must(t, err)
				list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{})
				must(t, err)
				jobs, _, err := here.Engine().Claim(t.Context(), []pipeline.Lane{{EndpointID: e.ID, DeliveryIDs: []string{list[0].ID}, Slots: 1}})
				must(t, err)
				if len(jobs) != 1 {
					t.Fatalf("%d claimed", len(jobs))
				}
				return jobs[0]
			}
			before := claim()
			_, secret, err := f.tenant.RotateSecret(t.Context(), e.ID, models.Rotation{})
			must(t, err)
			after := claim()
			if len(after.Message.Secrets) != 1 || !after.Message.Secrets[0].Equal(secret) || before.Message.Secrets[0].Equal(secret) {
				t.Error("the message after the rotation is not signed with the new secret alone")
			}
			_, err = f.tenant.UpdateEndpoint(t.Context(), e.ID, func(in *models.EndpointInput) error {
				in.URL += "/moved"
				in.Headers = []webhook.Header{{Name: "x-token", Value: "abcd"}}
				return nil
			})
			must(t, err)
			if moved := claim(); moved.Message.URL != before.Message.URL+"/moved" || len(moved.Message.Headers) != 1 {
				t.Errorf("after the edit it goes to %s with %d headers", moved.Message.URL, len(moved.Message.Headers))
			}
		})
	})
}
