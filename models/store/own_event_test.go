package store_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
	"hookwell/models/store"
)

// reported are the events that the app itself told of, the oldest first, each
// as its type and its data.
func reported(t *testing.T, tenant *store.Tenant) (types []string, data map[string]map[string]any) {
	t.Helper()
	list, _, err := tenant.Events(t.Context(), models.EventFilter{Origin: models.OriginApp}, models.Page{Limit: models.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(list)
	data = map[string]map[string]any{}
	for _, row := range list {
		event, err := tenant.Event(t.Context(), row.ID)
		if err != nil {
			t.Fatal(err)
		}
		var envelope struct{ Data map[string]any }
		if err := json.Unmarshal(event.Body, &envelope); err != nil {
			t.Fatal(err)
		}
		types, data[event.Type] = append(types, event.Type), envelope.Data
	}
	return types, data
}

// without leaves out what a test can't know: times.
func without(data map[string]any, names ...string) map[string]any {
	for _, name := range names {
		if text, _ := data[name].(string); !strings.HasSuffix(text, "Z") {
			data["no "+name] = true
		}
		delete(data, name)
	}
	return data
}

func TestOwnEvents(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		ada := f.person(t, "ada@example.com")
		f.twoFactor(t, ada) // who demands it of others has it
		by := map[string]any{"id": ada.ID, "email": "ada@example.com", "name": "Priya"}
		org, err := f.As(ada, models.Actor{}).CreateOrganization(t.Context(), "Initech")
		if err != nil {
			t.Fatal(err)
		}
		tenant, _, err := f.As(ada, models.Actor{}).Tenant(t.Context(), org.Slug)
		if err != nil {
			t.Fatal(err)
		}
		key, _, err := tenant.CreateKey(t.Context(), models.NewKey{Name: "CI", Scopes: []string{"read"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := tenant.RevokeKey(t.Context(), key.ID); err != nil {
			t.Fatal(err)
		}
		name, slug, external, demand := "Initrode", "initrode", "customer-17", true
		change := models.OrganizationChange{Name: &name, Slug: &slug, ExternalID: &external, RequireTwoFactor: &demand}
		for range 2 { // the second changes nothing and reports nothing
			if _, err := tenant.UpdateOrganization(t.Context(), change); err != nil {
				t.Fatal(err)
			}
		}
		own, err := tenant.Own(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tenant.SetTitle(t.Context(), own.ID, " Operations Lead "); err != nil {
			t.Fatal(err)
		}
		tenant, _, err = f.As(ada, models.Actor{}).Tenant(t.Context(), slug)
		if err != nil {
			t.Fatal(err)
		}
		types, data := reported(t, tenant)
		if want := []string{"org.created", "org.member.added", "api_key.created", "api_key.revoked", "org.updated", "org.member.updated"}; !slices.Equal(types, want) {
			t.Fatalf("reported %v, want %v", types, want)
		}
		masked := key.Masked()
		for eventType, want := range map[string]map[string]any{
			"org.created":        {"organizationId": org.ID, "name": "Initech", "slug": "initech", "createdBy": by},
			"org.member.added":   {"memberId": own.ID, "userId": ada.ID, "email": "ada@example.com", "name": "Priya", "role": "OWNER", "inviteId": nil},
			"api_key.created":    {"apiKeyId": key.ID, "name": "CI", "keyPrefix": masked, "permissions": []any{"read"}, "createdBy": by, "expiresAt": nil},
			"api_key.revoked":    {"apiKeyId": key.ID, "name": "CI", "keyPrefix": masked, "permissions": []any{"read"}, "revokedBy": by, "reason": nil},
			"org.member.updated": {"memberId": own.ID, "userId": ada.ID, "email": "ada@example.com", "role": "OWNER", "updatedBy": by, "changes": map[string]any{"title": map[string]any{"from": nil, "to": "Operations Lead"}}},
			"org.updated": {"organizationId": org.ID, "name": "Initrode", "slug": "initrode", "updatedBy": by, "changes": map[string]any{
				"name": map[string]any{"from": "Initech", "to": "Initrode"}, "slug": map[string]any{"from": "initech", "to": "initrode"},
				"externalId": map[string]any{"from": nil, "to": "customer-17"}, "requireTwoFactor": map[string]any{"from": false, "to": true}}},
		} {
			stamps := map[string]string{"org.created": "createdAt", "org.member.added": "joinedAt", "api_key.created": "createdAt",
				"api_key.revoked": "revokedAt", "org.member.updated": "updatedAt", "org.updated": "updatedAt"}
			if d := cmp.Diff(want, without(data[eventType], stamps[eventType])); d != "" {
				t.Errorf("%s (-want +got):\n%s", eventType, d)
			}
		}
	})
}

func TestOwnEventsNameWhoeverActs(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		key, _, err := f.Operator().CreateKey(t.Context(), models.NewKey{Name: "back end"})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			platform *store.Platform
			want     map[string]any
		}{
			{f.Operator(), map[string]any{"id": "operator", "name": "command line"}},
			{f.Platform(key, models.Actor{}), map[string]any{"id": key.ID, "name": "back end"}},
		} {
			n := models.NewOrganization{Name: "Globex", Endpoints: []models.EndpointInput{input("http://127.0.0.1:9/")}}
			org, _, err := c.platform.CreateOrganization(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			tenant, err := c.platform.Tenant(t.Context(), org.ID)
			if err != nil {
				t.Fatal(err)
			}
			if _, data := reported(t, tenant); !cmp.Equal(data["org.created"]["createdBy"], any(c.want)) {
				t.Errorf("created by %v, want %v", data["org.created"]["createdBy"], c.want)
			}
			if sent := deliveries(t, tenant); len(sent) != 1 || sent[0].EventType != "org.created" || len(f.woken.list) == 0 || f.woken.list[len(f.woken.list)-1].DeliveryID != sent[0].ID {
				t.Errorf("org.created is not on its way to the endpoint that was named: %v", sent)
			}
		}
	})
}
