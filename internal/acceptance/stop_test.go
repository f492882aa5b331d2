package acceptance

import (
	"net"
	"strings"
	"testing"

	"hookwell/internal/testenv"
	"hookwell/jobs"
)

// silentListener takes connections and never replies.
func silentListener(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		var held []net.Conn
		for {
			conn, err := listener.Accept()
			if err != nil {
				for _, conn := range held {
					conn.Close()
				}
				return
			}
			held = append(held, conn)
		}
	}()
	return listener.Addr().String()
}

// Whatever Redis does, a stop ends within its grace.
func TestStops_end_within_their_grace(t *testing.T) {
	for name, redis := range map[string]func(t *testing.T) string{
		"when_Redis_never_replies": func(t *testing.T) string { return "redis://" + silentListener(t) },
		"when_Redis_knows_no_TLS": func(t *testing.T) string {
			return strings.Replace(testenv.Redis(t), "redis://", "rediss://", 1)
		},
		"when_Redis_never_greets": func(t *testing.T) string { return "rediss://" + silentListener(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := onPostgres(t, testenv.Database(t), "REDIS_URL="+redis(t)).start(t)
			took, err := server.Terminate()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("the stop took %s", took)
			if took > jobs.StopGrace/2 {
				t.Errorf("the stop took %s, with nothing in flight", took)
			}
		})
	}
}
