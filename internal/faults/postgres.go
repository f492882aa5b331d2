package faults

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"regexp"
	"sync"
	"sync/atomic"
)

// The statements by which Hookwell's transactions are known on their way to
// Postgres. A fault whose statement is never seen fails, and says so.
var (
	acceptStatement = regexp.MustCompile(`(?i)(into|copy)\s+"?events"?[\s(]`)
	claimStatement  = regexp.MustCompile(`(?i)update\s+"?delivery_work"?\s.*set\s+attempt\s*=`)
	recordStatement = regexp.MustCompile(`(?i)(into|copy)\s+"?attempts"?[\s(]`)
)

// hold stops every transaction with some statement: before the statement gets
// to Postgres, or after the commit and before its answer gets to Hookwell.
type hold struct {
	statement *regexp.Regexp
	committed bool
	once      sync.Once
	caught    chan struct{} // closed when the first one is held
	released  chan struct{}
	free      sync.Once
	lost      atomic.Bool // what is held never gets to its end
}

// stop holds transactions with a statement until release.
func (p *proxy) stop(statement *regexp.Regexp, committed bool) *hold {
	h := &hold{statement: statement, committed: committed, caught: make(chan struct{}), released: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds = append(p.holds, h)
	return h
}

// lose lets go of what is held and loses it, with its connections.
func (p *proxy) lose(h *hold) {
	h.lost.Store(true)
	p.release(h)
}

// release lets go of what is held.
func (p *proxy) release(h *hold) {
	h.free.Do(func() { close(h.released) })
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.holds {
		if p.holds[i] == h {
			p.holds = append(p.holds[:i:i], p.holds[i+1:]...)
			return
		}
	}
}

// pass waits until the hold is released, and tells whether what was held may go on.
func (h *hold) pass() bool {
	h.once.Do(func() { close(h.caught) })
	<-h.released
	return !h.lost.Load()
}

func (p *proxy) match(message []byte) *hold {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.holds {
		if h.statement.Match(message) {
			return h
		}
	}
	return nil
}

// message is one message of Postgres's protocol: a type and what follows. The
// first of a connection has no type.
type message struct {
	kind byte
	raw  []byte
}

const (
	mostMessage  = 64 << 20
	readyForMore = 'Z'
	idle         = 'I' // no transaction is open
)

func readMessage(from io.Reader, first bool) (message, error) {
	head := 5
	if first {
		head = 4
	}
	raw := make([]byte, head)
	if _, err := io.ReadFull(from, raw); err != nil {
		return message{}, err
	}
	length := int(binary.BigEndian.Uint32(raw[head-4:]))
	if length < 4 || length > mostMessage {
		return message{}, fmt.Errorf("a message of %d bytes", length)
	}
	raw = append(raw, make([]byte, length-4)...)
	if _, err := io.ReadFull(from, raw[head:]); err != nil {
		return message{}, err
	}
	if first {
		return message{raw: raw}, nil
	}
	return message{raw[0], raw}, nil
}

// session is one connection's state between its two directions.
type session struct {
	p *proxy
	// after is the hold that waits for the end of the transaction under way.
	after atomic.Pointer[hold]
}

// postgres carries Postgres's messages, and holds what a hold asks for.
func postgres(p *proxy, client, server net.Conn) {
	s := &session{p: p}
	var both sync.WaitGroup
	both.Go(func() { defer server.Close(); s.requests(server, client) })
	both.Go(func() { defer client.Close(); s.answers(client, server) })
	both.Wait()
}

func (s *session) requests(to io.Writer, from io.Reader) {
	prepared := statements{}
	for first := true; ; first = false {
		m, err := readMessage(from, first)
		if err != nil {
			return
		}
		if h := s.p.match(prepared.running(m)); h != nil && h.committed {
			s.after.Store(h)
		} else if h != nil && !h.pass() {
			return
		}
		s.p.pass()
		if _, err := to.Write(m.raw); err != nil {
			return
		}
	}
}

// statements are the texts of a connection's prepared statements, by name.
type statements map[string][]byte

// running returns the text of the statement that a message runs. One that is only
// prepared, or described, does not run yet.
func (s statements) running(m message) []byte {
	switch m.kind {
	case 'P': // Parse: the name, the text
		name, text, _ := bytes.Cut(m.raw[5:], []byte{0})
		s[string(name)] = text
		return nil
	case 'B': // Bind: the portal, the statement's name
		_, rest, _ := bytes.Cut(m.raw[5:], []byte{0})
		name, _, _ := bytes.Cut(rest, []byte{0})
		return s[string(name)]
	case 'Q':
		return m.raw[5:]
	}
	return nil
}

func (s *session) answers(to io.Writer, from io.Reader) {
	rolledBack := false
	for {
		m, err := readMessage(from, false)
		if err != nil {
			return
		}
		if m.kind == 'C' {
			rolledBack = bytes.HasPrefix(m.raw[5:], []byte("ROLLBACK"))
		}
		if m.kind == readyForMore && m.raw[5] == idle {
			if h := s.after.Swap(nil); h != nil && !rolledBack && !h.pass() {
				return
			}
		}
		s.p.pass()
		if _, err := to.Write(m.raw); err != nil {
			return
		}
	}
}
