package apitest

import (
	"encoding/json"
	"net/http"
	"testing"
)

// Reply is an answer of the API.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Problem is an error as RFC 9457 has it.
type Problem struct {
	Type, Title, Code, Detail, RequestID string
	Status                               int
	Errors                               []struct{ Field, Message string }
}

// Into reads the answer, which must have the status.
func (r Reply) Into(t testing.TB, status int, target any) {
	t.Helper()
	if r.Status != status {
		t.Fatalf("status %d, want %d: %s", r.Status, status, r.Body)
	}
	if err := json.Unmarshal(r.Body, target); err != nil {
		t.Fatalf("%v in %s", err, r.Body)
	}
}

// Object reads the answer as a JSON object; it must have the status.
func (r Reply) Object(t testing.TB, status int) map[string]any {
	t.Helper()
	var object map[string]any
	r.Into(t, status, &object)
	return object
}

// IsProblem checks a refusal; field "" asks for none.
func (r Reply) IsProblem(t testing.TB, status int, code, field string) {
	t.Helper()
	var body Problem
	r.Into(t, status, &body)
	if got := r.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	if body.Status != status || body.Code != code || body.Type != "about:blank" || body.Title != http.StatusText(status) || body.Detail == "" {
		t.Errorf("problem %+v, want status %d and code %s", body, status, code)
	}
	if body.RequestID == "" || body.RequestID != r.Header.Get("X-Request-Id") {
		t.Errorf("request id %q, header %q", body.RequestID, r.Header.Get("X-Request-Id"))
	}
	if field == "" {
		if len(body.Errors) > 0 {
			t.Errorf("errors %+v, want none", body.Errors)
		}
		return
	}
	for _, e := range body.Errors {
		if e.Field == field && e.Message != "" {
			return
		}
	}
	t.Errorf("errors %+v, want one at %s", body.Errors, field)
}
