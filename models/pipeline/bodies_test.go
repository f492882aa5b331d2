package pipeline

import (
	"strconv"
	"testing"

	"hookwell/models"
)

// An event takes memory beside its body: of short ones no more are kept than
// of long ones in megabytes.
func TestShortEventsDoNotFillTheMemory(t *testing.T) {
	var kept bodies
	for i := range 50_000 {
		kept.put(&models.Event{ID: strconv.Itoa(i), Body: []byte("{}")})
	}
	if n := len(kept.byID); n == 0 || n > 32<<10 {
		t.Errorf("%d events of two bytes are kept", n)
	}
}
