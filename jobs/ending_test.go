package jobs

import (
	"testing"
	"time"
)

// TestEndingIsSoon holds that what waits for a deleted endpoint, whose first rows
// alone are cancelled with it, is cancelled within the minute that is promised:
// the round comes a fifth late at most, and a long queue has the rest of it.
func TestEndingIsSoon(t *testing.T) {
	if latest := endInterval + endInterval/5; latest > 15*time.Second {
		t.Errorf("the round comes after up to %v", latest)
	}
}
