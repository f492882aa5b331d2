package web

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/store"
)

// openStream is a browser that listens.
type openStream struct {
	*bufio.Reader
	response *http.Response
}

func (b *browser) listen(t *testing.T, slug string) *openStream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	response, err := b.client.Do(b.request(t, http.MethodGet, "/o/"+slug+"/stream", nil, "Accept", "text/event-stream").WithContext(ctx))
	must(t, err)
	t.Cleanup(func() { response.Body.Close() })
	return &openStream{bufio.NewReader(response.Body), response}
}

// next is the next event's text, without the heartbeats.
func (s *openStream) next(t *testing.T) string {
	t.Helper()
	var lines []string
	for {
		line, err := s.ReadString('\n')
		must(t, err)
		switch line = strings.TrimSpace(line); {
		case line == "" && len(lines) > 0:
			return strings.Join(lines, "\n")
		case line != "" && !strings.HasPrefix(line, ":") && !strings.HasPrefix(line, "retry:"):
			lines = append(lines, line)
		}
	}
}

// wantEnd reads until the stream ends; the stream's context is the limit.
func (s *openStream) wantEnd(t *testing.T) {
	t.Helper()
	if _, err := io.Copy(io.Discard, s); err != nil {
		t.Errorf("the stream did not end: %v", err)
	}
}

func (s *site) openStreams() int {
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	return len(s.streams.open)
}

func liveSite(t *testing.T) *site {
	s := newSite(t, nil)
	s.streams.heartbeat = 20 * time.Millisecond
	return s
}

func TestStream(t *testing.T) {
	t.Run("carries_ids_of_its_organization_alone", func(t *testing.T) {
		s := liveSite(t)
		b, org := s.member(t, "Acme", models.RoleGuest)
		_, other := s.member(t, "Globex", models.RoleOwner)
		stream := b.listen(t, org.Slug)
		if got := stream.response.Header.Get("Content-Type"); got != "text/event-stream" {
			t.Errorf("Content-Type %q", got)
		}
		s.feed.publish(other.ID, "dlv_theirs")
		s.feed.publish(org.ID, "dlv_1", "dlv_2")
		if got, want := stream.next(t), "event: deliveries\ndata: [\"dlv_1\",\"dlv_2\"]"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	for name, end := range map[string]func(t *testing.T, s *site, b *browser, org *models.Organization){
		"its_membership": func(t *testing.T, s *site, _ *browser, _ *models.Organization) { s.exec(t, `DELETE FROM members`) },
		"its_role": func(t *testing.T, s *site, _ *browser, _ *models.Organization) {
			s.exec(t, `UPDATE members SET role = 'guest'`)
		},
		"its_organization": func(t *testing.T, s *site, _ *browser, _ *models.Organization) {
			s.exec(t, `UPDATE organizations SET deleted_at = created_at`)
		},
		"its_session": func(t *testing.T, _ *site, b *browser, _ *models.Organization) { b.post(t, "/logout", nil) },
		"its_password": func(t *testing.T, s *site, b *browser, _ *models.Organization) {
			must(t, s.Store.Operator().ResetPassword(t.Context(), b.email, models.PasswordChange{New: "another long passphrase"}))
		},
		"its_time": func(_ *testing.T, s *site, _ *browser, _ *models.Organization) {
			s.clock.Advance(store.SessionIdle + time.Minute)
		},
		"the_feed": func(_ *testing.T, s *site, _ *browser, org *models.Organization) { s.feed.end(org.ID) },
		"the_server": func(t *testing.T, s *site, _ *browser, _ *models.Organization) {
			must(t, s.Shutdown(t.Context()))
		},
	} {
		t.Run("ends_with_"+name, func(t *testing.T) {
			s := liveSite(t)
			b, org := s.member(t, "Acme", models.RoleOwner)
			stream := b.listen(t, org.Slug)
			s.feed.publish(org.ID, "dlv_1")
			stream.next(t)
			end(t, s, b, org)
			stream.wantEnd(t)
		})
	}
	t.Run("gives_way_to_a_newer_one_when_its_session_has_many", func(t *testing.T) {
		s := liveSite(t)
		b, org := s.member(t, "Acme", models.RoleOwner)
		other, _ := s.member(t, org.ID, models.RoleGuest)
		others := other.listen(t, org.Slug)
		var own []*openStream
		for range maxStreams + 1 {
			own = append(own, b.listen(t, org.Slug))
		}
		own[0].wantEnd(t)
		s.feed.publish(org.ID, "dlv_1")
		for _, stream := range append(own[1:], others) {
			stream.next(t)
		}
	})
	t.Run("gives_back_what_it_holds_when_its_reader_leaves", func(t *testing.T) {
		s := liveSite(t)
		b, org := s.member(t, "Acme", models.RoleOwner)
		b.listen(t, org.Slug).response.Body.Close()
		deadline := time.After(20 * time.Second)
		for left := 1; left > 0; {
			select {
			case <-deadline:
				t.Fatal("the stream is still held")
			case <-time.After(time.Millisecond):
			}
			left = s.openStreams()
		}
	})
	t.Run("is_not_for_who_has_not_signed_in", func(t *testing.T) {
		s := liveSite(t)
		_, org := s.member(t, "Acme", models.RoleOwner)
		if got := s.browser(t).listen(t, org.Slug).response.StatusCode; got != http.StatusUnauthorized {
			t.Errorf("status %d", got)
		}
	})
	t.Run("holds_no_request_by_its_method", func(t *testing.T) {
		s := liveSite(t)
		b, org := s.member(t, "Acme", models.RoleOwner)
		wantStatus(t, b.do(t, b.request(t, http.MethodHead, "/o/"+org.Slug+"/stream", nil)), http.StatusOK)
		if s.openStreams() != 0 {
			t.Error("a HEAD request opened a stream")
		}
	})
}
