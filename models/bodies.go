package models

import "sync"

// keptBodies is how many bytes of events stay in memory for their deliveries.
const keptBodies = 32 << 20

// bodies are the events that were accepted last, for the workers of the same
// process: an event never changes, so that one that is here need not be read.
type bodies struct {
	mu    sync.RWMutex
	byID  map[string]*Event
	order []*Event // the oldest first
	bytes int
}

// put keeps an event that is committed.
func (b *bodies) put(e *Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byID == nil {
		b.byID = map[string]*Event{}
	}
	b.byID[e.ID] = e
	b.order = append(b.order, e)
	for b.bytes += len(e.Body); b.bytes > keptBodies; {
		oldest := b.order[0]
		b.order[0] = nil
		b.order = b.order[1:]
		b.bytes -= len(oldest.Body)
		delete(b.byID, oldest.ID)
	}
}

func (b *bodies) get(id string) *Event {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.byID[id]
}
