package jobs

// call lets whoever waits for a signal look once more. It never blocks: one that
// was called and has not looked yet will.
func call(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}
