package store_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"hookwell/internal/testenv"
	"hookwell/models/store"
)

// TestShareOfConnections opens the stores of two processes on a database that
// grants few connections, has each use all that it takes, and wants room left for
// a command.
func TestShareOfConnections(t *testing.T) {
	for granted, share := range map[int]int{3: 1, 5: 1, 8: 2, 12: 4} {
		t.Run(fmt.Sprintf("of_%d", granted), func(t *testing.T) {
			t.Parallel()
			address, err := url.Parse(testenv.Database(t))
			must(t, err)
			admin, err := store.Open(t.Context(), store.Options{DatabaseURL: address.String()})
			must(t, err)
			t.Cleanup(func() { admin.Close() })
			role := strings.TrimPrefix(address.Path, "/") + "_role"
			must(t, admin.Database().DB.Exec(fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD 'few' CONNECTION LIMIT %d", role, granted)).Error)
			address.User = url.UserPassword(role, "few")
			for range 2 {
				process, err := store.Open(t.Context(), store.Options{DatabaseURL: address.String()})
				must(t, err)
				t.Cleanup(func() { process.Close() })
				if a := process.Database().WithinGranted(); a.Connections != share || a.Granted != granted {
					t.Errorf("WithinGranted() = %+v, want %d of %d", a, share, granted)
				}
				var all sync.WaitGroup
				for range share + 1 {
					all.Go(func() { process.Database().DB.Exec("SELECT pg_sleep(0.1)") })
				}
				all.Wait()
				pool, err := process.Database().DB.DB()
				must(t, err)
				if open := pool.Stats().OpenConnections; open > share {
					t.Errorf("a process has %d connections open, want %d at most", open, share)
				}
			}
			command, err := store.Open(t.Context(), store.Options{DatabaseURL: address.String()})
			must(t, err)
			must(t, command.Close())
		})
	}
}

// TestIdleConnections_are_given_back has a burst end, and wants the connections
// that it needed closed soon.
func TestIdleConnections_are_given_back(t *testing.T) {
	t.Parallel()
	opened, err := store.Open(t.Context(), store.Options{DatabaseURL: testenv.Database(t)})
	must(t, err)
	t.Cleanup(func() { opened.Close() })
	pool, err := opened.Database().DB.DB()
	must(t, err)
	var burst []*gorm.DB
	for range 8 {
		burst = append(burst, opened.Database().DB.Begin())
		must(t, burst[len(burst)-1].Error)
	}
	for _, tx := range burst {
		must(t, tx.Rollback().Error)
	}
	tick, late := time.NewTicker(100*time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for pool.Stats().OpenConnections > 0 {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%d connections are still open", pool.Stats().OpenConnections)
		}
	}
}
