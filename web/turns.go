package web

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/web/refusal"
	"hookwell/web/request"
)

const (
	// maxDrawing is how many pages are drawn at once. Each is in memory whole.
	maxDrawing = 32
	// maxReferring is how many of them may be the API's reference, which anybody
	// may ask for and which costs as much as many others. It has turns of its own.
	maxReferring = 2
	// maxReading is how many of the API's reads load and encode their rows at once,
	// and maxReadingEach how many of one organization or platform key: a slow list
	// of one must not take all of them.
	maxReading     = 16
	maxReadingEach = 12
	// maxBatching is how many batches are read and committed at once, likewise. A
	// batch of a few bytes each may take, and answer, some hundred times its size.
	maxBatching     = 64
	maxBatchingEach = 48
	// turnLimit is how long others wait for their turn.
	turnLimit = 5 * time.Second
)

// errNoTurn is an answer that there is no room for.
var errNoTurn = &models.Error{Kind: models.Unavailable, Code: refusal.CodeBusy, RetryAfter: turnLimit,
	Message: "The server makes as many answers as it can at once. Try again in some seconds."}

// turns bounds how many requests of one kind are answered at once. Whoever comes
// beyond waits; a turn that becomes free goes to the owner who waits next, so that
// one with many requests keeps no other out.
type turns struct {
	most, each int // over all, and of one owner

	mu       sync.Mutex
	taken    int
	lines    map[request.Owner]*turnLine // of those who have turns or wait
	rotation []*turnLine                 // of those who wait, the next first
}

type turnLine struct {
	owner   request.Owner
	taken   int
	waiting []chan struct{} // each is closed when it has its turn
}

func newTurns(most, each int) *turns {
	return &turns{most: most, each: each, lines: map[request.Owner]*turnLine{}}
}

// begin returns once it is the owner's turn, which lasts until end. It fails with
// errNoTurn if that takes longer than turnLimit or if the context ends.
func (t *turns) begin(ctx context.Context, owner request.Owner) (end func(), err error) {
	line, turn := t.join(owner)
	end = func() { t.end(line) }
	if turn == nil {
		return end, nil
	}
	ctx, cancel := context.WithTimeout(ctx, turnLimit)
	defer cancel()
	select {
	case <-turn:
		return end, nil
	case <-ctx.Done():
		if t.leave(line, turn) {
			return nil, errNoTurn
		}
		return end, nil // it came at the same moment
	}
}

// join takes a turn for the owner, or waits in the owner's line until the channel
// is closed.
func (t *turns) join(owner request.Owner) (line *turnLine, turn chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line = t.lines[owner]
	if line == nil {
		line = &turnLine{owner: owner}
		t.lines[owner] = line
	}
	if t.free(line) {
		t.count(line, 1)
		return line, nil
	}
	turn = make(chan struct{})
	if line.waiting = append(line.waiting, turn); len(line.waiting) == 1 {
		t.rotation = append(t.rotation, line)
	}
	return line, turn
}

func (t *turns) free(line *turnLine) bool { return t.taken < t.most && line.taken < t.each }

func (t *turns) count(line *turnLine, n int) {
	t.taken += n
	if line.taken += n; line.taken == 0 && len(line.waiting) == 0 {
		delete(t.lines, line.owner)
	}
}

// leave gives up waiting. It is false if the turn has come.
func (t *turns) leave(line *turnLine, turn chan struct{}) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(line.waiting, turn)
	if i < 0 {
		return false
	}
	if line.waiting = slices.Delete(line.waiting, i, i+1); len(line.waiting) == 0 {
		i := slices.Index(t.rotation, line)
		t.rotation = slices.Delete(t.rotation, i, i+1)
	}
	t.count(line, 0)
	return true
}

// end gives a turn back, and hands on what is free.
func (t *turns) end(line *turnLine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(line, -1)
	for {
		i := slices.IndexFunc(t.rotation, t.free)
		if i < 0 {
			return
		}
		next := t.rotation[i]
		t.rotation = slices.Delete(t.rotation, i, i+1)
		t.count(next, 1)
		close(next.waiting[0])
		if next.waiting = next.waiting[1:]; len(next.waiting) > 0 {
			t.rotation = append(t.rotation, next)
		}
	}
}

// inTurn lets so many pages at once be made ready and drawn. It is for requests
// that wait for the database alone, and for no body.
func (s *Server) inTurn(c *fiber.Ctx) error {
	if !unsafe(c.Method()) {
		if err := s.beginTurn(c, s.drawing, request.Owner{}); err != nil {
			return err
		}
	}
	return c.Next()
}

// inTurnOfReference is inTurn for the API's reference.
func (s *Server) inTurnOfReference(c *fiber.Ctx) error {
	if err := s.beginTurn(c, s.referring, request.Owner{}); err != nil {
		return err
	}
	return c.Next()
}

// beginTurn waits for the request's turn, which lasts until its answer is kept, or
// waits for room. It fails with errNoTurn.
func (s *Server) beginTurn(c *fiber.Ctx, of *turns, owner request.Owner) (err error) {
	v := s.visit(c)
	if v.endTurn == nil {
		v.endTurn, err = of.begin(c.UserContext(), owner)
	}
	return err
}

// giveTurn gives the request's turn back if it has one.
func (s *Server) giveTurn(v *visit) {
	if v.endTurn != nil {
		v.endTurn()
		v.endTurn = nil
	}
}
