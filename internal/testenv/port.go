package testenv

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// startTries is how often another port is tried.
const startTries = 5

// freePort picks a loopback port that nobody listens on. It lies below the
// range from which systems take ports for outgoing connections, so that a
// stopped server finds its own port free again.
func freePort() (int, error) {
	const lowest, highest, tries = 15000, 32000, 100
	var err error
	for range tries {
		port := lowest + rand.IntN(highest-lowest)
		var listener net.Listener
		if listener, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("finding a free loopback port: %w", err)
}
