package storetest

import (
	"testing"

	"hookwell/models"
	"hookwell/models/store"
)

// Organization makes an organization and returns it as the command line sees
// it. Its log begins empty: that it was created is no event of a test's.
func Organization(t testing.TB, s *store.Store, name string) *store.Tenant {
	t.Helper()
	org, _, err := s.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: name})
	Must(t, err)
	Must(t, s.Database().Exec("DELETE FROM events WHERE organization_id = ?", org.ID).Error)
	tenant, err := s.Operator().Tenant(t.Context(), org.ID)
	Must(t, err)
	return tenant
}

// Endpoint registers an endpoint for every event at an address of loopback that
// nobody listens at; change may be nil.
func Endpoint(t testing.TB, tenant *store.Tenant, change func(*models.EndpointInput)) *models.Endpoint {
	t.Helper()
	in := models.NewEndpointInput()
	in.URL, in.EventTypes = "http://127.0.0.1:9/hook", []string{"*"}
	if change != nil {
		change(&in)
	}
	e, _, err := tenant.CreateEndpoint(t.Context(), in)
	Must(t, err)
	return e
}

// NamedEndpoint is Endpoint with a name, for these types alone.
func NamedEndpoint(t testing.TB, tenant *store.Tenant, name string, types ...string) *models.Endpoint {
	t.Helper()
	return Endpoint(t, tenant, func(in *models.EndpointInput) { in.Name, in.EventTypes = name, types })
}

// Example returns the catalog's data of a type.
func Example(t testing.TB, eventType string) string {
	t.Helper()
	catalog, err := Catalog()
	Must(t, err)
	found, ok := catalog.Lookup(eventType)
	if !ok {
		t.Fatalf("Lookup(%q) found no event type; want one of the catalog's", eventType)
	}
	return string(found.Example)
}

// Publish reports one event with the catalog's example as its data.
func Publish(t testing.TB, tenant *store.Tenant, eventType string) *models.Accepted {
	t.Helper()
	accepted, err := tenant.Publish(t.Context(), models.NewEvent{Type: eventType, Data: []byte(Example(t, eventType))})
	Must(t, err)
	return accepted
}
