package web

import (
	"bytes"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"hookwell/models"
	"hookwell/webhook"
)

// manyWrong is an event's data with a list of wrong elements, of so many bytes.
func manyWrong(size int) string {
	const head, tail = `{"permissions":[`, `1]}`
	return head + strings.Repeat("1,", (size-len(head)-len(tail))/2) + tail
}

// memoryFor returns how many bytes a call takes of the memory, given back or not.
func memoryFor(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestAnswersToFaultsStaySmall sends what has a fault for every other byte.
func TestAnswersToFaultsStaySmall(t *testing.T) {
	t.Run("batch", func(t *testing.T) {
		f := newAPIFixture(t)
		event := `{"type":"api_key.created","data":` + manyWrong(webhook.MaxData) + `}`
		batch := batchOf(strings.Split(strings.Repeat(event+"\n", 31), "\n")[:31]...)
		var r reply
		allocated := memoryFor(func() { r = f.call(t, f.key, "POST", "/api/v1/events/batch", batch) })
		var answer batchReply
		r.into(t, http.StatusOK, &answer)
		listed, counted := 0, 0
		for _, result := range answer.Data {
			for _, fault := range result.Problem.Errors {
				if fault.Field != "" {
					listed++
				} else if strings.HasSuffix(fault.Message, " more") {
					counted++
				}
			}
		}
		if listed != maxBatchFaults || counted != 31 {
			t.Errorf("%d faults are listed, and %d events say how many more they have", listed, counted)
		}
		if len(r.body) > 256<<10 {
			t.Errorf("the answer has %d bytes", len(r.body))
		}
		t.Logf("an answer of %d bytes, %d MiB allocated", len(r.body), allocated>>20)
		if f.count(t, "events") != 0 {
			t.Error("an event was accepted")
		}
	})
	t.Run("batch of members", func(t *testing.T) {
		f := newAPIFixture(t)
		var members bytes.Buffer
		for range 90 {
			members.WriteString(`,"` + strings.Repeat("\x7f", 30) + `":1`)
		}
		r := f.call(t, f.key, "POST", "/api/v1/events/batch", batchOf(strings.Split(strings.Repeat(`{"type":1`+members.String()+"}\n", 1000), "\n")[:1000]...))
		if r.status != http.StatusOK || len(r.body) > 1<<20 {
			t.Errorf("status %d, %d bytes", r.status, len(r.body))
		}
	})
	t.Run("lists", func(t *testing.T) {
		f := newAPIFixture(t)
		numbers := "[" + strings.Repeat("1,", 100_000) + "1]"
		for path, body := range map[string]string{
			"/api/v1/endpoints":                            `{"url":"https://example.com","eventTypes":` + numbers + `}`,
			"/api/v1/endpoints?":                           `{"url":"https://example.com","eventTypes":["*"],"schedule":` + strings.ReplaceAll(numbers, "1", "1.5") + `}`,
			"/api/v1/endpoints?a":                          `{"url":"https://example.com","eventTypes":["` + strings.Repeat("no.such", 20_000) + `"]}`,
			"/api/v1/organizations":                        `{"name":"a","endpoints":` + numbers + `}`,
			"/api/v1/endpoints?b":                          `{"` + strings.Repeat("x", 100_000) + `":1}`,
			"/api/v1/endpoints?c":                          `{"url":"https://example.com","eventTypes":["*"],"headers":{"` + strings.Repeat("é", 100_000) + `":"v"}}`,
			"/api/v1/events?x=" + strings.Repeat("a", 500): `{"type":"` + strings.Repeat("t", 100_000) + `","data":{}}`,
		} {
			key := f.key
			if strings.Contains(path, "organizations") {
				key = f.platform
			}
			r := f.call(t, key, "POST", path, body)
			if r.status != http.StatusUnprocessableEntity || len(r.body) > 32<<10 {
				t.Errorf("%.30s: status %d and %d bytes", path, r.status, len(r.body))
			}
		}
	})
	t.Run("test form", func(t *testing.T) {
		s := newSite(t, nil)
		b, org := s.member(t, "Acme", models.RoleMember)
		in := models.NewEndpointInput()
		in.URL, in.EventTypes = receiver(t, 200, "").URL, []string{"*"}
		e, _, err := s.tenantOf(t, org).CreateEndpoint(t.Context(), in)
		must(t, err)
		data := manyWrong(webhook.MaxData)
		path := "/o/" + org.Slug + "/endpoints/" + e.ID + "/test"
		form := url.Values{"type": {"api_key.created"}, "data": {data}}
		part := b.post(t, path, form, "HX-Request", "true")
		wantStatus(t, part, http.StatusUnprocessableEntity)
		if len(part.body) > len(data)+32<<10 || !strings.Contains(part.body, " more") {
			t.Errorf("the part has %d bytes", len(part.body))
		}
		page := b.post(t, path, form)
		wantStatus(t, page, http.StatusUnprocessableEntity)
		if len(page.body) > 2*len(data) {
			t.Errorf("the page has %d bytes for %d of data", len(page.body), len(data))
		}
	})
}
