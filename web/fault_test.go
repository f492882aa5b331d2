package web

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/web/api"
	"hookwell/web/request"
)

const hidden = "connection to db-7 as hookwell:hunter2 failed"

// addFaults adds routes that fail as no route of ours should.
func (s *site) addFaults() {
	for _, prefix := range []string{"", "/api/v1"} {
		s.app.Get(prefix+"/fails", func(*fiber.Ctx) error { return errors.New(hidden) })
		s.app.Get(prefix+"/panics", func(*fiber.Ctx) error { panic(hidden) })
	}
	s.app.Get("/overlaps", func(*fiber.Ctx) error { s.overlap(); return nil })
}

func TestBoundary(t *testing.T) {
	s := newSite(t, nil)
	b, _ := s.member(t, "Acme", models.RoleOwner)
	for _, path := range []string{"/fails", "/panics", "/api/v1/fails", "/api/v1/panics"} {
		t.Run("unknown_error_is_a_500_with_an_id"+strings.ReplaceAll(path, "/", "_"), func(t *testing.T) {
			for _, htmx := range []string{"", "true"} {
				a := b.get(t, path, "HX-Request", htmx, "X-Request-Id", "chosen-by-the-client")
				wantStatus(t, a, http.StatusInternalServerError)
				id := a.Header.Get("X-Request-Id")
				if id == "" || id == "chosen-by-the-client" || !strings.Contains(a.body, id) {
					t.Errorf("the answer does not name its id %q: %s", id, a.body)
				}
				if strings.Contains(a.body, "hunter2") || strings.Contains(a.body, "goroutine") {
					t.Errorf("the answer tells of the fault: %s", a.body)
				}
				if log := s.log.String(); strings.Count(log, "request="+id+" method=GET route="+path+" status=500\n") != 1 || !strings.Contains(log, "hunter2") {
					t.Errorf("the fault is not logged once under its id: %s", log)
				}
			}
		})
	}
	t.Run("kind_of_answer_follows_the_path", func(t *testing.T) {
		for path, kind := range map[string]string{"/nothing": "text/html", "/api/v1/nothing": "application/problem+json", "/api/nothing": "application/problem+json", "/static/nothing": "text/html"} {
			a := b.get(t, path)
			wantStatus(t, a, http.StatusNotFound)
			if got := a.Header.Get("Content-Type"); !strings.HasPrefix(got, kind) {
				t.Errorf("%s answers %q, want %q", path, got, kind)
			}
		}
	})
	t.Run("wrong_method_is_405", func(t *testing.T) {
		wantStatus(t, b.do(t, b.request(t, http.MethodPut, "/login", nil)), http.StatusMethodNotAllowed)
		wantStatus(t, b.get(t, "/logout"), http.StatusMethodNotAllowed)
	})
	t.Run("large_body_is_413_but_for_the_batch", func(t *testing.T) {
		for _, path := range []string{"/login", "/api/v1/events"} {
			if got := s.announce(t, path, request.MaxBody+1); got != http.StatusRequestEntityTooLarge {
				t.Errorf("%s answers %d to a body that is too large", path, got)
			}
		}
		if got := s.announce(t, api.BatchPath, maxBatchBody+1); got != http.StatusRequestEntityTooLarge {
			t.Errorf("the batch answers %d to a body that is too large", got)
		}
		batch := b.request(t, http.MethodPost, api.BatchPath, url.Values{"data": {strings.Repeat("a", request.MaxBody)}})
		if a := b.do(t, batch); a.StatusCode == http.StatusRequestEntityTooLarge {
			t.Error("the batch of events takes no more than the rest")
		}
	})
	t.Run("large_headers_are_431", func(t *testing.T) {
		wantStatus(t, b.get(t, "/login", "X-Large", strings.Repeat("a", maxHeaders)), http.StatusRequestHeaderFieldsTooLarge)
	})
}

// announce sends a request's headers alone and returns the status.
func (s *site) announce(t *testing.T, path string, length int) int {
	t.Helper()
	conn, err := net.Dial("tcp", s.BaseURL.Host)
	must(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", path, s.BaseURL.Host, length)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	response.Body.Close()
	return response.StatusCode
}

// What no database takes as text is refused before it gets there.
func TestText_that_is_none_is_400(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleOwner)
		for _, path := range []string{"/o/%00", "/o/%ff", "/o/" + org.Slug + "/find?q=dlv_%00", "/o/" + org.Slug + "/deliveries?type=%ff"} {
			wantStatus(t, b.get(t, path), http.StatusBadRequest)
		}
		wantStatus(t, b.post(t, "/orgs", url.Values{"name": {"a\x00b"}}), http.StatusBadRequest)
		wantStatus(t, s.browser(t).post(t, "/login", url.Values{"email": {"\xff"}, "password": {password}}), http.StatusBadRequest)
	})
}
