package webhook

import (
	"crypto/tls"
	"slices"
	"sync"
	"time"
)

// sweepEvery is how often connections are closed that were kept for too long or
// that the other side has closed.
const sweepEvery = 5 * time.Second

// pool keeps connections that carry one request at a time, those of an origin
// beside each other, and lends each to one exchange. It is safe for concurrent
// use.
type pool struct {
	most      int // kept in all
	perOrigin int
	keep      time.Duration

	mu             sync.Mutex
	origins        map[string]*origin
	oldest, newest *exclusive // by when they became idle, over all origins
	kept           int
	sweeper        *time.Timer // nil while nothing is kept
	closed         bool
}

// origin is what the pool has of one scheme, host and port.
type origin struct {
	idle    []*exclusive // the one that became idle last at the end
	waiting []*waiter    // who came first at the front
}

// waiter is an exchange that takes the first connection that is there: one that
// another gives back, or the one dialled for it.
type waiter struct {
	got chan dialled // has room for the one that comes
}

// dialled is what came of a dial.
type dialled struct {
	conn   *exclusive // for HTTP/1.1
	shared *tls.Conn  // for HTTP/2
	own    bool       // dialled for the exchange that gets it
	err    error
}

func newPool(most, perOrigin int, keep time.Duration) *pool {
	return &pool{most: most, perOrigin: perOrigin, keep: keep, origins: map[string]*origin{}}
}

// take lends a kept connection that nothing has come on since; nil if there is
// none. The one used last is taken first, so that those too many grow old.
func (p *pool) take(origin string) *exclusive {
	for {
		c := p.pop(origin)
		if c == nil || time.Since(c.since) < p.keep && c.quiet() {
			return c
		}
		c.Close()
	}
}

func (p *pool) pop(name string) *exclusive {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.origins[name]
	if o == nil || len(o.idle) == 0 {
		return nil
	}
	c := o.idle[len(o.idle)-1]
	p.remove(c)
	return c
}

// wait queues an exchange for what another gives back.
func (p *pool) wait(name string) *waiter {
	w := &waiter{got: make(chan dialled, 1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.origin(name)
	o.waiting = append(o.waiting, w)
	return w
}

// deliver hands a waiter what was dialled for it. It reports false if the waiter
// has something already, or has left.
func (p *pool) deliver(name string, w *waiter, d dialled) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.unqueue(name, w) {
		return false
	}
	w.got <- d
	return true
}

// leave takes a waiter out of its queue, and returns what it was handed before.
func (p *pool) leave(name string, w *waiter) (dialled, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unqueue(name, w) {
		return dialled{}, false
	}
	return <-w.got, true
}

func (p *pool) unqueue(name string, w *waiter) bool {
	o := p.origins[name]
	if o == nil {
		return false
	}
	at := slices.Index(o.waiting, w)
	if at < 0 {
		return false
	}
	o.waiting = slices.Delete(o.waiting, at, at+1)
	p.forget(name, o)
	return true
}

// put takes a connection back whose last answer is read to its end. It goes to
// who waits first, or is kept.
func (p *pool) put(c *exclusive) {
	quiet := false
	for {
		extra, doubted := p.push(c, quiet)
		if doubted {
			if quiet = c.quiet(); quiet {
				continue
			}
			extra = c
		}
		if extra != nil {
			extra.Close()
		}
		return
	}
}

// push returns the connection that is now one too many; nil if none is. It doubts
// one that somebody waits for and that nobody has found quiet.
func (p *pool) push(c *exclusive, quiet bool) (extra *exclusive, doubted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return c, false
	}
	o := p.origin(c.origin)
	if len(o.waiting) > 0 {
		if !quiet {
			return nil, true
		}
		w := o.waiting[0]
		o.waiting = slices.Delete(o.waiting, 0, 1)
		p.forget(c.origin, o)
		w.got <- dialled{conn: c}
		return nil, false
	}
	p.add(o, c)
	switch {
	case len(o.idle) > p.perOrigin:
		extra = o.idle[0]
	case p.kept > p.most:
		extra = p.oldest
	default:
		return nil, false
	}
	p.remove(extra)
	return extra, false
}

// add puts a connection at the end of its lists.
func (p *pool) add(o *origin, c *exclusive) {
	c.since, c.idle = time.Now(), true
	o.idle = append(o.idle, c)
	c.older = p.newest
	if p.newest != nil {
		p.newest.newer = c
	} else {
		p.oldest = c
	}
	p.newest = c
	p.kept++
	if p.sweeper == nil {
		p.sweeper = time.AfterFunc(sweepEvery, p.sweep)
	}
}

// remove takes an idle connection out of its lists.
func (p *pool) remove(c *exclusive) {
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		p.newest = c.older
	}
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		p.oldest = c.newer
	}
	c.idle, c.older, c.newer = false, nil, nil
	p.kept--
	o := p.origins[c.origin]
	at := len(o.idle) - 1
	for o.idle[at] != c {
		at--
	}
	o.idle = slices.Delete(o.idle, at, at+1)
}

func (p *pool) origin(name string) *origin {
	o := p.origins[name]
	if o == nil {
		o = &origin{}
		p.origins[name] = o
	}
	return o
}

// forget drops an origin of which the pool has nothing. One whose connections are
// all lent stays until the next sweep, since they will be given back.
func (p *pool) forget(name string, o *origin) {
	if len(o.idle) == 0 && len(o.waiting) == 0 {
		delete(p.origins, name)
	}
}

// sweep closes what is too old, and what the other side has closed or spoken on:
// the system would hold it until it is taken.
func (p *pool) sweep() {
	var ended []*exclusive
	for _, c := range p.idle() {
		if !c.below.spoke() { // outside of the lock; whoever is lent one meanwhile hears of it below
			continue
		}
		ended = append(ended, c)
	}
	p.mu.Lock()
	ended = slices.DeleteFunc(ended, func(c *exclusive) bool { return !c.idle || !c.below.spoke() })
	for _, c := range ended {
		p.remove(c)
	}
	for c := p.oldest; c != nil && time.Since(c.since) >= p.keep; c = p.oldest {
		p.remove(c)
		ended = append(ended, c)
	}
	for name, o := range p.origins {
		p.forget(name, o)
	}
	p.sweeper = nil
	if p.kept > 0 && !p.closed {
		p.sweeper = time.AfterFunc(sweepEvery, p.sweep)
	}
	p.mu.Unlock()
	for _, c := range ended {
		c.Close()
	}
}

// idle lists what is kept, the oldest first.
func (p *pool) idle() []*exclusive {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := make([]*exclusive, 0, p.kept)
	for c := p.oldest; c != nil; c = c.newer {
		idle = append(idle, c)
	}
	return idle
}

// drop closes all that is kept.
func (p *pool) drop() {
	for {
		p.mu.Lock()
		c := p.oldest
		if c != nil {
			p.remove(c)
		}
		p.mu.Unlock()
		if c == nil {
			return
		}
		c.Close()
	}
}

// close drops all, and keeps nothing from now on.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	if p.sweeper != nil {
		p.sweeper.Stop()
		p.sweeper = nil
	}
	p.mu.Unlock()
	p.drop()
}
