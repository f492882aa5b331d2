package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
)

func TestAPI_keys(t *testing.T) {
	f := newAPIFixture(t)
	for _, scheme := range []string{"bearer ", "BEARER  "} {
		f.call(t, "", "GET", "/api/v1/events", "", "Authorization", scheme+f.key).object(t, http.StatusOK)
	}
}

func TestAPI_lists_show_no_other_organizations_rows(t *testing.T) {
	apiStores(t, func(t *testing.T, f *apiFixture) {
		d := f.delivery(t, f.own)
		for _, list := range []string{"/events", "/endpoints", "/deliveries", "/deliveries?eventId=" + d.EventID, "/deliveries?endpointId=" + d.EndpointID} {
			got := f.call(t, f.otherKey, "GET", apiPath+list, "").object(t, http.StatusOK)
			if len(got["data"].([]any)) != 0 {
				t.Errorf("%s shows %v", list, got["data"])
			}
		}
	})
}

func TestAPI_platform_key_names_its_organization(t *testing.T) {
	apiStores(t, func(t *testing.T, f *apiFixture) {
		org, _, err := f.store.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: "Hooli", ExternalID: "cus_42"})
		must(t, err)
		own := f.own.Organization().ID
		named := func(name string) string {
			return strings.Replace(report(t, "payment.failed"), "{", fmt.Sprintf(`{"organizationId":%q,`, name), 1)
		}
		f.unchanged(t, func() {
			for path, want := range map[string]int{"": 422, "?organizationId=": 422, "?organizationId=nobody": 404, "?organizationId=%00": 400, "?organizationId=%ff": 400} {
				r := f.call(t, f.platform, "POST", "/api/v1/events"+path, report(t, "payment.failed"))
				if r.status != want {
					t.Errorf("%q: %d, want %d", path, r.status, want)
				}
			}
			f.call(t, f.platform, "POST", "/api/v1/events", report(t, "payment.failed")).isProblem(t, 422, "invalid", "organizationId")
			f.call(t, f.platform, "POST", "/api/v1/events", named("nobody")).isProblem(t, 404, "not_found", "")
			f.call(t, f.platform, "POST", "/api/v1/events", strings.Replace(named("x"), `"x"`, `"\u0000"`, 1)).isProblem(t, 404, "not_found", "")
			f.call(t, f.platform, "POST", "/api/v1/events", named("")).isProblem(t, 422, "invalid", "organizationId")
			f.call(t, f.platform, "POST", "/api/v1/events?organizationId="+own, named(org.ID)).isProblem(t, 422, "invalid", "organizationId")
			f.call(t, f.platform, "POST", "/api/v1/events?organizationId="+own, named("cus_42")).isProblem(t, 422, "invalid", "organizationId")
			f.call(t, f.platform, "GET", "/api/v1/events", "").isProblem(t, 422, "invalid", "organizationId")
		})
		for _, request := range [][2]string{{"?organizationId=" + org.ID, report(t, "payment.failed")}, {"?organizationId=cus_42", report(t, "payment.failed")},
			{"", named(org.ID)}, {"", named("cus_42")}, {"?organizationId=cus_42", named("cus_42")}} {
			f.call(t, f.platform, "POST", "/api/v1/events"+request[0], request[1]).object(t, http.StatusAccepted)
		}
		list := f.call(t, f.platform, "GET", "/api/v1/events?organizationId=cus_42", "").object(t, http.StatusOK)
		if len(list["data"].([]any)) != 6 {
			t.Errorf("%d events, want 5 and org.created", len(list["data"].([]any)))
		}
		id := list["data"].([]any)[0].(map[string]any)["id"].(string)
		hooli, err := f.store.Operator().Tenant(t.Context(), org.ID)
		must(t, err)
		event, err := hooli.Event(t.Context(), id)
		must(t, err)
		if !strings.Contains(string(event.Body), `"organizationId":"cus_42"`) {
			t.Errorf("envelope %s", event.Body)
		}
	})
}

func TestAPI_organizations_key_may_name_its_own(t *testing.T) {
	f := newAPIFixture(t)
	org, _, err := f.store.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: "Hooli", ExternalID: "cus_42"})
	must(t, err)
	tenant, err := f.store.Operator().Tenant(t.Context(), org.ID)
	must(t, err)
	key := f.scoped(t, tenant, "events:write", "read")
	for _, name := range []string{org.ID, "cus_42"} {
		body := strings.Replace(report(t, "payment.failed"), "{", fmt.Sprintf(`{"organizationId":%q,`, name), 1)
		f.call(t, key, "POST", "/api/v1/events", body).object(t, http.StatusAccepted)
		f.call(t, key, "GET", "/api/v1/events?organizationId="+name, "").object(t, http.StatusOK)
	}
}

func TestAPI_changes_are_audited_with_their_key(t *testing.T) {
	f := newAPIFixture(t)
	r := f.call(t, f.key, "POST", "/api/v1/endpoints", fmt.Sprintf(`{"url":%q,"eventTypes":["*"]}`, f.receiver.URL))
	id := r.object(t, http.StatusCreated)["id"]
	var kind, name, request string
	must(t, f.database.QueryRowContext(t.Context(), "SELECT actor_kind, actor_name, request_id FROM audit_entries WHERE target_id = ?", id).Scan(&kind, &name, &request))
	if kind != "key" || name != "events:write read write" || request != r.header.Get("X-Request-Id") {
		t.Errorf("audited as %s %s in %s", kind, name, request)
	}
}

func TestAPI_other_methods_and_paths(t *testing.T) {
	f := newAPIFixture(t)
	r := f.call(t, f.key, "PUT", "/api/v1/events", report(t, "org.created"))
	r.isProblem(t, 405, "method_not_allowed", "")
	for _, method := range []string{"GET", "HEAD", "POST"} {
		if !strings.Contains(r.header.Get("Allow"), method) {
			t.Errorf("Allow: %s lacks %s", r.header.Get("Allow"), method)
		}
	}
	for _, path := range []string{"/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v2/events", "/api/v1/events/", "/api/v1/endpoints/ep_1/rotate-secret"} {
		f.call(t, f.key, "POST", path, `{}`).isProblem(t, 404, "not_found", "")
	}
	if head := f.call(t, f.key, "HEAD", "/api/v1/events", ""); head.status != http.StatusOK {
		t.Errorf("HEAD: %d", head.status)
	}
}

func TestProblem_too_many(t *testing.T) {
	f := newAPIFixture(t)
	app := f.server.app
	app.Get("/api/many", func(c *fiber.Ctx) error {
		return &models.Error{Kind: models.TooMany, Code: "too_many_requests", Message: "Too many requests. Wait a moment."}
	})
	request := httptest.NewRequest("GET", "/api/many", nil)
	request.Host = strings.TrimPrefix(f.base, "http://")
	response, err := app.Test(request, -1)
	must(t, err)
	if response.StatusCode != 429 || response.Header.Get("Retry-After") != "1" || response.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
}
