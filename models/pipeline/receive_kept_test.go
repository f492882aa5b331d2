package pipeline

import (
	"fmt"
	"testing"

	"hookwell/models"
	"hookwell/webhook"
)

// TestKeptRequests keeps no more than their bound, the newest ones, and each until it
// is taken.
func TestKeptRequests(t *testing.T) {
	const each = 64 << 10
	var k keptRequests
	var last string
	for n := range 3 * KeptRequests / each {
		last = fmt.Sprintf("req_%04d", n)
		row := &models.Request{ID: last, Body: make([]byte, each), Headers: models.Headers{webhook.Header{Name: "a", Value: "b"}}}
		k.put([]*models.Request{row})
		k.put([]*models.Request{row})
		if n%2 == 1 {
			if got := k.take(last); got != row {
				t.Fatalf("take(%s) = %v, want the request that was put", last, got)
			}
		}
	}
	held := 0
	for _, row := range k.byID {
		held += sizeOf(row)
	}
	if k.bytes > KeptRequests || k.bytes != held || held < KeptRequests-2*each {
		t.Errorf("%d bytes are counted of %d that are held, want them equal and nearly %d", k.bytes, held, KeptRequests)
	}
	if got := k.take("req_0000"); got != nil {
		t.Errorf("take() of the oldest = %v, want it gone", got.ID)
	}
	if got := k.take(last); got != nil {
		t.Errorf("take(%s) twice = %v, want nil", last, got.ID)
	}
	for id := range k.byID {
		k.take(id)
	}
	k.put([]*models.Request{{ID: "req_9999"}})
	if len(k.order) != 1 || k.bytes != requestOverhead {
		t.Errorf("%d ids and %d bytes are left of what was taken, want 1 and %d", len(k.order), k.bytes, requestOverhead)
	}
	// One that another process has processed stays the oldest, while others come and go.
	for n := range 1000 {
		id := fmt.Sprintf("req_%04d", n)
		k.put([]*models.Request{{ID: id}})
		k.take(id)
	}
	if len(k.order) > 10 {
		t.Errorf("%d ids are kept of requests of which one is there", len(k.order))
	}
}
