package web

import (
	"errors"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// keptUnsent is how many bytes of an answer the kernel keeps before they can be
// sent.
const keptUnsent = 16 << 10

// limitStall has the kernel end a connection whose client has acknowledged
// nothing, or made no room for more, for so long while some of an answer waits:
// what the kernel took off our hands would else be held until the connection
// is idle, and long after it was closed. The kernel takes no more than keptUnsent
// beyond what is on its way.
func limitStall(conn *net.TCPConn, limit time.Duration) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(descriptor uintptr) {
		failed = errors.Join(unix.SetsockoptInt(int(descriptor), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(limit.Milliseconds())),
			unix.SetsockoptInt(int(descriptor), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, keptUnsent))
	})
	if err != nil {
		return err
	}
	return failed
}
