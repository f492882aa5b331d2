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
	// maxReferring is how many of them may be the API's reference, which anybody
	// may ask for and which costs as much as many others. It has turns of its own.
	maxReferring = 2
	// turnLimit is how long others wait for their turn.
	turnLimit = 5 * time.Second
	// takeLimit is how long a reader may take for an answer while there is no
	// room for others.
	takeLimit = 2 * time.Second
	// smallAnswer is what counts as the connection's own, in bytes.
	smallAnswer = 4 << 10
	// largeAnswer is from where on an answer leaves room for others: a quarter of
	// the memory is kept from larger ones, so that forms and reports go on however
	// many of these nobody takes.
	largeAnswer = 64 << 10
	// maxLargeWaiting and maxWaiting are how many drawn answers wait for room at
	// once, larger and others. Whoever comes beyond is refused.
	maxLargeWaiting = 32
	maxWaiting      = 128
)

// errNoTurn is an answer that there is no room for.
var errNoTurn = &models.Error{Kind: models.Unavailable, Code: refusal.CodeBusy, RetryAfter: turnLimit,
	Message: "The server has as many pages to draw as it can. Try again in some seconds."}

// answerMemory bounds the bytes of the answers that wait until their readers take
// them.
type answerMemory struct {
	limit int64
	log   *slog.Logger

	waiting, largeWaiting chan struct{} // those who wait for room

	mu        sync.Mutex
	used      int64
	usedLarge int64 // of that, by large answers
	held      map[*connection]heldAnswer
	freed     chan struct{} // closed, and made anew, when there is more room
	givenUp   refusalCount
}

type heldAnswer struct {
	size  int64
	since time.Time
}

func newAnswerMemory(limit int64, log *slog.Logger) *answerMemory {
	return &answerMemory{limit: limit, log: log, waiting: make(chan struct{}, maxWaiting), largeWaiting: make(chan struct{}, maxLargeWaiting),
		held: map[*connection]heldAnswer{}, freed: make(chan struct{})}
}

// hold makes room for an answer on a connection, until release. While there is
// none it gives up the answer whose reader has taken the longest, and fails with
// errNoTurn when that doesn't help in time, or at once when too many wait
// already. Before it waits it calls endTurn, so that nobody's page has to wait
// until another's is taken.
func (m *answerMemory) hold(ctx context.Context, c *connection, size int64, endTurn func()) error {
	freed, wait := m.try(c, size, time.Now())
	if freed == nil {
		return nil
	}
	waiting := m.waiting
	if size > largeAnswer {
		waiting = m.largeWaiting
	}
	select {
	case waiting <- struct{}{}:
		defer func() { <-waiting }()
	default:
		return errNoTurn
	}
	endTurn()
	ctx, cancel := context.WithTimeout(ctx, turnLimit)
	defer cancel()
	for {
		later := time.NewTimer(wait)
		select {
		case <-freed:
		case <-later.C:
		case <-ctx.Done():
			later.Stop()
			return errNoTurn
		}
		later.Stop()
		if freed, wait = m.try(c, size, time.Now()); freed == nil {
			return nil
		}
	}
}

// try holds the answer if there is room, and returns nil. Else it returns what is
// closed when there is more, and when to try again at the latest.
func (m *answerMemory) try(c *connection, size int64, now time.Time) (freed <-chan struct{}, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for !m.fits(size) {
		oldest, since := m.oldest(size > largeAnswer)
		if taken := now.Sub(since); taken < takeLimit {
			return m.freed, takeLimit - taken
		}
		oldest.giveUp()
		m.drop(oldest)
		if count, due := m.givenUp.add(now); due {
			m.log.Warn("answers given up whose readers are slow", "count", count, "bytes", m.used, "last", oldest.address.String())
		}
	}
	m.count(size)
	m.held[c] = heldAnswer{size, now}
	return nil, 0
}

// fits reports whether there is room. One that is larger than all of it fits
// where it is alone.
func (m *answerMemory) fits(size int64) bool {
	kept, others := m.limit/4, m.used-m.usedLarge
	if size > largeAnswer {
		return m.used == 0 || m.usedLarge+size <= m.limit-kept && m.used+size <= m.limit
	}
	return others == 0 || others+size <= kept || m.used+size <= m.limit
}

// count adds the bytes of an answer, or takes them away.
func (m *answerMemory) count(size int64) {
	m.used += size
	if size > largeAnswer || -size > largeAnswer {
		m.usedLarge += size
	}
}

// oldest returns the connection that has held an answer for the longest, of those of
// the same kind if there are any.
func (m *answerMemory) oldest(large bool) (oldest *connection, since time.Time) {
	like := false
	for c, held := range m.held {
		switch alike := held.size > largeAnswer == large; {
		case like && !alike:
		case oldest == nil || alike && !like || held.since.Before(since):
			oldest, since, like = c, held.since, alike
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
	m.count(-held.size)
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
	if err := s.answers.hold(c.UserContext(), conn, int64(len(c.Response().Body())), func() { s.endTurn(v) }); err != nil {
		return s.answerError(c, err)
	}
	return nil
}

// inTurn lets so many pages at once be made ready and drawn. It is for requests
// that wait for the database alone, and for no body.
func (s *Server) inTurn(c *fiber.Ctx) error {
	if !unsafe(c.Method()) {
		if err := s.beginTurn(c, s.drawing); err != nil {
			return err
		}
	}
	return c.Next()
}

// inTurnOfReference is inTurn for the API's reference.
func (s *Server) inTurnOfReference(c *fiber.Ctx) error {
	if err := s.beginTurn(c, s.referring); err != nil {
		return err
	}
	return c.Next()
}

// beginTurn waits for the request's turn to draw, which lasts until its answer is
// kept, or waits for room. It fails with errNoTurn.
func (s *Server) beginTurn(c *fiber.Ctx, turns chan struct{}) error {
	v := s.visit(c)
	if v.turn != nil {
		return nil
	}
	select {
	case turns <- struct{}{}:
		v.turn = turns
		return nil
	default:
	}
	later := time.NewTimer(turnLimit)
	defer later.Stop()
	select {
	case turns <- struct{}{}:
		v.turn = turns
		return nil
	case <-later.C:
		return errNoTurn
	}
}

func (s *Server) endTurn(v *visit) {
	if v.turn != nil {
		<-v.turn
		v.turn = nil
	}
}

// sendShared answers what is in memory once for all.
func (s *Server) sendShared(c *fiber.Ctx, content []byte) error {
	s.visit(c).shared = true
	return c.Send(content)
}
