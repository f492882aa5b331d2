package web

import (
	"errors"
	"net"
	"time"

	"hookwell/web/request"
)

// bodyPace is how fast a body has to come, beside the limit of the whole
// request.
type bodyPace struct {
	idle  time.Duration // that nothing may come for
	grace time.Duration // in all, whatever has come
	rate  int64         // bytes that make the grace a second longer; 0 is none
}

// Whoever has a key or a session sends 32 KiB a second, and may be slow for some
// seconds. A stranger's form is short, and comes at once. What a stranger sends to a
// source may be long: it comes at the pace of a server.
var (
	keyPace      = bodyPace{idle: 5 * time.Second, grace: 10 * time.Second, rate: 32 << 10}
	doorPace     = bodyPace{idle: 5 * time.Second, grace: 5 * time.Second}
	strangerPace = bodyPace{idle: 5 * time.Second, grace: 5 * time.Second, rate: 64 << 10}
)

// paceOf returns how fast an owner's body of up to limit bytes has to come.
func paceOf(owner request.Owner, limit int) bodyPace {
	switch {
	case !owner.Stranger():
		return keyPace
	case limit <= doorBody:
		return doorPace
	}
	return strangerPace
}

// pacing is how a body comes. What came along with the head costs nothing: the
// time begins when more of it is waited for.
type pacing struct {
	bodyPace
	on    bool
	begun time.Time // zero until something was waited for
	came  int64     // bytes since
	late  bool      // the body was given up
}

// deadline returns when the next piece must be there, at the latest by the limit of
// the request.
func (p *pacing) deadline(now, limit time.Time) time.Time {
	if p.begun.IsZero() {
		p.begun = now
	}
	by := p.begun.Add(p.grace)
	if p.rate > 0 {
		by = by.Add(time.Duration(p.came) * time.Second / time.Duration(p.rate))
	}
	if silent := now.Add(p.idle); silent.Before(by) {
		by = silent
	}
	if !limit.IsZero() && limit.Before(by) {
		by = limit
	}
	return by
}

// arrived notes what a read brought.
func (p *pacing) arrived(n int, err error) {
	if !p.on {
		return
	}
	p.came += int64(n)
	var fault net.Error
	p.late = p.late || errors.As(err, &fault) && fault.Timeout()
}

// beginBody has reads keep a pace until endBody.
func (c *connection) beginBody(pace bodyPace) {
	if c != nil {
		c.pacing = pacing{bodyPace: pace, on: true}
	}
}

// endBody puts the limit of the request in force again.
func (c *connection) endBody() {
	if c == nil {
		return
	}
	c.pacing.on = false
	if !c.pacing.begun.IsZero() {
		_ = c.setReadDeadline(c.readBy) // a connection that was closed meanwhile shows it when it is read
	}
}

// timedOut reports whether the last body came too slowly.
func (c *connection) timedOut() bool { return c != nil && c.pacing.late }
