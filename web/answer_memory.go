package web

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/web/refusal"
)

const (
	// maxDrawing is how many pages are drawn at once. Each is in memory whole.
	maxDrawing = 32
	// turnLimit is how long others wait for their turn.
	turnLimit = 5 * time.Second
	// takeLimit is how long a reader may take for an answer while there is no
	// room for others.
	takeLimit = 2 * time.Second
	// smallAnswer is what counts as the connection's own, in bytes.
	smallAnswer = 4 << 10
)

// errNoTurn is an answer that there is no room for.
var errNoTurn = &models.Error{Kind: models.Unavailable, Code: refusal.CodeBusy, RetryAfter: turnLimit,
	Message: "The server has as many pages to draw as it can. Try again in some seconds."}

// answerMemory bounds the bytes of the answers that wait until their readers take
// them.
type answerMemory struct {
	limit int64
	log   *slog.Logger

	mu      sync.Mutex
	used    int64
	held    map[*connection]heldAnswer
	freed   chan struct{} // closed, and made anew, when there is more room
	givenUp refusalCount
}

type heldAnswer struct {
	size  int64
	since time.Time
}

func newAnswerMemory(limit int64, log *slog.Logger) *answerMemory {
	return &answerMemory{limit: limit, log: log, held: map[*connection]heldAnswer{}, freed: make(chan struct{})}
}

// hold makes room for an answer on a connection, until release. While there is
// none it gives up the answer whose reader has taken the longest, and fails with
// errNoTurn when that doesn't help in time.
func (m *answerMemory) hold(ctx context.Context, c *connection, size int64) error {
	ctx, cancel := context.WithTimeout(ctx, turnLimit)
	defer cancel()
	for {
		freed, wait := m.try(c, size, time.Now())
		if freed == nil {
			return nil
		}
		later := time.NewTimer(wait)
		select {
		case <-freed:
		case <-later.C:
		case <-ctx.Done():
			later.Stop()
			return errNoTurn
		}
		later.Stop()
	}
}

// try holds the answer if there is room, and returns nil. Else it returns what is
// closed when there is more, and when to try again at the latest.
func (m *answerMemory) try(c *connection, size int64, now time.Time) (freed <-chan struct{}, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.used > 0 && m.used+size > m.limit {
		oldest, since := m.oldest()
		if taken := now.Sub(since); taken < takeLimit {
			return m.freed, takeLimit - taken
		}
		oldest.giveUp()
		m.drop(oldest)
		if count, due := m.givenUp.add(now); due {
			m.log.Warn("answers given up whose readers are slow", "count", count, "bytes", m.used, "last", oldest.address.String())
		}
	}
	m.used += size
	m.held[c] = heldAnswer{size, now}
	return nil, 0
}

// oldest is the connection that has held an answer for the longest.
func (m *answerMemory) oldest() (oldest *connection, since time.Time) {
	for c, held := range m.held {
		if oldest == nil || held.since.Before(since) {
			oldest, since = c, held.since
		}
	}
	return oldest, since
}

// release gives the room of a connection's answer back.
func (m *answerMemory) release(c *connection) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(c)
}

func (m *answerMemory) drop(c *connection) {
	held, ok := m.held[c]
	if !ok {
		return
	}
	m.used -= held.size
	delete(m.held, c)
	close(m.freed)
	m.freed = make(chan struct{})
}

// keepAnswer counts what a handler has answered until its reader has taken it,
// and lets the next page be drawn.
func (s *Server) keepAnswer(c *fiber.Ctx) error {
	v := s.visit(c)
	defer s.endTurn(v)
	if err := c.Next(); err != nil {
		return err
	}
	conn, ok := c.Context().Conn().(*connection)
	if !ok || v.shared || c.Response().IsBodyStream() || len(c.Response().Body()) <= smallAnswer {
		return nil
	}
	conn.answers = s.answers
	if err := s.answers.hold(c.UserContext(), conn, int64(len(c.Response().Body()))); err != nil {
		return s.answerError(c, err)
	}
	return nil
}

// inTurn lets so many pages at once be made ready and drawn. It is for requests
// that wait for the database alone, and for no body.
func (s *Server) inTurn(c *fiber.Ctx) error {
	if !unsafe(c.Method()) {
		if err := s.beginTurn(c); err != nil {
			return err
		}
	}
	return c.Next()
}

// beginTurn waits for the request's turn to draw, which lasts until its answer is
// kept. It fails with errNoTurn.
func (s *Server) beginTurn(c *fiber.Ctx) error {
	v := s.visit(c)
	if v.turn {
		return nil
	}
	select {
	case s.drawing <- struct{}{}:
		v.turn = true
		return nil
	default:
	}
	later := time.NewTimer(turnLimit)
	defer later.Stop()
	select {
	case s.drawing <- struct{}{}:
		v.turn = true
		return nil
	case <-later.C:
		return errNoTurn
	}
}

func (s *Server) endTurn(v *visit) {
	if v.turn {
		v.turn = false
		<-s.drawing
	}
}

// sendShared answers what is in memory once for all.
func (s *Server) sendShared(c *fiber.Ctx, content []byte) error {
	s.visit(c).shared = true
	return c.Send(content)
}
