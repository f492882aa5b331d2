package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/internal/apitest"
	"hookwell/models"
	"hookwell/models/store"
	"hookwell/web/api"
)

// fiberParameter is a parameter as Fiber writes it.
var fiberParameter = regexp.MustCompile(`:([a-z]+)`)

func TestOpenAPI_has_every_route(t *testing.T) {
	f := newAPIFixture(t)
	served := f.Call(t, "", "GET", api.DocumentPath, "").Object(t, 200)
	if served["openapi"] != "3.1.0" || served["servers"].([]any)[0].(map[string]any)["url"] != f.Base {
		t.Errorf("served: %.300v", served)
	}
	var routes, documented []string
	for _, r := range f.server.app.GetRoutes(true) {
		if strings.HasPrefix(r.Path, api.Path+"/") && r.Method != fiber.MethodHead {
			routes = append(routes, r.Method+" "+fiberParameter.ReplaceAllString(r.Path, "{$1}"))
		}
	}
	ids := map[string]bool{}
	for path, of := range served["paths"].(map[string]any) {
		for method, operation := range of.(map[string]any) {
			documented = append(documented, strings.ToUpper(method)+" "+path)
			id := operation.(map[string]any)["operationId"].(string)
			if ids[id] {
				t.Errorf("two operations are called %s", id)
			}
			ids[id] = true
		}
	}
	slices.Sort(routes)
	slices.Sort(documented)
	if !slices.Equal(routes, documented) {
		t.Errorf("routes\n%v\ndocumented\n%v", routes, documented)
	}
}

// TestOpenAPI_holds walks through the API. Every answer of this and of all
// other tests of the API is held against the document; this walk also has to
// show every property that is documented.
func TestOpenAPI_holds(t *testing.T) {
	f := newAPIFixture(t)
	c := f.Contract(t)
	org, _, err := f.Store.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: "Initech", ExternalID: "customer-17"})
	must(t, err)
	initech, err := f.Store.Operator().Tenant(t.Context(), org.ID)
	must(t, err)
	ready := func(tenant *store.Tenant) rows {
		d := f.Delivery(t, tenant)
		recovery, err := tenant.Recover(t.Context(), f.Endpoint(t, tenant).ID, models.RecoveryInput{Since: f.Store.Now().Add(-time.Hour)})
		must(t, err)
		taken := received(t, f.Store, f.Database, tenant)
		return rows{"source": taken.source, "request": taken.request, "refused": taken.refused, "replay": taken.replay, "event": d.EventID, "endpoint": d.EndpointID, "delivery": d.ID, "recovery": recovery.ID, "organization": "customer-17", "type": "payment.failed"}
	}
	used, requests := map[string]bool{}, requestNames(t)
	for _, r := range apiKnown() {
		for _, body := range f.documentedBodies(t, r, used) {
			ids := ready(initech)
			if r.ready != nil {
				r.ready(t, f.Store, initech, ids)
			}
			query := ""
			if !strings.Contains(body, "customer-17") && r.access(t) != api.PlatformOnly {
				query = "?organizationId=customer-17"
			}
			answer := f.Call(t, f.Platform, r.method, ids.path(r.path)+query, body)
			want := r.status
			if want == 0 {
				want = http.StatusOK
			}
			if answer.Status != want {
				t.Errorf("%s with %s answers %d: %s", r.name(), body, answer.Status, answer.Body)
			}
		}
	}
	f.walkStates(t, initech)
	f.walkRequests(t, initech)
	for _, name := range c.Unused(requests, used) {
		t.Errorf("%s occurs in no example of a request", name)
	}
	// What takes a real network, names to look up and TLS, and what sources of the
	// installation alone have.
	rare := []string{"Timings.dnsMs", "Timings.tlsMs", "Source.organizationRule"}
	for _, name := range c.Unseen(requests) {
		if !slices.Contains(rare, name) {
			t.Errorf("%s is documented and occurs in no answer", name)
		}
	}
}

// documentedBodies are a route's request bodies in the document's examples,
// for the receiver here; one empty body where there is none.
func (f *apiFixture) documentedBodies(t *testing.T, r route, used map[string]bool) []string {
	t.Helper()
	c := f.Contract(t)
	path := fiberParameter.ReplaceAllString(strings.TrimPrefix(r.name(), r.method+" "), "{$1}")
	body := c.At("paths", path, strings.ToLower(r.method), "requestBody", "content", "application/json", "schema")
	if body == nil {
		return []string{""}
	}
	name := strings.TrimPrefix(body["$ref"].(string), apitest.SchemaPointer)
	var bodies []string
	for _, example := range c.At("components", "schemas", name)["examples"].([]any) {
		for key := range example.(map[string]any) {
			used[name+"."+key] = true
		}
		raw, err := json.Marshal(example)
		must(t, err)
		bodies = append(bodies, strings.ReplaceAll(string(raw), "https://example.com/webhooks", f.Receiver.URL))
	}
	return bodies
}

// requestNames are the names of what requests send.
func requestNames(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile("api/openapi_requests.json")
	must(t, err)
	var shapes map[string]any
	must(t, json.Unmarshal(raw, &shapes))
	return slices.Collect(maps.Keys(shapes))
}

// walkStates reads what only some states show.
func (f *apiFixture) walkStates(t *testing.T, tenant *store.Tenant) {
	t.Helper()
	made := f.Call(t, f.Platform, "POST", "/api/v1/endpoints", fmt.Sprintf(`{"url":%q,"eventTypes":["*"],"headers":{"X-A":"hush"},"organizationId":"customer-17"}`, f.Receiver.URL)).
		Object(t, http.StatusCreated)
	f.Call(t, f.Platform, "PATCH", "/api/v1/endpoints/"+made["id"].(string), `{"url":"http://127.0.0.1:9/","organizationId":"customer-17"}`).Object(t, http.StatusOK)
	name := "?organizationId=customer-17"
	get := func(path string) { f.Call(t, f.Platform, "GET", api.Path+path, "").Object(t, 200) }
	for _, answer := range []http.HandlerFunc{
		func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("thanks")) },
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(500)
			w.Write([]byte("no gzip"))
		},
	} {
		f.ReceiverAnswer = answer
		f.Call(t, f.Platform, "POST", api.Path+"/endpoints/"+f.Endpoint(t, tenant).ID+"/test"+name, `{"type":"payment.failed"}`).Object(t, 200)
	}
	list, _, err := tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{Limit: 1})
	must(t, err)
	must(t, f.settle(t, tenant))
	for _, path := range []string{"/deliveries/" + list[0].ID + name, "/deliveries" + name + "&limit=1", "/events" + name, "/endpoints" + name + "&limit=1", "/organizations?limit=1"} {
		get(path)
	}
	delivered, _, err := tenant.Deliveries(t.Context(), models.DeliveryFilter{States: []models.State{models.Delivered}}, models.Page{Limit: 1})
	must(t, err)
	get("/deliveries/" + delivered[0].ID + name)
	get("/deliveries" + name + "&state=delivered&limit=1")
	get("/events/" + delivered[0].EventID + name)
	f.Call(t, f.Platform, "POST", api.Path+"/events"+name, `{"type":"payment.failed","data":[]}`).IsProblem(t, 422, "invalid", "data")
}

// walkRequests reads what only some requests of sources show: a refused one, one that
// was accepted by hand, one that became its events before, and one whose body was
// dropped.
func (f *apiFixture) walkRequests(t *testing.T, tenant *store.Tenant) {
	t.Helper()
	const name = "?organizationId=customer-17"
	of := received(t, f.Store, f.Database, tenant)
	process := func() {
		for n := 1; n > 0; {
			var err error
			n, err = f.Store.Engine().ProcessRequests(t.Context())
			must(t, err)
		}
	}
	must(t, f.Store.Database().Exec("UPDATE refused_requests SET diagnosis = 'wrong_secret', diagnosis_text = 'Another secret signed it.' WHERE id = ?", of.refused).Error) // not every one is diagnosed as it comes
	f.Call(t, f.Platform, "GET", api.Path+"/requests/"+of.refused+name, "").Object(t, 200)
	f.Call(t, f.Platform, "POST", api.Path+"/requests/"+of.refused+"/accept"+name, "").Object(t, 200)
	process()
	f.Call(t, f.Platform, "POST", api.Path+"/requests/"+of.request+"/replay"+name, "").Object(t, 202)
	process()
	f.Call(t, f.Platform, "GET", api.Path+"/requests/"+of.request+name, "").Object(t, 200)
	f.Call(t, f.Platform, "GET", api.Path+"/requests"+name, "").Object(t, 200)
	must(t, f.Store.Database().Exec("UPDATE requests SET processing = 'failed', reason = 'mapping_failed', error = 'paid: data.amount: it is missing' WHERE id = ?", of.request).Error)
	must(t, f.Store.Database().Exec("UPDATE requests SET body_dropped_at = received_at WHERE id = ?", of.request).Error)
	f.Call(t, f.Platform, "GET", api.Path+"/requests/"+of.request+name, "").Object(t, 200)
	f.Call(t, f.Platform, "GET", api.Path+"/requests"+name, "").Object(t, 200)
}

// settle disables an endpoint and ends a recovery, and shows both.
func (f *apiFixture) settle(t *testing.T, tenant *store.Tenant) error {
	t.Helper()
	e := f.Endpoint(t, tenant)
	f.Call(t, f.Platform, "POST", api.Path+"/endpoints/"+e.ID+"/disable?organizationId=customer-17", "").Object(t, 200)
	recovery, err := tenant.Recover(t.Context(), e.ID, models.RecoveryInput{Since: f.Store.Now().Add(-time.Hour)})
	if err == nil {
		f.Call(t, f.Platform, "POST", api.Path+"/recoveries/"+recovery.ID+"/cancel?organizationId=customer-17", "").Object(t, 200)
	}
	return err
}

func TestReference_shows_the_document(t *testing.T) {
	s := newSite(t, nil)
	page := s.browser(t).get(t, referencePath)
	wantStatus(t, page, http.StatusOK)
	var document struct {
		Paths map[string]map[string]struct {
			ID        string `json:"operationId"`
			Responses map[string]struct {
				Content map[string]struct{ Examples map[string]any }
			}
		}
	}
	must(t, json.Unmarshal(s.api.Document(), &document))
	for _, methods := range document.Paths {
		for _, o := range methods {
			section := page.doc.Find("section#" + o.ID)
			if section.Length() != 1 || page.doc.Find(`nav a[href="#`+o.ID+`"]`).Length() != 1 {
				t.Errorf("%s is not on the page", o.ID)
				continue
			}
			for _, response := range o.Responses {
				for code := range response.Content["application/problem+json"].Examples {
					if !strings.Contains(section.Text(), code) {
						t.Errorf("%s does not tell of %s", o.ID, code)
					}
				}
			}
		}
	}
	if text := page.text("section#listDeliveries"); !strings.Contains(text, "data[].nextAttemptAt") || !strings.Contains(text, "endpointId") {
		t.Errorf("fields and parameters: %s", text)
	}
}
