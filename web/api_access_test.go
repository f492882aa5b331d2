package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
)

// apiBodies are complete bodies for the routes that take one.
func (f *apiFixture) apiBodies(t *testing.T) map[string]string {
	return map[string]string{
		"POST /events":                      report(t, "payment.failed"),
		"POST /events/batch":                batchOf(report(t, "payment.failed")),
		"POST /endpoints":                   fmt.Sprintf(`{"url":%q,"eventTypes":["*"]}`, f.receiver.URL),
		"PATCH /endpoints/:id":              `{"name":"Taken over","enabled":false}`,
		"POST /endpoints/:id/test":          `{"type":"payment.failed"}`,
		"POST /endpoints/:id/rotate-secret": `{"overlapHours":1}`,
		"POST /endpoints/:id/recover":       `{"since":"2026-01-01T00:00:00Z"}`,
		"POST /organizations":               `{"name":"One more"}`,
	}
}

// rowPath is a route's path with the ids of one delivery's rows, and of a
// recovery of its endpoint.
func (f *apiFixture) rowPath(t *testing.T, route apiRoute, d models.Delivery, organizationID string) string {
	t.Helper()
	list, err := f.own.Recoveries(t.Context(), d.EndpointID)
	must(t, err)
	if len(list) == 0 {
		r, err := f.own.Recover(t.Context(), d.EndpointID, models.RecoveryInput{Since: f.store.Now().Add(-time.Hour)})
		must(t, err)
		list = append(list, *r)
	}
	noun, _, _ := strings.Cut(strings.TrimPrefix(route.path, "/"), "/")
	ids := map[string]string{"events": d.EventID, "endpoints": d.EndpointID, "deliveries": d.ID, "recoveries": list[0].ID, "organizations": organizationID}
	return apiPath + strings.NewReplacer(":id", ids[noun], ":type", "payment.failed").Replace(route.path)
}

func TestAPI_keys(t *testing.T) {
	f := newAPIFixture(t)
	d, bodies := f.delivery(t, f.own), f.apiBodies(t)
	f.rowPath(t, apiRoute{}, d, "") // makes the recovery
	revoked := f.scoped(t, f.own, "events:write", "read", "write")
	keys, err := f.own.Keys(t.Context())
	must(t, err)
	must(t, f.own.RevokeKey(t.Context(), keys[0].ID))
	f.unchanged(t, func() {
		for _, route := range apiTable() {
			path, body := f.rowPath(t, route, d, f.own.Organization().ID), bodies[route.method+" "+route.path]
			for name, authorization := range map[string]string{"none": "", "revoked": "Bearer " + revoked, "unknown": "Bearer hwk_" + strings.Repeat("A", 40),
				"no key": "Bearer x", "empty": "Bearer ", "basic": "Basic " + f.key, "bare": f.key} {
				r := f.call(t, "", route.method, path, body, "Authorization", authorization, "Cookie", "session=x")
				if r.status != http.StatusUnauthorized || r.header.Get("Www-Authenticate") != "Bearer" {
					t.Errorf("%s %s with %s: %d", route.method, path, name, r.status)
				}
			}
		}
		f.call(t, revoked, "GET", "/api/v1/events", "").isProblem(t, 401, "unauthorized", "")
	})
	for _, scheme := range []string{"bearer ", "BEARER  "} {
		f.call(t, "", "GET", "/api/v1/events", "", "Authorization", scheme+f.key).object(t, http.StatusOK)
	}
}

func TestAPI_scopes(t *testing.T) {
	f := newAPIFixture(t)
	d, bodies := f.delivery(t, f.own), f.apiBodies(t)
	f.rowPath(t, apiRoute{}, d, "") // makes the recovery
	all := []string{"events:write", "read", "write"}
	for _, route := range apiTable() {
		name := route.method + " " + route.path
		t.Run(name, func(t *testing.T) {
			path := f.rowPath(t, route, d, f.own.Organization().ID)
			key, code := f.key, "platform_key_required"
			if route.access != platformOnly {
				others := slices.DeleteFunc(slices.Clone(all), func(scope string) bool { return scope == string(route.access) })
				key, code = f.scoped(t, f.own, others...), "missing_scope"
			}
			f.unchanged(t, func() {
				r := f.call(t, key, route.method, path, bodies[name])
				r.isProblem(t, 403, code, "")
				if code == "missing_scope" && !strings.Contains(string(r.body), "the scope "+string(route.access)+".") {
					t.Errorf("the scope is not named: %s", r.body)
				}
			})
		})
	}
}

func TestAPI_another_organizations_rows_are_not_found(t *testing.T) {
	apiStores(t, func(t *testing.T, f *apiFixture) {
		d, bodies := f.delivery(t, f.own), f.apiBodies(t)
		f.rowPath(t, apiRoute{}, d, "") // makes the recovery
		f.unchanged(t, func() {
			for _, route := range apiTable() {
				if !strings.Contains(route.path, ":id") || route.access == platformOnly {
					continue
				}
				t.Run(route.method+" "+route.path, func(t *testing.T) {
					path, body := f.rowPath(t, route, d, ""), bodies[route.method+" "+route.path]
					f.call(t, f.otherKey, route.method, path, body).isProblem(t, 404, "not_found", "")
					f.call(t, f.platform, route.method, path+"?organizationId="+f.other.Organization().ID, body).isProblem(t, 404, "not_found", "")
				})
			}
		})
		for _, list := range []string{"/events", "/endpoints", "/deliveries", "/deliveries?eventId=" + d.EventID, "/deliveries?endpointId=" + d.EndpointID} {
			got := f.call(t, f.otherKey, "GET", apiPath+list, "").object(t, http.StatusOK)
			if len(got["data"].([]any)) != 0 {
				t.Errorf("%s shows %v", list, got["data"])
			}
		}
		if len(f.receivedRequests) != 0 {
			t.Errorf("%d requests were sent", len(f.receivedRequests))
		}
	})
}

func TestAPI_an_organizations_key_names_no_other(t *testing.T) {
	f := newAPIFixture(t)
	d, bodies := f.delivery(t, f.own), f.apiBodies(t)
	f.rowPath(t, apiRoute{}, d, "") // makes the recovery
	own, other := f.own.Organization().ID, f.other.Organization().ID
	for _, route := range apiTable() {
		if route.access == platformOnly {
			continue
		}
		name := route.method + " " + route.path
		t.Run(name, func(t *testing.T) {
			path, body := f.rowPath(t, route, d, ""), bodies[name]
			f.unchanged(t, func() {
				f.call(t, f.key, route.method, path+"?organizationId="+other, body).isProblem(t, 404, "not_found", "")
				f.call(t, f.key, route.method, path+"?organizationId=nobody", body).isProblem(t, 404, "not_found", "")
			})
			if route.method == http.MethodGet {
				f.call(t, f.key, route.method, path+"?organizationId="+own, body).object(t, http.StatusOK)
			}
		})
	}
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
		if len(list["data"].([]any)) != 5 {
			t.Errorf("%d events, want 5", len(list["data"].([]any)))
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
	response, err := app.Test(httptest.NewRequest("GET", f.base+"/api/many", nil), -1)
	must(t, err)
	if response.StatusCode != 429 || response.Header.Get("Retry-After") != "1" || response.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
}
