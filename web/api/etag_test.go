package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

func TestETag(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		made := f.Call(t, f.Key, "POST", "/api/v1/endpoints", fmt.Sprintf(`{"url":%q,"eventTypes":["*"]}`, f.Receiver.URL))
		endpoint := "/api/v1/endpoints/" + made.Object(t, http.StatusCreated)["id"].(string)
		organization := "/api/v1/organizations/" + f.Own.Organization().ID
		for path, key := range map[string]string{endpoint: f.Key, organization: f.Platform} {
			read := f.Call(t, key, "GET", path, "")
			tag := read.Header.Get("ETag")
			if !strings.HasPrefix(tag, `"`) || path == endpoint && tag != made.Header.Get("ETag") {
				t.Fatalf("%s: the tag is %q, and was %q when it was made", path, tag, made.Header.Get("ETag"))
			}
			for header, status := range map[string]int{tag: 304, "W/" + tag: 304, `"other", ` + tag: 304, "*": 304, `"other"`: 200} {
				if r := f.Call(t, key, "GET", path, "", "If-None-Match", header); r.Status != status || r.Header.Get("ETag") != tag || status == 304 && len(r.Body) > 0 {
					t.Errorf("%s If-None-Match: %s gets %d, %d bytes", path, header, r.Status, len(r.Body))
				}
			}
			changed := f.Call(t, key, "PATCH", path, `{"name":"First"}`, "If-Match", tag)
			changed.Object(t, http.StatusOK)
			next := changed.Header.Get("ETag")
			if next == tag || next != f.Call(t, key, "GET", path, "").Header.Get("ETag") {
				t.Errorf("%s: from %s to %s", path, tag, next)
			}
			for _, header := range []string{tag, "W/" + next, `"other"`, "nonsense", `"a", "b"`} {
				for _, request := range [][2]string{{"PATCH", `{"name":"Second"}`}, {"PATCH", `{}`}, {"DELETE", ""}} {
					r := f.Call(t, key, request[0], path, request[1], "If-Match", header)
					if body := r.Object(t, http.StatusPreconditionFailed); body["code"] != "precondition_failed" {
						t.Errorf("%s %s If-Match: %s: %v", request[0], path, header, body)
					}
				}
			}
			if read := f.Call(t, key, "GET", path, "").Object(t, http.StatusOK); read["name"] != "First" {
				t.Errorf("%s is called %v", path, read["name"])
			}
			f.Call(t, key, "PATCH", path, `{"name":"Third"}`, "If-Match", `"other", `+next).Object(t, http.StatusOK)
			f.Call(t, key, "PATCH", path, `{"name":"Fourth"}`, "If-Match", "*").Object(t, http.StatusOK)
			f.Call(t, key, "PATCH", path, `{"name":"Fifth"}`).Object(t, http.StatusOK)
		}
		f.Call(t, f.Key, "PATCH", "/api/v1/endpoints/ep_unknown", `{"name":"x"}`, "If-Match", "*").Object(t, http.StatusNotFound)

		t.Run("counts_what_disables_too", func(t *testing.T) {
			before := f.Call(t, f.Key, "GET", endpoint, "").Header.Get("ETag")
			disabled := f.Call(t, f.Key, "POST", endpoint+"/disable", "", "If-Match", before)
			disabled.Object(t, http.StatusOK)
			if tag := disabled.Header.Get("ETag"); tag == before || tag != f.Call(t, f.Key, "GET", endpoint, "").Header.Get("ETag") {
				t.Errorf("from %s to %s", before, tag)
			}
			for _, request := range [][2]string{{"POST", "/enable"}, {"POST", "/enable?replay=true"}, {"POST", "/disable"}, {"POST", "/rotate-secret"}, {"PATCH", ""}} {
				body := map[string]string{"": `{"enabled":true,"name":"On"}`, "/rotate-secret": `{}`}[request[1]]
				for header, status := range map[string]int{before: http.StatusPreconditionFailed, "no": http.StatusPreconditionFailed, "": http.StatusBadRequest} {
					if r := f.Call(t, f.Key, request[0], endpoint+request[1], body, "If-Match", header); r.Status != status {
						t.Errorf("%s%s If-Match: %q gets %d, want %d", request[0], request[1], header, r.Status, status)
					}
				}
			}
		})
		t.Run("refuses_an_empty_header", func(t *testing.T) {
			before := f.Call(t, f.Key, "GET", endpoint, "").Header.Get("ETag")
			for path, key := range map[string]string{endpoint: f.Key, organization: f.Platform} {
				for _, request := range [][2]string{{"PATCH", `{"name":"Sixth"}`}, {"DELETE", ""}} {
					f.Call(t, key, request[0], path, request[1], "If-Match", "").IsProblem(t, http.StatusBadRequest, "malformed", "")
				}
			}
			if after := f.Call(t, f.Key, "GET", endpoint, "").Header.Get("ETag"); after != before {
				t.Errorf("the tag went from %s to %s", before, after)
			}
		})
		t.Run("counts_a_rotation_too", func(t *testing.T) {
			before := f.Call(t, f.Key, "GET", endpoint, "").Header.Get("ETag")
			rotated := f.Call(t, f.Key, "POST", endpoint+"/rotate-secret", `{}`, "If-Match", before)
			rotated.Object(t, http.StatusOK)
			if tag := rotated.Header.Get("ETag"); tag == before || tag != f.Call(t, f.Key, "GET", endpoint, "").Header.Get("ETag") {
				t.Errorf("from %s to %s", before, tag)
			}
			if r := f.Call(t, f.Key, "POST", endpoint+"/rotate-secret", `{}`, "If-Match", before); r.Status != http.StatusPreconditionFailed {
				t.Errorf("a second rotation of the same version gets %d", r.Status)
			}
		})
		t.Run("lets_one_of_many_win", func(t *testing.T) {
			tag := f.Call(t, f.Key, "GET", endpoint, "").Header.Get("ETag")
			statuses := make([]int, 6)
			var wait sync.WaitGroup
			for i := range statuses {
				wait.Go(func() {
					body := fmt.Sprintf(`{"name":"Writer %d","enabled":%v}`, i, i%2 == 0)
					statuses[i] = f.Call(t, f.Key, "PATCH", endpoint, body, "If-Match", tag).Status
				})
			}
			wait.Wait()
			won := -1
			for i, status := range statuses {
				switch {
				case status == http.StatusOK && won < 0:
					won = i
				case status != http.StatusPreconditionFailed:
					t.Errorf("%v", statuses)
				}
			}
			read := f.Call(t, f.Key, "GET", endpoint, "").Object(t, http.StatusOK)
			if won < 0 || read["name"] != fmt.Sprintf("Writer %d", won) || read["enabled"] != (won%2 == 0) {
				t.Errorf("%d won, and it is %v, %v", won, read["name"], read["enabled"])
			}
		})
	})
}
