//go:build !linux

package web

import (
	"net"
	"time"
)

// limitStall is for Linux alone. Elsewhere an answer that the kernel has taken
// and the client has not waits for the connection to be idle for too long.
func limitStall(*net.TCPConn, time.Duration) error { return nil }
