package pipeline

import (
	"slices"
	"sync"

	"hookwell/models"
)

const (
	// KeptRequests is how many bytes of requests stay in memory until they are processed.
	KeptRequests = 8 << 20
	// requestOverhead is what a request takes beside its body and headers, or nearly so.
	requestOverhead = 1 << 10
	// headerOverhead is what a header takes beside its texts.
	headerOverhead = 32
)

// keptRequests are the requests that were committed last, for the processing in the
// same process. What is said of a request's processing is not current here.
type keptRequests struct {
	mu    sync.Mutex
	byID  map[string]*models.Request
	order []string // the oldest first; some of them may be gone
	bytes int
}

// put keeps requests that are committed, and drops the oldest ones that there is no
// more room for.
func (k *keptRequests) put(rows []*models.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID == nil {
		k.byID = map[string]*models.Request{}
	}
	for _, row := range rows {
		if k.byID[row.ID] != nil {
			continue
		}
		k.byID[row.ID] = row
		k.order = append(k.order, row.ID)
		k.bytes += sizeOf(row)
	}
	for k.bytes > KeptRequests {
		k.remove(k.order[0])
		k.order = k.order[1:]
	}
	// What another process has processed stays, and what came after it may be gone.
	if len(k.order) > 2*len(k.byID) {
		k.order = slices.DeleteFunc(k.order, func(id string) bool { return k.byID[id] == nil })
	}
}

// take returns the request of an id, nil if it isn't there, and keeps it no longer.
func (k *keptRequests) take(id string) *models.Request {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.remove(id)
}

func (k *keptRequests) remove(id string) *models.Request {
	row := k.byID[id]
	if row != nil {
		delete(k.byID, id)
		k.bytes -= sizeOf(row)
	}
	return row
}

func sizeOf(row *models.Request) int {
	size := requestOverhead + len(row.Body)
	for i := range row.Headers {
		size += headerOverhead + len(row.Headers[i].Name) + len(row.Headers[i].Value)
	}
	return size
}
