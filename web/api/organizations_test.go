package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAPIOrganizations(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		body := fmt.Sprintf(`{"name":"Initech","slug":"initech","externalId":"cus 17","endpoints":[
			{"url":"%[1]s/a","eventTypes":["*"]},{"url":"%[1]s/b","eventTypes":["org.*"],"enabled":false}]}`, f.Receiver.URL)
		r := f.Call(t, f.Platform, "POST", "/api/v1/organizations", body)
		made := r.Object(t, http.StatusCreated)
		id := made["id"].(string)
		if r.Header.Get("Location") != "/api/v1/organizations/"+id || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", r.Header)
		}
		endpoints := made["endpoints"].([]any)
		secrets := map[string]bool{}
		for i, suffix := range []string{"/a", "/b"} {
			e := endpoints[i].(map[string]any)
			secrets[e["secret"].(string)] = true
			if e["url"] != f.Receiver.URL+suffix || e["enabled"] != (i == 0) {
				t.Errorf("endpoint %d: %v", i, e)
			}
		}
		if len(endpoints) != 2 || len(secrets) != 2 {
			t.Errorf("%d endpoints, %d secrets", len(endpoints), len(secrets))
		}
		want := map[string]any{"id": id, "name": "Initech", "slug": "initech", "externalId": "cus 17", "createdAt": made["createdAt"]}
		for _, name := range []string{id, "cus%2017"} {
			if diff := cmp.Diff(want, f.Call(t, f.Platform, "GET", "/api/v1/organizations/"+name, "").Object(t, http.StatusOK)); diff != "" {
				t.Error(diff)
			}
		}
		list := f.Call(t, f.Platform, "GET", "/api/v1/organizations?limit=1", "").Object(t, http.StatusOK)
		if diff := cmp.Diff([]any{want}, list["data"]); diff != "" || list["nextCursor"] == nil {
			t.Error(diff, list["nextCursor"])
		}
		plain := f.Call(t, f.Platform, "POST", "/api/v1/organizations", `{"name":"Initech","slug":null,"externalId":null,"endpoints":null}`).
			Object(t, http.StatusCreated)
		if plain["slug"] != "initech-2" || plain["externalId"] != nil || len(plain["endpoints"].([]any)) != 0 {
			t.Errorf("plain %v", plain)
		}
	})
}

func TestAPIOrganizations_bad_input(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.Call(t, f.Platform, "POST", "/api/v1/organizations", `{"name":"Initech","slug":"initech","externalId":"cus_17"}`).Object(t, http.StatusCreated)
		one := fmt.Sprintf(`{"url":%q,"eventTypes":["*"]}`, f.Receiver.URL)
		f.Unchanged(t, func() {
			for body, field := range map[string]string{
				`{}`:                                 "name",
				`{"name":7}`:                         "name",
				`{"name":"\u0000"}`:                  "name",
				`{"name":"A","slug":"Not a slug"}`:   "slug",
				`{"name":"A","slug":"initech"}`:      "slug",
				`{"name":"A","slug":""}`:             "slug",
				`{"name":"A","externalId":""}`:       "externalId",
				`{"name":"A","externalId":"\u0000"}`: "externalId",
				`{"name":"A","externalId":"` + f.Own.Organization().ID + `"}`:                          "externalId",
				`{"name":"A","owner":"x"}`:                                                             "owner",
				`{"name":"A","organizationId":"x"}`:                                                    "organizationId",
				`{"name":"A","endpoints":{}}`:                                                          "endpoints",
				`{"name":"A","endpoints":[7]}`:                                                         "endpoints.0",
				`{"name":"A","endpoints":[` + one + `,{"url":"https://10.0.0.1","eventTypes":[""]}]}`:  "endpoints.1.url",
				`{"name":"A","endpoints":[` + one + `,{"url":"https://10.0.0.1","eventTypes":["x"]}]}`: "endpoints.1.eventTypes",
				`{"name":"A","endpoints":[{"colour":1}]}`:                                              "endpoints.0.colour",
				`{"name":"A","endpoints":[` + one + strings.Repeat(","+one, 20) + `]}`:                 "endpoints",
			} {
				f.Call(t, f.Platform, "POST", "/api/v1/organizations", body).IsProblem(t, 422, "invalid", field)
			}
			f.Call(t, f.Platform, "POST", "/api/v1/organizations", `{"name":"A","externalId":"cus_17"}`).IsProblem(t, 409, "external_id_taken", "")
			f.Call(t, f.Platform, "GET", "/api/v1/organizations/nobody", "").IsProblem(t, 404, "not_found", "")
			f.Call(t, f.Platform, "GET", "/api/v1/organizations?cursor=x", "").IsProblem(t, 422, "invalid", "cursor")
		})
	})
}
