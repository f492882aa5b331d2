package web

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

func TestETag(t *testing.T) {
	apiStores(t, func(t *testing.T, f *apiFixture) {
		made := f.call(t, f.key, "POST", "/api/v1/endpoints", fmt.Sprintf(`{"url":%q,"eventTypes":["*"]}`, f.receiver.URL))
		endpoint := "/api/v1/endpoints/" + made.object(t, http.StatusCreated)["id"].(string)
		organization := "/api/v1/organizations/" + f.own.Organization().ID
		for path, key := range map[string]string{endpoint: f.key, organization: f.platform} {
			read := f.call(t, key, "GET", path, "")
			tag := read.header.Get("ETag")
			if !strings.HasPrefix(tag, `"`) || path == endpoint && tag != made.header.Get("ETag") {
				t.Fatalf("%s: the tag is %q, and was %q when it was made", path, tag, made.header.Get("ETag"))
			}
			for header, status := range map[string]int{tag: 304, "W/" + tag: 304, `"other", ` + tag: 304, "*": 304, `"other"`: 200} {
				if r := f.call(t, key, "GET", path, "", "If-None-Match", header); r.status != status || r.header.Get("ETag") != tag || status == 304 && len(r.body) > 0 {
					t.Errorf("%s If-None-Match: %s gets %d, %d bytes", path, header, r.status, len(r.body))
				}
			}
			changed := f.call(t, key, "PATCH", path, `{"name":"First"}`, "If-Match", tag)
			changed.object(t, http.StatusOK)
			next := changed.header.Get("ETag")
			if next == tag || next != f.call(t, key, "GET", path, "").header.Get("ETag") {
				t.Errorf("%s: from %s to %s", path, tag, next)
			}
			for _, header := range []string{tag, "W/" + next, `"other"`, "nonsense", `"a", "b"`} {
				for _, request := range [][2]string{{"PATCH", `{"name":"Second"}`}, {"PATCH", `{}`}, {"DELETE", ""}} {
					r := f.call(t, key, request[0], path, request[1], "If-Match", header)
					if body := r.object(t, http.StatusPreconditionFailed); body["code"] != "precondition_failed" {
						t.Errorf("%s %s If-Match: %s: %v", request[0], path, header, body)
					}
				}
			}
			if read := f.call(t, key, "GET", path, "").object(t, http.StatusOK); read["name"] != "First" {
				t.Errorf("%s is called %v", path, read["name"])
			}
			f.call(t, key, "PATCH", path, `{"name":"Third"}`, "If-Match", `"other", `+next).object(t, http.StatusOK)
			f.call(t, key, "PATCH", path, `{"name":"Fourth"}`, "If-Match", "*").object(t, http.StatusOK)
			f.call(t, key, "PATCH", path, `{"name":"Fifth"}`).object(t, http.StatusOK)
		}
		f.call(t, f.key, "PATCH", "/api/v1/endpoints/ep_unknown", `{"name":"x"}`, "If-Match", "*").object(t, http.StatusNotFound)

		t.Run("counts_what_disables_too", func(t *testing.T) {
			before := f.call(t, f.key, "GET", endpoint, "").header.Get("ETag")
			disabled := f.call(t, f.key, "POST", endpoint+"/disable", "", "If-Match", before)
			disabled.object(t, http.StatusOK)
			if tag := disabled.header.Get("ETag"); tag == before || tag != f.call(t, f.key, "GET", endpoint, "").header.Get("ETag") {
				t.Errorf("from %s to %s", before, tag)
			}
			for _, request := range [][2]string{{"POST", "/enable"}, {"POST", "/enable?replay=true"}, {"POST", "/disable"}, {"PATCH", ""}} {
				body := ""
				if request[0] == "PATCH" {
					body = `{"enabled":true,"name":"On"}`
				}
				if r := f.call(t, f.key, request[0], endpoint+request[1], body, "If-Match", before); r.status != http.StatusPreconditionFailed {
					t.Errorf("%s%s gets %d", request[0], request[1], r.status)
				}
			}
		})
		t.Run("lets_one_of_many_win", func(t *testing.T) {
			tag := f.call(t, f.key, "GET", endpoint, "").header.Get("ETag")
			statuses := make([]int, 6)
			var wait sync.WaitGroup
			for i := range statuses {
				wait.Go(func() {
					body := fmt.Sprintf(`{"name":"Writer %d","enabled":%v}`, i, i%2 == 0)
					statuses[i] = f.call(t, f.key, "PATCH", endpoint, body, "If-Match", tag).status
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
			read := f.call(t, f.key, "GET", endpoint, "").object(t, http.StatusOK)
			if won < 0 || read["name"] != fmt.Sprintf("Writer %d", won) || read["enabled"] != (won%2 == 0) {
				t.Errorf("%d won, and it is %v, %v", won, read["name"], read["enabled"])
			}
		})
	})
}
