//go:build !linux

package pipeline

import "time"

var began = time.Now()

// sinceBoot returns how long the process runs. Whether that includes the machine's
// sleep is up to the system.
func sinceBoot() time.Duration { return time.Since(began) }
