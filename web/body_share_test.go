package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"hookwell/internal/apitest"
	"hookwell/models"
	"hookwell/web/api"
	"hookwell/web/request"
)

// holdBodies opens connections that each send a part of a body and no more. When
// it returns, the server has taken from each what it takes.
func holdBodies(t *testing.T, n int, from, host, head string, part []byte) (conns []net.Conn) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	written := make(chan struct{}, n)
	for range n {
		conn, err := dialer.Dial("tcp", host)
		must(t, err)
		t.Cleanup(func() { conn.Close() })
		must(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
		conns = append(conns, conn)
		go func() {
			_, _ = io.WriteString(conn, head)
			_, _ = conn.Write(part) // a refusal may end it
			written <- struct{}{}
		}()
	}
	for range n {
		<-written
	}
	return conns
}

// An organization that fills its share of the memory for bodies keeps nobody
// else's reports out, nor its own short ones.
func TestBodies_of_one_key_leave_room(t *testing.T) {
	t.Parallel()
	for _, n := range []int{8, 64} {
		t.Run(fmt.Sprintf("beside_%d_halves_of_batches", n), func(t *testing.T) {
			f := newAPIFixture(t)
			f.server.bodies.limit = 32 << 20 // the default
			host := strings.TrimPrefix(f.Base, "http://")
			half := []byte(`{"events":[` + strings.Repeat(" ", 4<<20))
			conns := holdBodies(t, n, "127.0.0.1", host, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
				api.BatchPath, host, f.Key, api.MaxBatchBytes), half)
			item := apitest.Report(t, "org.created")
			list := strings.Repeat(item+",", 100) + item
			batch := `{"events":[` + list + `]` + strings.Repeat(" ", 1<<20-len(list)) + `}`
			longer := item + strings.Repeat(" ", 20<<10) // beyond what needs no share
			for range 10 {
				for _, one := range []struct {
					of, key, path, body string
					want                int
				}{
					{"another's report", f.OtherKey, api.EventsPath, item, http.StatusAccepted},
					{"another's longer report", f.OtherKey, api.EventsPath, longer, http.StatusAccepted},
					{"another's batch", f.OtherKey, api.BatchPath, batch, http.StatusOK},
					{"the platform's batch", f.Platform, api.BatchPath, batch, http.StatusOK},
					{"its own report", f.Key, api.EventsPath, item, http.StatusAccepted},
					{"its own longer report", f.Key, api.EventsPath, longer, http.StatusAccepted},
				} {
					if answer := f.Call(t, one.key, "POST", one.path, one.body); answer.Status != one.want {
						t.Fatalf("%s: status %d, want %d: %s", one.of, answer.Status, one.want, answer.Body)
					}
				}
			}
			refused := 0
			for _, conn := range conns {
				response, err := http.ReadResponse(bufio.NewReader(conn), nil)
				must(t, err)
				if refused++; response.StatusCode != http.StatusRequestTimeout && response.StatusCode != http.StatusServiceUnavailable || !response.Close {
					t.Errorf("a half is answered with %d, closes: %t; want 408 or 503, and the end", response.StatusCode, response.Close)
				}
			}
			wantFreeBodies(t, f.server)
			if lines := strings.Count(f.Log.String(), "request bodies refused"); lines != 1 || strings.Contains(f.Log.String(), "request failed") {
				t.Errorf("the log says %d times that bodies were refused, want once for %d: %s", lines, refused, f.Log)
			}
		})
	}
}

// wantFreeBodies waits for the handlers that are at their ends, and fails if a
// body's memory stays counted.
func wantFreeBodies(t *testing.T, s *Server) {
	t.Helper()
	must(t, s.app.ShutdownWithContext(context.Background()))
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	if s.bodies.used != (bodyUse{}) || s.bodies.strangers != (bodyUse{}) || len(s.bodies.owners) > 0 {
		t.Errorf("after all, %+v is used, %+v by strangers, by %d owners", s.bodies.used, s.bodies.strangers, len(s.bodies.owners))
	}
}

func TestSignIn_works_beside_slow_strangers(t *testing.T) {
	t.Parallel()
	for _, size := range []int{64 << 10, doorBody} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			s := newSite(t, func(o *Options) { o.BodyMemory = 32 << 20 })
			member, _ := s.member(t, "Acme", models.RoleOwner)
			host := s.BaseURL.Host
			conns := holdBodies(t, 500, "127.0.0.2", host, fmt.Sprintf("POST /login HTTP/1.1\r\nHost: %s\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n",
				host, size), []byte("email="+strings.Repeat("a", size-100)))
			for _, next := range []string{"/orgs", "/orgs?" + strings.Repeat("a", 6<<10)} { // a body that needs none of a share, and one that does
				b := s.browser(t)
				answer := b.post(t, "/login", url.Values{"email": {member.email}, "password": {password}, "next": {next}})
				if answer.StatusCode != http.StatusSeeOther {
					t.Errorf("a sign-in from elsewhere gets %d", answer.StatusCode)
				}
			}
			for _, conn := range conns {
				response, err := http.ReadResponse(bufio.NewReader(conn), nil)
				must(t, err)
				want := map[int]bool{http.StatusRequestTimeout: true, http.StatusServiceUnavailable: true}
				if size > doorBody {
					want = map[int]bool{http.StatusRequestEntityTooLarge: true}
				}
				if !want[response.StatusCode] || !response.Close {
					t.Fatalf("a slow form is answered with %d, closes: %t; want %v", response.StatusCode, response.Close, want)
				}
			}
			wantFreeBodies(t, s.Server)
			if lines := strings.Count(s.log.String(), "request bodies refused"); size <= doorBody && lines != 1 {
				t.Errorf("the log says %d times that bodies were refused, want once", lines)
			}
		})
	}
}

func TestBodyBudget(t *testing.T) {
	budget := func(limit int64) *bodyBudget {
		return &bodyBudget{limit: limit, log: slog.New(slog.DiscardHandler)}
	}
	// filled takes bodies of a size until one doesn't fit.
	filled := func(b *bodyBudget, owner request.Owner, c claim) (n int64) {
		for b.change(owner, claim{}, c) {
			n++
		}
		return n
	}
	stranger := func(address string) request.Owner {
		conn := &fromAddress{address: address}
		return request.Owner{Network: (newConnections(ConnectionLimits{}, nil, slog.New(slog.DiscardHandler)).admit(conn)).(*connection).address}
	}
	a, b, c := request.Owner{ID: "a"}, request.Owner{ID: "b"}, request.Owner{ID: "c"}
	t.Run("takes_one_batch_whatever_its_limit", func(t *testing.T) {
		for _, limit := range []int64{MinBodyMemory, 32 << 20, 64 << 20} {
			if !budget(limit).change(a, claim{}, claim{api.MaxBatchBytes + 1, true}) {
				t.Errorf("of %d bytes there is none for a batch", limit)
			}
		}
	})
	t.Run("gives_a_quarter_in_large_bodies_to_one", func(t *testing.T) {
		if got := filled(budget(128<<20), a, claim{1 << 20, true}); got != 32 {
			t.Errorf("one owner has %d MiB of 128 in large bodies", got)
		}
	})
	t.Run("keeps_a_quarter_from_large_bodies_and_half_from_one_owner", func(t *testing.T) {
		all := budget(128 << 20)
		for i, owner := range []request.Owner{a, b, c} {
			if got := filled(all, owner, claim{1 << 20, true}); got != 32 {
				t.Fatalf("owner %d has %d MiB", i, got)
			}
		}
		if filled(all, request.Owner{ID: "d"}, claim{smallBody + 1, true}) > 0 {
			t.Error("large bodies take what is kept for small ones")
		}
		if got := filled(all, a, claim{smallBody, false}); got != 32<<4 {
			t.Errorf("beside large bodies an owner has %d small ones", got)
		}
	})
	t.Run("gives_a_network_a_sixteenth", func(t *testing.T) {
		all := budget(32 << 20)
		near, next := stranger("[2001:db8::1]:1"), stranger("[2001:db8::ffff]:1")
		if got := filled(all, near, claim{8 << 10, false}); got != 256 || filled(all, next, claim{8 << 10, false}) > 0 {
			t.Errorf("a network of strangers has %d bodies, or more from its other addresses", got)
		}
		for i := range 3 {
			if got := filled(all, stranger(fmt.Sprintf("203.0.113.%d:1", i)), claim{8 << 10, false}); got != 256 {
				t.Errorf("another network has %d", got)
			}
		}
		if filled(all, stranger("203.0.113.9:1"), claim{8 << 10, false}) > 0 {
			t.Error("strangers have more than a quarter")
		}
		if !all.change(a, claim{}, claim{api.MaxBatchBytes, true}) {
			t.Error("strangers keep a batch out")
		}
	})
	t.Run("takes_one_long_body_of_a_stranger", func(t *testing.T) {
		all := budget(32 << 20)
		first := stranger("203.0.113.1:1")
		if !all.change(first, claim{}, claim{4 << 20, true}) || all.change(first, claim{}, claim{8 << 10, false}) {
			t.Error("a stranger's only body isn't taken up to an eighth, or another one is beside it")
		}
		if all.change(stranger("203.0.113.2:1"), claim{}, claim{4<<20 + 1, true}) {
			t.Error("a stranger's only body has more than an eighth")
		}
	})
	t.Run("is_free_again", func(t *testing.T) {
		all := budget(32 << 20)
		steps := []claim{{}, {8 << 10, false}, {smallBody, false}, {2 * smallBody, true}, {}}
		for _, owner := range []request.Owner{a, stranger("203.0.113.1:1")} {
			for i := range steps[1:] {
				if !all.change(owner, steps[i], steps[i+1]) {
					t.Fatalf("%v was refused", steps[i+1])
				}
			}
		}
		if all.used != (bodyUse{}) || all.strangers != (bodyUse{}) || len(all.owners) != 0 {
			t.Errorf("%+v, %+v of strangers, %d owners are left", all.used, all.strangers, len(all.owners))
		}
	})
}

func TestPacing(t *testing.T) {
	at := func(seconds float64) time.Time {
		return time.Unix(1000, 0).Add(time.Duration(seconds * float64(time.Second)))
	}
	limit := at(30)
	known := pacing{bodyPace: keyPace, on: true}
	for _, step := range []struct {
		now  float64
		came int
		want float64
	}{
		{0, 0, 5},             // silent
		{4, 100, 9},           // slow, but something comes
		{8, 100, 10},          // and too slow by then
		{9, 64 << 10, 12.006}, // two seconds' worth more
		{10, 1 << 20, 15},
		{28, 8 << 20, 30},
	} {
		known.arrived(step.came, nil)
		if got := known.deadline(at(step.now), limit); got.Sub(at(step.want)).Abs() > 10*time.Millisecond {
			t.Errorf("at %g s, after %d bytes, the next piece must come by %v", step.now, known.came, got.Sub(at(0)))
		}
	}
	door := pacing{bodyPace: doorPace, on: true}
	for _, now := range []float64{0, 2, 4} {
		if got := door.deadline(at(now), limit); !got.Equal(at(5)) {
			t.Errorf("at %g s a stranger's form must come by %v", now, got.Sub(at(0)))
		}
		door.arrived(4000, nil)
	}
	source := pacing{bodyPace: paceOf(request.Owner{}, 1<<20), on: true}
	for _, step := range []struct {
		now  float64
		came int
		want float64
	}{{0, 0, 5}, {4, 500, 5.008}, {5, 128 << 10, 7.008}, {6, 1 << 20, 11}} {
		source.arrived(step.came, nil)
		if got := source.deadline(at(step.now), limit); got.Sub(at(step.want)).Abs() > 10*time.Millisecond {
			t.Errorf("at %g s, after %d bytes, the next piece of a stranger's body to a source must come by %v", step.now, source.came, got.Sub(at(0)))
		}
	}
}
