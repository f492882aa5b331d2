package jobs

import (
	"testing"
	"time"
)

// TestRestAfter has processing rest in proportion to a step, within its limit, and not
// at all while requests press.
func TestRestAfter(t *testing.T) {
	for _, c := range []struct {
		took  time.Duration
		press bool
		want  time.Duration
	}{
		{2 * time.Millisecond, false, 16 * time.Millisecond},
		{time.Second, false, processRestLimit},
		{time.Second, true, 0},
	} {
		if got := restAfter(c.took, c.press); got != c.want {
			t.Errorf("restAfter(%s, %v) = %s, want %s", c.took, c.press, got, c.want)
		}
	}
}
