package web

import (
	"context"
	"crypto/sha256"
	"sync"

	"github.com/gofiber/fiber/v2"

	"hookwell/models/store"
)

// formOf names the form that was sent. Its token is the page's own and random;
// the browser's secret keeps others from naming it, the path tells the forms of
// one page apart, and what was typed makes a changed form another one.
func formOf(c *fiber.Ctx, secret []byte) store.Form {
	hash := sha256.New()
	for _, part := range [][]byte{secret, []byte(c.Path()), c.Body()} {
		sum := sha256.Sum256(part)
		hash.Write(sum[:])
	}
	return store.Form(hash.Sum(nil))
}

// formsUnderWay lets one request at a time have a form. The database keeps a
// form from making anything twice; this lets the second click wait for what the
// first one makes, also where the first has used something up on the way, such
// as a code.
type formsUnderWay struct {
	mu    sync.Mutex
	ended map[store.Form]chan struct{}
}

// enter waits until no other request has the form. It fails when ctx ends.
func (f *formsUnderWay) enter(ctx context.Context, form store.Form) (leave func(), err error) {
	for {
		f.mu.Lock()
		ended, busy := f.ended[form]
		if !busy {
			if f.ended == nil {
				f.ended = map[store.Form]chan struct{}{}
			}
			mine := make(chan struct{})
			f.ended[form] = mine
			f.mu.Unlock()
			return func() { f.leave(form, mine) }, nil
		}
		f.mu.Unlock()
		select {
		case <-ended:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *formsUnderWay) leave(form store.Form, mine chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.ended, form)
	close(mine)
}
