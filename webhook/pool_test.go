package webhook

import (
	"io"
	"net"
	"testing"
	"time"
)

// lent makes n connections of an origin that are in use, and the other ends.
func lent(t *testing.T, origin string, n int) (here []*exclusive, there []net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for range n {
		plain, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		below, err := newConn(plain.(*net.TCPConn))
		if err != nil {
			t.Fatal(err)
		}
		other, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { below.Close(); other.Close() })
		here, there = append(here, newExclusive(origin, below, nil)), append(there, other)
	}
	return here, there
}

func closed(c *exclusive) bool {
	select {
	case <-c.below.closed:
		return true
	default:
		return false
	}
}

func TestPool_lends_the_one_used_last_and_closes_the_oldest(t *testing.T) {
	p := newPool(4, 3, time.Hour)
	defer p.close()
	a, _ := lent(t, "a", 4)
	b, _ := lent(t, "b", 2)
	for _, c := range a {
		p.put(c)
	}
	if !closed(a[0]) || closed(a[1]) {
		t.Errorf("of 4 connections of one origin that may keep 3, the oldest is not what was closed")
	}
	for _, c := range b {
		p.put(c)
	}
	if !closed(a[1]) || closed(a[2]) || p.kept != 4 {
		t.Errorf("of 5 connections of a pool that may keep 4, the oldest is not what was closed; %d are kept", p.kept)
	}
	for _, want := range []*exclusive{a[3], a[2], nil} {
		if got := p.take("a"); got != want {
			t.Errorf("take() returned %p; want %p", got, want)
		}
	}
	if got := p.take("c"); got != nil {
		t.Errorf("take() of an unknown origin returned %p", got)
	}
	p.close()
	if !closed(b[0]) || !closed(b[1]) || p.kept != 0 {
		t.Errorf("close() left %d connections open", p.kept)
	}
	if p.put(a[2]); !closed(a[2]) {
		t.Errorf("put() kept a connection after close()")
	}
}

func TestPool_closes_what_is_too_old_or_spoken_on(t *testing.T) {
	p := newPool(10, 10, time.Hour)
	defer p.close()
	here, there := lent(t, "a", 4)
	for _, c := range here {
		p.put(c)
	}
	here[0].since = here[0].since.Add(-2 * time.Hour)
	io.WriteString(there[1], "x")
	there[2].Close()
	p.sweep()
	for i, want := range []bool{true, true, true, false} {
		if closed(here[i]) != want {
			t.Errorf("connection %d is closed: %v; want %v", i, !want, want)
		}
	}
	if p.kept != 1 || p.sweeper == nil {
		t.Errorf("sweep() left %d connections, and another sweep: %v", p.kept, p.sweeper != nil)
	}
	here[3].since = here[3].since.Add(-2 * time.Hour)
	if got := p.take("a"); got != nil || !closed(here[3]) {
		t.Errorf("take() lent a connection that is too old")
	}
	p.sweep()
	if len(p.origins) != 0 || p.sweeper != nil {
		t.Errorf("an empty pool has %d origins, and another sweep: %v", len(p.origins), p.sweeper != nil)
	}
}

func TestPool_hands_a_connection_to_who_waits_first(t *testing.T) {
	p := newPool(10, 10, time.Hour)
	defer p.close()
	here, there := lent(t, "a", 3)
	first, second, gone := p.wait("a"), p.wait("a"), p.wait("a")
	if _, ok := p.leave("a", gone); ok {
		t.Errorf("leave() returned a connection that nobody handed over")
	}
	io.WriteString(there[0], smuggled)
	if p.put(here[0]); !closed(here[0]) {
		t.Errorf("put() handed a connection on that was spoken on")
	}
	p.put(here[1])
	if got := <-first.got; got.conn != here[1] || got.own {
		t.Errorf("the first was handed %+v", got)
	}
	if p.deliver("a", first, dialled{conn: here[2]}) {
		t.Errorf("deliver() handed over a second connection")
	}
	if !p.deliver("a", second, dialled{conn: here[2], own: true}) {
		t.Errorf("deliver() found nobody waiting")
	}
	if got, ok := p.leave("a", second); !ok || got.conn != here[2] {
		t.Errorf("leave() returned %+v, %v; want what was delivered", got, ok)
	}
	if len(p.origins) != 0 {
		t.Errorf("%d origins are left", len(p.origins))
	}
}
