package api_test

import (
	"bytes"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"hookwell/internal/apitest"
	"hookwell/webhook"
)

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
		f := newFixture(t)
		event := `{"type":"api_key.created","data":` + apitest.WrongData(webhook.MaxData) + `}`
		batch := batchOf(strings.Split(strings.Repeat(event+"\n", 31), "\n")[:31]...)
		var r apitest.Reply
		allocated := memoryFor(func() { r = f.Call(t, f.Key, "POST", "/api/v1/events/batch", batch) })
		var answer batchReply
		r.Into(t, http.StatusOK, &answer)
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
		if listed != 500 || counted != 31 {
			t.Errorf("%d faults are listed, and %d events say how many more they have", listed, counted)
		}
		if len(r.Body) > 256<<10 {
			t.Errorf("the answer has %d bytes", len(r.Body))
		}
		t.Logf("an answer of %d bytes, %d MiB allocated", len(r.Body), allocated>>20)
		if f.Count(t, "events") != 0 {
			t.Error("an event was accepted")
		}
	})
	t.Run("batch of members", func(t *testing.T) {
		f := newFixture(t)
		var members bytes.Buffer
		for range 90 {
			members.WriteString(`,"` + strings.Repeat("\x7f", 30) + `":1`)
		}
		r := f.Call(t, f.Key, "POST", "/api/v1/events/batch", batchOf(strings.Split(strings.Repeat(`{"type":1`+members.String()+"}\n", 1000), "\n")[:1000]...))
		if r.Status != http.StatusOK || len(r.Body) > 1<<20 {
			t.Errorf("status %d, %d bytes", r.Status, len(r.Body))
		}
	})
	t.Run("lists", func(t *testing.T) {
		f := newFixture(t)
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
			key := f.Key
			if strings.Contains(path, "organizations") {
				key = f.Platform
			}
			r := f.Call(t, key, "POST", path, body)
			if r.Status != http.StatusUnprocessableEntity || len(r.Body) > 32<<10 {
				t.Errorf("%.30s: status %d and %d bytes", path, r.Status, len(r.Body))
			}
		}
	})
}
