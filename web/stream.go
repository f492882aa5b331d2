package web

import "sync"

// streams are the open streams of server-sent events.
type streams struct {
	closing chan struct{}
	once    sync.Once
}

func newStreams() *streams { return &streams{closing: make(chan struct{})} }

func (s *streams) close() { s.once.Do(func() { close(s.closing) }) }
