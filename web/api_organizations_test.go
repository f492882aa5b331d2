package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAPIOrganizations(t *testing.T) {
	apiStores(t, func(t *testing.T, f *apiFixture) {
		body := fmt.Sprintf(`{"name":"Initech","slug":"initech","externalId":"cus 17","endpoints":[
			{"url":"%[1]s/a","eventTypes":["*"]},{"url":"%[1]s/b","eventTypes":["org.*"],"enabled":false}]}`, f.receiver.URL)
		r := f.call(t, f.platform, "POST", "/api/v1/organizations", body)
		made := r.object(t, http.StatusCreated)
		id := made["id"].(string)
		if r.header.Get("Location") != "/api/v1/organizations/"+id || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", r.header)
		}
		endpoints := made["endpoints"].([]any)
		secrets := map[string]bool{}
		for i, suffix := range []string{"/a", "/b"} {
			e := endpoints[i].(map[string]any)
			secrets[e["secret"].(string)] = true
			if e["url"] != f.receiver.URL+suffix || e["enabled"] != (i == 0) {
				t.Errorf("endpoint %d: %v", i, e)
			}
		}
		if len(endpoints) != 2 || len(secrets) != 2 {
			t.Errorf("%d endpoints, %d secrets", len(endpoints), len(secrets))
		}
		want := map[string]any{"id": id, "name": "Initech", "slug": "initech", "externalId": "cus 17", "createdAt": made["createdAt"]}
		for _, name := range []string{id, "cus%2017"} {
			if diff := cmp.Diff(want, f.call(t, f.platform, "GET", "/api/v1/organizations/"+name, "").object(t, http.StatusOK)); diff != "" {
				t.Error(diff)
			}
		}
		list := f.call(t, f.platform, "GET", "/api/v1/organizations?limit=1", "").object(t, http.StatusOK)
		if diff := cmp.Diff([]any{want}, list["data"]); diff != "" || list["nextCursor"] == nil {
			t.Error(diff, list["nextCursor"])
		}
		plain := f.call(t, f.platform, "POST", "/api/v1/organizations", `{"name":"Initech","slug":null,"externalId":null,"endpoints":null}`).
			object(t, http.StatusCreated)
		if plain["slug"] != "initech-2" || plain["externalId"] != nil || len(plain["endpoints"].([]any)) != 0 {
			t.Errorf("plain %v", plain)
		}
	})
}

func TestAPIOrganizations_bad_input(t *testing.T) {
	apiStores(t, func(t *testing.T, f *apiFixture) {
		f.call(t, f.platform, "POST", "/api/v1/organizations", `{"name":"Initech","slug":"initech","externalId":"cus_17"}`).object(t, http.StatusCreated)
		one := fmt.Sprintf(`{"url":%q,"eventTypes":["*"]}`, f.receiver.URL)
		f.unchanged(t, func() {
			for body, field := range map[string]string{
				`{}`:                                 "name",
				`{"name":7}`:                         "name",
				`{"name":"\u0000"}`:                  "name",
				`{"name":"A","slug":"Not a slug"}`:   "slug",
				`{"name":"A","slug":"initech"}`:      "slug",
				`{"name":"A","slug":""}`:             "slug",
				`{"name":"A","externalId":""}`:       "externalId",
				`{"name":"A","externalId":"\u0000"}`: "externalId",
				`{"name":"A","externalId":"` + f.own.Organization().ID + `"}`:                          "externalId",
				`{"name":"A","owner":"x"}`:                                                             "owner",
				`{"name":"A","organizationId":"x"}`:                                                    "organizationId",
				`{"name":"A","endpoints":{}}`:                                                          "endpoints",
				`{"name":"A","endpoints":[7]}`:                                                         "endpoints.0",
				`{"name":"A","endpoints":[` + one + `,{"url":"https://10.0.0.1","eventTypes":[""]}]}`:  "endpoints.1.url",
				`{"name":"A","endpoints":[` + one + `,{"url":"https://10.0.0.1","eventTypes":["x"]}]}`: "endpoints.1.eventTypes",
				`{"name":"A","endpoints":[{"colour":1}]}`:                                              "endpoints.0.colour",
				`{"name":"A","endpoints":[` + one + strings.Repeat(","+one, 20) + `]}`:                 "endpoints",
			} {
				f.call(t, f.platform, "POST", "/api/v1/organizations", body).isProblem(t, 422, "invalid", field)
			}
			f.call(t, f.platform, "POST", "/api/v1/organizations", `{"name":"A","externalId":"cus_17"}`).isProblem(t, 409, "external_id_taken", "")
			f.call(t, f.platform, "GET", "/api/v1/organizations/nobody", "").isProblem(t, 404, "not_found", "")
			f.call(t, f.platform, "GET", "/api/v1/organizations?cursor=x", "").isProblem(t, 422, "invalid", "cursor")
		})
	})
}
