package webhook

import (
	"io"
	"net"
	"testing"
	"time"
)

// A dial belongs to its exchange: net/http would let it go on for as long as
// the receiver likes.
func TestSender_dial_ends_with_its_exchange(t *testing.T) {
	gone := make(chan struct{})
	url := listen(t, func(conn net.Conn) {
		io.Copy(io.Discard, conn)
		close(gone)
	})
	m := messageTo(t, secured(url))
	m.Timeout = brief
	if exchange := newTestSender(t, nil).Send(t.Context(), m); exchange.Cause != CauseTimeout {
		t.Fatalf("%+v", exchange)
	}
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Error("the handshake goes on")
	}
}
