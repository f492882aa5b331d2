package web

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// limitStall has the kernel end a connection whose client has acknowledged
// nothing, or made no room for more, for so long while some of an answer waits:
// what the kernel took off our hands would else be held until the connection
// is idle, and long after it was closed.
func limitStall(conn *net.TCPConn, limit time.Duration) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(descriptor uintptr) {
		failed = unix.SetsockoptInt(int(descriptor), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(limit.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return failed
}
