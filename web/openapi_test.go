package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
)

func TestOpenAPI_has_every_route(t *testing.T) {
	f := newAPIFixture(t)
	served := f.call(t, "", "GET", documentPath, "").object(t, 200)
	if served["openapi"] != "3.1.0" || served["servers"].([]any)[0].(map[string]any)["url"] != f.base {
		t.Errorf("served: %.300v", served)
	}
	var routes, documented []string
	for _, r := range f.server.app.GetRoutes(true) {
		if strings.HasPrefix(r.Path, apiPath+"/") && r.Method != fiber.MethodHead {
			routes = append(routes, r.Method+" "+pathParameter.ReplaceAllString(r.Path, "{$1}"))
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
	if len(operations()) != len(apiTable()) {
		t.Errorf("%d operations for %d routes", len(operations()), len(apiTable()))
	}
}

func TestOpenAPI_examples_fit(t *testing.T) {
	c := theContract(t)
	for name := range c.at("components", "schemas") {
		schema := c.at("components", "schemas", name)
		examples, _ := schema["examples"].([]any)
		for _, example := range examples {
			raw, err := json.Marshal(example)
			must(t, err)
			c.fits(t, name, raw, "components", "schemas", name)
		}
	}
	for path, of := range c.at("paths") {
		for method := range of.(map[string]any) {
			for status := range c.at("paths", path, method, "responses") {
				for kind, content := range c.at("paths", path, method, "responses", status, "content") {
					content := content.(map[string]any)
					where := []string{"paths", path, method, "responses", status, "content", kind, "schema"}
					values := []any{}
					if example, ok := content["example"]; ok {
						values = append(values, example)
					}
					named, _ := content["examples"].(map[string]any)
					for _, example := range named {
						values = append(values, example.(map[string]any)["value"])
					}
					if len(values) == 0 {
						t.Errorf("%s %s %s has no example", method, path, status)
					}
					for _, value := range values {
						raw, err := json.Marshal(value)
						must(t, err)
						c.fits(t, strings.Join(where, " "), raw, where...)
					}
				}
			}
		}
	}
}

// TestOpenAPI_holds walks through the API. Every answer of this and of all
// other tests of the API is held against the document; this walk also has to
// show every property that is documented.
func TestOpenAPI_holds(t *testing.T) {
	f := newAPIFixture(t)
	c := theContract(t)
	org, _, err := f.store.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: "Initech", ExternalID: "customer-17"})
	must(t, err)
	initech, err := f.store.Operator().Tenant(t.Context(), org.ID)
	must(t, err)
	ready := func(tenant *store.Tenant) rows {
		d := f.delivery(t, tenant)
		recovery, err := tenant.Recover(t.Context(), f.endpoint(t, tenant).ID, models.RecoveryInput{Since: f.store.Now().Add(-time.Hour)})
		must(t, err)
		return rows{"event": d.EventID, "endpoint": d.EndpointID, "delivery": d.ID, "recovery": recovery.ID, "organization": "customer-17", "type": "payment.failed"}
	}
	used := map[string]bool{}
	for _, r := range apiKnown() {
		for _, body := range f.documentedBodies(t, r, used) {
			ids := ready(initech)
			if r.ready != nil {
				r.ready(t, f.store, initech, ids)
			}
			query := ""
			if !strings.Contains(body, "customer-17") && r.access(t) != platformOnly {
				query = "?organizationId=customer-17"
			}
			answer := f.call(t, f.platform, r.method, ids.path(r.path)+query, body)
			want := r.status
			if want == 0 {
				want = http.StatusOK
			}
			if answer.status != want {
				t.Errorf("%s with %s answers %d: %s", r.name(), body, answer.status, answer.body)
			}
		}
	}
	f.walkStates(t, initech)
	for _, name := range c.unusedOfRequests(used) {
		t.Errorf("%s occurs in no example of a request", name)
	}
	// What takes a real network: names to look up, and TLS.
	rare := []string{"Timings.dnsMs", "Timings.tlsMs"}
	for _, name := range c.unseen() {
		if !slices.Contains(rare, name) {
			t.Errorf("%s is documented and occurs in no answer", name)
		}
	}
}

// documentedBodies are a route's request bodies in the document's examples,
// for the receiver here; one empty body where there is none.
func (f *apiFixture) documentedBodies(t *testing.T, r route, used map[string]bool) []string {
	t.Helper()
	c := theContract(t)
	path := pathParameter.ReplaceAllString(strings.TrimPrefix(r.name(), r.method+" "), "{$1}")
	body := c.at("paths", path, strings.ToLower(r.method), "requestBody", "content", jsonType, "schema")
	if body == nil {
		return []string{""}
	}
	name := strings.TrimPrefix(body["$ref"].(string), schemaPath)
	var bodies []string
	for _, example := range c.at("components", "schemas", name)["examples"].([]any) {
		for key := range example.(map[string]any) {
			used[name+"."+key] = true
		}
		raw, err := json.Marshal(example)
		must(t, err)
		bodies = append(bodies, strings.ReplaceAll(string(raw), "https://example.com/webhooks", f.receiver.URL))
	}
	return bodies
}

// unusedOfRequests are documented properties of requests in no example.
func (c *contract) unusedOfRequests(used map[string]bool) (names []string) {
	var shapes map[string]any
	if err := json.Unmarshal(requestShapes, &shapes); err != nil {
		return []string{err.Error()}
	}
	for name := range shapes {
		for key := range c.at("components", "schemas", name, "properties") {
			if !used[name+"."+key] {
				names = append(names, name+"."+key)
			}
		}
	}
	return names
}

// walkStates reads what only some states show.
func (f *apiFixture) walkStates(t *testing.T, tenant *store.Tenant) {
	t.Helper()
	made := f.call(t, f.platform, "POST", "/api/v1/endpoints", fmt.Sprintf(`{"url":%q,"eventTypes":["*"],"headers":{"X-A":"hush"},"organizationId":"customer-17"}`, f.receiver.URL)).
		object(t, http.StatusCreated)
	f.call(t, f.platform, "PATCH", "/api/v1/endpoints/"+made["id"].(string), `{"url":"http://127.0.0.1:9/","organizationId":"customer-17"}`).object(t, http.StatusOK)
	name := "?organizationId=customer-17"
	get := func(path string) { f.call(t, f.platform, "GET", apiPath+path, "").object(t, 200) }
	for _, answer := range []http.HandlerFunc{
		func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("thanks")) },
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(500)
			w.Write([]byte("no gzip"))
		},
	} {
		f.receiverAnswer = answer
		f.call(t, f.platform, "POST", apiPath+"/endpoints/"+f.endpoint(t, tenant).ID+"/test"+name, `{"type":"payment.failed"}`).object(t, 200)
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
	f.call(t, f.platform, "POST", apiPath+"/events"+name, `{"type":"payment.failed","data":[]}`).isProblem(t, 422, "invalid", "data")
}

// settle disables an endpoint and ends a recovery, and shows both.
func (f *apiFixture) settle(t *testing.T, tenant *store.Tenant) error {
	t.Helper()
	e := f.endpoint(t, tenant)
	f.call(t, f.platform, "POST", apiPath+"/endpoints/"+e.ID+"/disable?organizationId=customer-17", "").object(t, 200)
	recovery, err := tenant.Recover(t.Context(), e.ID, models.RecoveryInput{Since: f.store.Now().Add(-time.Hour)})
	if err == nil {
		f.call(t, f.platform, "POST", apiPath+"/recoveries/"+recovery.ID+"/cancel?organizationId=customer-17", "").object(t, 200)
	}
	return err
}

// TestDocs_have_every_code holds the table of docs/api.md.
func TestDocs_have_every_code(t *testing.T) {
	page, err := os.ReadFile("../docs/api.md")
	must(t, err)
	told := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d{3}) \| (.*?) \|`).FindAllStringSubmatch(string(page), -1) {
		for _, code := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[2], -1) {
			told[row[1]+" "+code[1]] = true
		}
	}
	for code, kind := range refusals {
		if !told[strconv.Itoa(kind.status)+" "+code] {
			t.Errorf("docs/api.md says nothing of %d %s", kind.status, code)
		}
	}
}

func TestReference_shows_the_document(t *testing.T) {
	s := newSite(t, nil)
	page := s.browser(t).get(t, referencePath)
	wantStatus(t, page, http.StatusOK)
	for _, o := range operations() {
		section := page.doc.Find("section#" + o.id)
		if section.Length() != 1 || page.doc.Find(`nav a[href="#`+o.id+`"]`).Length() != 1 {
			t.Errorf("%s is not on the page", o.id)
			continue
		}
		for _, code := range o.refusals {
			if !strings.Contains(section.Text(), code) {
				t.Errorf("%s does not tell of %s", o.id, code)
			}
		}
	}
	if text := page.text("section#listDeliveries"); !strings.Contains(text, "data[].nextAttemptAt") || !strings.Contains(text, "endpointId") {
		t.Errorf("fields and parameters: %s", text)
	}
}
