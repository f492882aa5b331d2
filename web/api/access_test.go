package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hookwell/internal/apitest"
	"hookwell/models"
	"hookwell/web/api"
)

func TestAPI_keys(t *testing.T) {
	f := newFixture(t)
	for _, scheme := range []string{"bearer ", "BEARER  "} {
		f.Call(t, "", "GET", "/api/v1/events", "", "Authorization", scheme+f.Key).Object(t, http.StatusOK)
	}
}

func TestAPI_lists_show_no_other_organizations_rows(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		d := f.Delivery(t, f.Own)
		for _, list := range []string{"/events", "/endpoints", "/deliveries", "/deliveries?eventId=" + d.EventID, "/deliveries?endpointId=" + d.EndpointID} {
			got := f.Call(t, f.OtherKey, "GET", api.Path+list, "").Object(t, http.StatusOK)
			if len(got["data"].([]any)) != 0 {
				t.Errorf("%s shows %v", list, got["data"])
			}
		}
	})
}

func TestAPI_platform_key_names_its_organization(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		org, _, err := f.Store.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: "Hooli", ExternalID: "cus_42"})
		must(t, err)
		own := f.Own.Organization().ID
		named := func(name string) string {
			return strings.Replace(apitest.Report(t, "payment.failed"), "{", fmt.Sprintf(`{"organizationId":%q,`, name), 1)
		}
		f.Unchanged(t, func() {
			for path, want := range map[string]int{"": 422, "?organizationId=": 422, "?organizationId=nobody": 404, "?organizationId=%00": 400, "?organizationId=%ff": 400} {
				r := f.Call(t, f.Platform, "POST", "/api/v1/events"+path, apitest.Report(t, "payment.failed"))
				if r.Status != want {
					t.Errorf("%q: %d, want %d", path, r.Status, want)
				}
			}
			f.Call(t, f.Platform, "POST", "/api/v1/events", apitest.Report(t, "payment.failed")).IsProblem(t, 422, "invalid", "organizationId")
			f.Call(t, f.Platform, "POST", "/api/v1/events", named("nobody")).IsProblem(t, 404, "not_found", "")
			f.Call(t, f.Platform, "POST", "/api/v1/events", strings.Replace(named("x"), `"x"`, `"\u0000"`, 1)).IsProblem(t, 404, "not_found", "")
			f.Call(t, f.Platform, "POST", "/api/v1/events", named("")).IsProblem(t, 422, "invalid", "organizationId")
			f.Call(t, f.Platform, "POST", "/api/v1/events?organizationId="+own, named(org.ID)).IsProblem(t, 422, "invalid", "organizationId")
			f.Call(t, f.Platform, "POST", "/api/v1/events?organizationId="+own, named("cus_42")).IsProblem(t, 422, "invalid", "organizationId")
			f.Call(t, f.Platform, "GET", "/api/v1/events", "").IsProblem(t, 422, "invalid", "organizationId")
		})
		for _, request := range [][2]string{{"?organizationId=" + org.ID, apitest.Report(t, "payment.failed")}, {"?organizationId=cus_42", apitest.Report(t, "payment.failed")},
			{"", named(org.ID)}, {"", named("cus_42")}, {"?organizationId=cus_42", named("cus_42")}} {
			f.Call(t, f.Platform, "POST", "/api/v1/events"+request[0], request[1]).Object(t, http.StatusAccepted)
		}
		list := f.Call(t, f.Platform, "GET", "/api/v1/events?organizationId=cus_42", "").Object(t, http.StatusOK)
		if len(list["data"].([]any)) != 6 {
			t.Errorf("%d events, want 5 and org.created", len(list["data"].([]any)))
		}
		id := list["data"].([]any)[0].(map[string]any)["id"].(string)
		hooli, err := f.Store.Operator().Tenant(t.Context(), org.ID)
		must(t, err)
		event, err := hooli.Event(t.Context(), id)
		must(t, err)
		if !strings.Contains(string(event.Body), `"organizationId":"cus_42"`) {
			t.Errorf("envelope %s", event.Body)
		}
	})
}

func TestAPI_organizations_key_may_name_its_own(t *testing.T) {
	f := newFixture(t)
	org, _, err := f.Store.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: "Hooli", ExternalID: "cus_42"})
	must(t, err)
	tenant, err := f.Store.Operator().Tenant(t.Context(), org.ID)
	must(t, err)
	key := f.Scoped(t, tenant, "events:write", "read")
	for _, name := range []string{org.ID, "cus_42"} {
		body := strings.Replace(apitest.Report(t, "payment.failed"), "{", fmt.Sprintf(`{"organizationId":%q,`, name), 1)
		f.Call(t, key, "POST", "/api/v1/events", body).Object(t, http.StatusAccepted)
		f.Call(t, key, "GET", "/api/v1/events?organizationId="+name, "").Object(t, http.StatusOK)
	}
}

func TestAPI_changes_are_audited_with_their_key(t *testing.T) {
	f := newFixture(t)
	r := f.Call(t, f.Key, "POST", "/api/v1/endpoints", fmt.Sprintf(`{"url":%q,"eventTypes":["*"]}`, f.Receiver.URL))
	id := r.Object(t, http.StatusCreated)["id"]
	var kind, name, request string
	must(t, f.Database.QueryRowContext(t.Context(), "SELECT actor_kind, actor_name, request_id FROM audit_entries WHERE target_id = ?", id).Scan(&kind, &name, &request))
	if kind != "key" || name != "events:write read write requests:read sources:write" || request != r.Header.Get("X-Request-Id") {
		t.Errorf("audited as %s %s in %s", kind, name, request)
	}
}

func TestAPI_other_methods_and_paths(t *testing.T) {
	f := newFixture(t)
	r := f.Call(t, f.Key, "PUT", "/api/v1/events", apitest.Report(t, "org.created"))
	r.IsProblem(t, 405, "method_not_allowed", "")
	for _, method := range []string{"GET", "HEAD", "POST"} {
		if !strings.Contains(r.Header.Get("Allow"), method) {
			t.Errorf("Allow: %s lacks %s", r.Header.Get("Allow"), method)
		}
	}
	for _, path := range []string{"/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v2/events", "/api/v1/events/", "/api/v1/endpoints/ep_1/rotate-secret"} {
		f.Call(t, f.Key, "POST", path, `{}`).IsProblem(t, 404, "not_found", "")
	}
	if head := f.Call(t, f.Key, "HEAD", "/api/v1/events", ""); head.Status != http.StatusOK {
		t.Errorf("HEAD: %d", head.Status)
	}
}

func TestAPI_refusals_are_noted(t *testing.T) {
	f := newFixture(t)
	key := f.Scoped(t, f.Own, "read")
	for range 2 {
		f.Call(t, key, "POST", "/api/v1/endpoints", `{}`).IsProblem(t, 403, "missing_scope", "")
	}
	list, _, err := f.Own.Audit(t.Context(), models.AuditFilter{Action: "access.refused"}, models.Page{})
	if err != nil || len(list) != 1 || list[0].ActorKind != models.ActorKey || list[0].TargetName != "POST /api/v1/endpoints" || list[0].Details != "needs write" {
		t.Errorf("%+v, %v", list, err)
	}
}
