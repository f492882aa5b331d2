package pipeline

import (
	"sync"

	"hookwell/models"
)

const (
	// KeptBodies is how many bytes of events stay in memory for their deliveries.
	KeptBodies = 32 << 20
	// eventOverhead is what an event takes beside its body, or nearly so: most of
	// the memory, where bodies are short.
	eventOverhead = 1 << 10
)

// bodies are the events that were accepted last, for the workers of the same
// process: an event never changes, so that one that is here need not be read.
type bodies struct {
	mu    sync.RWMutex
	byID  map[string]*models.Event
	order []*models.Event // the oldest first
	bytes int
}

// put keeps what is sent of an event that is committed, and nothing else of it.
func (b *bodies) put(accepted *models.Event) {
	e := &models.Event{ID: accepted.ID, Type: accepted.Type, Test: accepted.Test, Body: accepted.Body, RequestID: accepted.RequestID}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byID == nil {
		b.byID = map[string]*models.Event{}
	}
	b.byID[e.ID] = e
	b.order = append(b.order, e)
	for b.bytes += eventOverhead + len(e.Body); b.bytes > KeptBodies; {
		oldest := b.order[0]
		b.order[0] = nil
		b.order = b.order[1:]
		b.bytes -= eventOverhead + len(oldest.Body)
		delete(b.byID, oldest.ID)
	}
}

func (b *bodies) get(id string) *models.Event {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.byID[id]
}
