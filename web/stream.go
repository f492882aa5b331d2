package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
)

// A stream's heartbeat asks again whether its reader may still read: a stream
// has to end within 15 s of its session, membership or role.
const (
	heartbeat   = 5 * time.Second
	askLimit    = 5 * time.Second
	maxStreams  = 6 // of one session; one more ends the oldest, most likely of a page that was left
	streamBegin = ": open\nretry: 2000\n\n"
)

// streams are the open streams of server-sent events.
type streams struct {
	heartbeat time.Duration
	closing   chan struct{}
	once      sync.Once
	mu        sync.Mutex
	open      map[string][]chan struct{} // by the session's token, the oldest first
}

func newStreams() *streams {
	return &streams{heartbeat: heartbeat, closing: make(chan struct{}), open: map[string][]chan struct{}{}}
}

// close ends all streams, and those that begin later at once.
func (s *streams) close() { s.once.Do(func() { close(s.closing) }) }

// add begins a stream of a session and answers what is closed when it has to
// give way to a newer one. A page that was left is noticed only at the next
// write, so refusing the newest would leave a hurried reader without any.
func (s *streams) add(token string) (giveWay chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	giveWay = make(chan struct{})
	own := append(s.open[token], giveWay)
	if len(own) > maxStreams {
		close(own[0])
		own = own[1:]
	}
	s.open[token] = own
	return giveWay
}

func (s *streams) remove(token string, stream chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := slices.DeleteFunc(s.open[token], func(other chan struct{}) bool { return other == stream })
	if s.open[token] = own; len(own) == 0 {
		delete(s.open, token)
	}
}

// reader is who reads a stream, as it was when the stream began.
type reader struct {
	token          string
	slug           string
	organizationID string
	who            string // the user's id, or the portal link's
	role           models.Role
	portal         bool // which has no pages of what sources receive
}

// stream sends the ids of the organization's deliveries that change. All that
// it needs of the request is read here: while the stream runs, Fiber has given
// the request back.
func (s *Server) stream(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no") // nginx would hold the events back
	if c.Method() == fiber.MethodHead {
		return nil
	}
	v := s.visit(c)
	r := reader{token: s.sessions.Token(c.UserContext()), slug: s.slug(c), organizationID: v.tenant.Organization().ID,
		who: v.userOrLink(), role: v.role, portal: v.portal != nil}
	giveWay := s.streams.add(r.token)
	changes, cancel := s.Feed.Subscribe(r.organizationID)
	c.Context().SetConnectionClose()
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer s.streams.remove(r.token, giveWay)
		defer cancel()
		s.run(r, changes, giveWay, w)
	})
	return nil
}

// ofReceiving reports whether an id is one of what sources receive.
func ofReceiving(id string) bool {
	return slices.ContainsFunc([]string{models.PrefixRequest, models.PrefixSource, models.PrefixReplay}, func(prefix string) bool { return strings.HasPrefix(id, prefix) })
}

// run writes until the reader leaves or may no longer read, the feed ends, or
// the server stops.
func (s *Server) run(r reader, changes <-chan []string, giveWay <-chan struct{}, w *bufio.Writer) {
	if !send(w, streamBegin) {
		return
	}
	beat := time.NewTicker(s.streams.heartbeat)
	defer beat.Stop()
	for {
		text := ":\n\n"
		select {
		case <-s.streams.closing:
			return
		case <-giveWay:
			return
		case ids, ok := <-changes:
			if r.portal {
				ids = slices.DeleteFunc(slices.Clone(ids), ofReceiving)
			}
			data, err := json.Marshal(ids)
			if !ok || err != nil {
				return
			}
			text = fmt.Sprintf("event: deliveries\ndata: %s\n\n", data)
		case <-beat.C:
			if !s.mayRead(r) {
				return
			}
		}
		if !send(w, text) {
			return
		}
	}
}

// send sends text at once and tells whether the reader is still there. Each
// write has the limit of every other: a stream needs none while it is silent.
func send(w *bufio.Writer, text string) bool {
	if _, err := w.WriteString(text); err != nil {
		return false
	}
	return w.Flush() == nil
}

// mayRead reads session, membership and role again. A question that gets no
// answer ends the stream too: the page opens another.
func (s *Server) mayRead(r reader) bool {
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	ctx, err := s.sessions.Load(ctx, r.token)
	if err != nil {
		return false
	}
	tenant, role, err := s.tenantOf(ctx, r)
	return err == nil && tenant != nil && role == r.role && tenant.Organization().ID == r.organizationID
}

// tenantOf returns the way of the session in ctx into the reader's organization; nil
// when it is somebody else's by now.
func (s *Server) tenantOf(ctx context.Context, r reader) (*store.Tenant, models.Role, error) {
	if id := s.sessions.GetString(ctx, keyPortal); id != "" {
		portal, err := s.portalIn(ctx, id, models.Actor{})
		if err != nil || portal == nil || id != r.who {
			return nil, "", err
		}
		return portal.Tenant(ctx, r.slug)
	}
	user, err := s.signedIn(ctx)
	if err != nil || user == nil || user.ID != r.who {
		return nil, "", err
	}
	return s.Store.As(user, models.Actor{}).Tenant(ctx, r.slug)
}
