package inbound

import (
	"os"
	"testing"
	"time"
)

// TestMain gives mappings all the time in the world: what they cost is bounded
// without a clock.
func TestMain(m *testing.M) {
	mappingTime = time.Hour
	os.Exit(m.Run())
}
