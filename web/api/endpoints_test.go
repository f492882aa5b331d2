package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hookwell/internal/storetest"

	"github.com/google/go-cmp/cmp"
)

func TestAPIEndpoints(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		body := fmt.Sprintf(`{"url":%q,"eventTypes":["payment.*","org.created"],"name":"Billing","description":"Two\nlines",
			"schedule":[0,5,60],"timeoutSeconds":10,"maxInFlight":4,"rateLimitPerSecond":null,"retryStatuses":" 500-599, 429,408","signatureFormat":"body","sourceSignature":"provider",
			"headers":{"X-Tenant":"hidden-value","Authorization":"Bearer hidden-value"},"enabled":false}`, f.Receiver.URL)
		r := f.Call(t, f.Key, "POST", "/api/v1/endpoints", body)
		made := r.Object(t, http.StatusCreated)
		path := "/api/v1/endpoints/" + made["id"].(string)
		if r.Header.Get("Location") != path || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", r.Header)
		}
		secret, _ := made["secret"].(string)
		if !strings.HasPrefix(secret, "whsec_") {
			t.Errorf("secret %q", secret)
		}
		delete(made, "secret")
		want := map[string]any{"id": made["id"], "createdAt": made["createdAt"], "updatedAt": made["updatedAt"], "url": f.Receiver.URL,
			"name": "Billing", "description": "Two\nlines", "eventTypes": []any{"org.created", "payment.*"}, "enabled": false,
			"disabledReason": "person", "schedule": []any{0.0, 5.0, 60.0}, "timeoutSeconds": 10.0, "maxInFlight": 4.0, "rateLimitPerSecond": 0.0, "retryStatuses": "408,429,500-599",
			"headers": map[string]any{"X-Tenant": "••••", "Authorization": "••••"}, "signatureFormat": "body", "sourceSignature": "provider"}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Error(diff)
		}
		read := f.Call(t, f.Key, "GET", path, "")
		if diff := cmp.Diff(want, read.Object(t, http.StatusOK)); diff != "" {
			t.Error(diff)
		}
		list := f.Call(t, f.Key, "GET", "/api/v1/endpoints", "")
		if diff := cmp.Diff(map[string]any{"data": []any{want}, "nextCursor": nil}, list.Object(t, http.StatusOK)); diff != "" {
			t.Error(diff)
		}
		if strings.Contains(f.Log.String(), secret) || strings.Contains(f.Log.String(), "hidden-value") {
			t.Error("a secret is in the log")
		}
		if r := f.Call(t, f.Key, "DELETE", path, ""); r.Status != http.StatusNoContent || len(r.Body) != 0 {
			t.Errorf("deleting: %d %s", r.Status, r.Body)
		}
		f.Call(t, f.Key, "GET", path, "").IsProblem(t, 404, "not_found", "")
		f.Call(t, f.Key, "DELETE", path, "").IsProblem(t, 404, "not_found", "")
	})
}

func TestAPIEndpointUpdate(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		made := f.Call(t, f.Key, "POST", "/api/v1/endpoints", fmt.Sprintf(`{"url":%q,"eventTypes":["*"],"headers":{"X-A":"hidden"}}`, f.Receiver.URL)).
			Object(t, http.StatusCreated)
		path := "/api/v1/endpoints/" + made["id"].(string)
		steps := []struct {
			body string
			want map[string]any // what differs from the step before
		}{
			{`{}`, nil},
			{`{"name":"Billing"}`, map[string]any{"name": "Billing"}},
			{`{"description":"why","schedule":"brisk"}`, map[string]any{"description": "why", "schedule": "brisk"}},
			{`{"eventTypes":["org.*"],"timeoutSeconds":3,"maxInFlight":1,"signatureFormat":"sha256=body"}`,
				map[string]any{"eventTypes": []any{"org.*"}, "timeoutSeconds": 3.0, "maxInFlight": 1.0, "signatureFormat": "sha256=body"}},
			{`{"retryStatuses":"!404,!401"}`, map[string]any{"retryStatuses": "!401,!404"}},
			{`{"retryStatuses":null}`, map[string]any{"retryStatuses": ""}},
			{`{"name":null,"description":null,"schedule":null,"timeoutSeconds":null,"maxInFlight":null,"signatureFormat":null,"sourceSignature":null,"rateLimitPerSecond":null}`,
				map[string]any{"name": "", "description": "", "schedule": "standard", "timeoutSeconds": 15.0, "maxInFlight": 20.0, "signatureFormat": "sha256=timestamp.body", "sourceSignature": "hookwell"}},
			{`{"headers":{"X-B":"hidden"}}`, map[string]any{"headers": map[string]any{"X-B": "••••"}}},
			{`{"headers":null}`, map[string]any{"headers": map[string]any{}}},
			{`{"enabled":false}`, map[string]any{"enabled": false, "disabledReason": "person"}},
			{`{"enabled":true,"name":"Back"}`, map[string]any{"enabled": true, "disabledReason": nil, "name": "Back"}},
		}
		want := made
		delete(want, "secret")
		for _, step := range steps {
			got := f.Call(t, f.Key, "PATCH", path, step.body).Object(t, http.StatusOK)
			for name, value := range step.want {
				want[name] = value
			}
			want["updatedAt"] = got["updatedAt"]
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("after %s: %s", step.body, diff)
			}
		}
	})
}

func TestAPIEndpointEnable(t *testing.T) {
	f := newFixture(t)
	path := "/api/v1/endpoints/" + f.Endpoint(t, f.Own).ID
	for _, step := range []struct {
		action  string
		enabled bool
		reason  any
	}{{"/disable", false, "person"}, {"/disable", false, "person"}, {"/enable", true, nil}, {"/enable", true, nil}} {
		got := f.Call(t, f.Key, "POST", path+step.action, "").Object(t, http.StatusOK)
		if got["enabled"] != step.enabled || got["disabledReason"] != step.reason {
			t.Errorf("%s: %v", step.action, got)
		}
	}
}

// badEndpoints are members that no endpoint can have, and the field at fault.
var badEndpoints = map[string][2]string{
	"a private address":         {`"url":"https://10.0.0.1/"`, "url"},
	"metadata":                  {`"url":"http://169.254.169.254/latest"`, "url"},
	"not http":                  {`"url":"ftp://example.com/"`, "url"},
	"no URL":                    {`"url":"example"`, "url"},
	"url null":                  {`"url":null`, "url"},
	"url a number":              {`"url":5`, "url"},
	"half a character":          {`"url":"\ud800"`, "url"},
	"no event type":             {`"eventTypes":[]`, "eventTypes"},
	"event types null":          {`"eventTypes":null`, "eventTypes"},
	"event types a string":      {`"eventTypes":"*"`, "eventTypes"},
	"an event type a number":    {`"eventTypes":["*",1]`, "eventTypes.1"},
	"unknown event type":        {`"eventTypes":["nothing"]`, "eventTypes"},
	"too many event types":      {`"eventTypes":["*"` + strings.Repeat(`,"*"`, 1000) + `]`, "eventTypes"},
	"unknown schedule":          {`"schedule":"often"`, "schedule"},
	"schedule true":             {`"schedule":true`, "schedule"},
	"no delays":                 {`"schedule":[]`, "schedule"},
	"too many delays":           {`"schedule":[0` + strings.Repeat(",1", 200) + `]`, "schedule"},
	"a negative delay":          {`"schedule":[-1]`, "schedule"},
	"half a second":             {`"schedule":[0,0.5]`, "schedule.1"},
	"timeout too long":          {`"timeoutSeconds":31`, "timeoutSeconds"},
	"timeout zero":              {`"timeoutSeconds":0`, "timeoutSeconds"},
	"timeout a string":          {`"timeoutSeconds":"15"`, "timeoutSeconds"},
	"timeout beyond integers":   {`"timeoutSeconds":99999999999999999999`, "timeoutSeconds"},
	"in flight zero":            {`"maxInFlight":0`, "maxInFlight"},
	"a rate limit too high":     {`"rateLimitPerSecond":1001`, "rateLimitPerSecond"},
	"a class of statuses":       {`"retryStatuses":"5xx"`, "retryStatuses"},
	"a status a number":         {`"retryStatuses":503`, "retryStatuses"},
	"unknown signature format":  {`"signatureFormat":"md5"`, "signatureFormat"},
	"unknown source signature":  {`"sourceSignature":"both"`, "sourceSignature"},
	"headers a list":            {`"headers":[]`, "headers"},
	"a header a number":         {`"headers":{"X-A":1}`, "headers.X-A"},
	"a header twice":            {`"headers":{"X-A":"a","X-A":"b"}`, "headers.X-A"},
	"a header twice, by case":   {`"headers":{"X-A":"a","x-a":"b"}`, "headers.x-a"},
	"a header's mask":           {`"headers":{"X-A":"••••"}`, "headers.X-A"},
	"a reserved header":         {`"headers":{"Webhook-Id":"x"}`, "headers.Webhook-Id"},
	"a header with line breaks": {`"headers":{"X-A":"a\r\nHost: b"}`, "headers.X-A"},
	"enabled null":              {`"enabled":null`, "enabled"},
	"enabled a string":          {`"enabled":"yes"`, "enabled"},
	"name too long":             {`"name":"` + strings.Repeat("x", 101) + `"`, "name"},
	"NUL in the name":           {`"name":"a\u0000"`, "name"},
	"NUL in the description":    {`"description":"a\u0000"`, "description"},
	"unknown field":             {`"colour":"red"`, "colour"},
	"the id":                    {`"id":"ep_1"`, "id"},
	"the secret":                {`"secret":"whsec_x"`, "secret"},
}

func TestAPIEndpoints_bad_input(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		path := "/api/v1/endpoints/" + f.Endpoint(t, f.Own).ID
		f.Unchanged(t, func() {
			for name, bad := range badEndpoints {
				t.Run(name, func(t *testing.T) {
					f.Call(t, f.Key, "PATCH", path, `{"enabled":false,"name":"new",`+bad[0]+`}`)
					f.Call(t, f.Key, "PATCH", path, `{`+bad[0]+`}`).IsProblem(t, 422, "invalid", bad[1])
					complete := `{` + bad[0]
					for _, member := range []string{fmt.Sprintf(`"url":%q`, f.Receiver.URL), `"eventTypes":["*"]`} {
						if name, _, _ := strings.Cut(member, ":"); !strings.HasPrefix(bad[0], name) {
							complete += "," + member
						}
					}
					f.Call(t, f.Key, "POST", "/api/v1/endpoints", complete+"}").IsProblem(t, 422, "invalid", bad[1])
				})
			}
			f.Call(t, f.Key, "POST", "/api/v1/endpoints", `{`).IsProblem(t, 400, "invalid_json", "")
			f.Call(t, f.Key, "POST", "/api/v1/endpoints", `{}`).IsProblem(t, 422, "invalid", "url")
			f.Call(t, f.Key, "POST", "/api/v1/endpoints", `{}`).IsProblem(t, 422, "invalid", "eventTypes")
			f.Call(t, f.Key, "POST", path+"/disable", `{"reason":"x"}`).IsProblem(t, 422, "invalid", "reason")
		})
	})
}

func TestAPIEndpointTest(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.ReceiverAnswer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Set-Cookie", "a=1")
			w.Header().Add("Set-Cookie", "b=2")
			w.Header().Add("X-Many", "1")
			w.Header().Add("X-Many", "2")
			w.WriteHeader(http.StatusTeapot)
			w.Write([]byte{0xff, 0xfe})
		}
		e := f.Endpoint(t, f.Own)
		_, err := f.Own.DisableEndpoint(t.Context(), e.ID)
		must(t, err)
		path := "/api/v1/endpoints/" + e.ID + "/test"
		attempt := f.Call(t, f.Key, "POST", path, `{"type":"payment.failed"}`).Object(t, http.StatusOK)
		want := map[string]any{"number": 1.0, "trigger": "test", "statusCode": 418.0, "cause": "status"}
		for name, value := range want {
			if attempt[name] != value {
				t.Errorf("%s is %v, want %v", name, attempt[name], value)
			}
		}
		request, response := attempt["request"].(map[string]any), attempt["response"].(map[string]any)
		if request["body"] != string(f.ReceivedRequests[0]) || request["headers"].(map[string]any)["x-webhook-test"] != "true" {
			t.Errorf("request %v", request)
		}
		headers := response["headers"].(map[string]any)
		if headers["set-cookie"] != "a=1\nb=2" || headers["x-many"] != "1, 2" || response["bodyEncoding"] != "base64" || response["body"] != "//4=" {
			t.Errorf("response %v", response)
		}
		timings := attempt["timings"].(map[string]any)
		if timings["firstByteMs"] == nil || timings["tlsMs"] != nil {
			t.Errorf("timings %v", timings)
		}
		custom := strings.Replace(storetest.Example(t, "payment.failed"), "{", `{"x":1e400,`, 1)
		f.Call(t, f.Key, "POST", path, `{"type":"payment.failed","data":`+custom+`}`).Object(t, http.StatusOK)
		if !strings.Contains(string(f.ReceivedRequests[1]), `"data":{"x":1e400,`) {
			t.Errorf("received %s", f.ReceivedRequests[1])
		}
	})
}

func TestAPIEndpointTest_bad_input(t *testing.T) {
	f := newFixture(t)
	path := "/api/v1/endpoints/" + f.Endpoint(t, f.Own).ID + "/test"
	f.Unchanged(t, func() {
		f.Call(t, f.Key, "POST", path, `{}`).IsProblem(t, 422, "invalid", "type")
		f.Call(t, f.Key, "POST", path, `{"type":"nothing"}`).IsProblem(t, 422, "invalid", "type")
		f.Call(t, f.Key, "POST", path, `{"type":"payment.failed","data":{}}`).IsProblem(t, 422, "invalid", "data.paymentId")
		f.Call(t, f.Key, "POST", path, `{"type":"payment.failed","data":[]}`).IsProblem(t, 422, "invalid", "data")
		f.Call(t, f.Key, "POST", path, `{"type":"payment.failed","timestamp":"2026-03-03T15:22:41Z"}`).IsProblem(t, 422, "invalid", "timestamp")
		f.Call(t, f.Key, "POST", path, `{"type":"payment.failed","data":{"x":"`+strings.Repeat("x", 256<<10)+`"}}`).IsProblem(t, 413, "data_too_large", "data")
	})
	if len(f.ReceivedRequests) != 0 {
		t.Errorf("%d requests were sent", len(f.ReceivedRequests))
	}
}

func TestAPIEndpointTest_without_an_answer(t *testing.T) {
	f := newFixture(t)
	path := "/api/v1/endpoints/" + f.Endpoint(t, f.Own).ID + "/test"
	f.Receiver.Close()
	attempt := f.Call(t, f.Key, "POST", path, `{"type":"org.created","data":null}`).Object(t, http.StatusOK)
	if attempt["cause"] != "refused" || attempt["error"] == nil {
		t.Errorf("attempt %v", attempt)
	}
	for _, name := range []string{"statusCode", "response", "remoteAddress", "note"} {
		if value, ok := attempt[name]; !ok || value != nil {
			t.Errorf("%s is %v, want null", name, value)
		}
	}
}
