// Package testenv gives tests and benchmarks the real Postgres, Redis and
// Chromium that they need.
//
// A server named by the environment (TEST_DATABASE_URL, TEST_REDIS_URL) is
// used as it is; `go tool task test` starts one of each for all packages and
// names them so. Otherwise the first test that asks starts a private one, from
// programs on the machine or, as root on Debian, installed on the spot. What
// can't be had fails the test with a sentence that says what to install.
//
// Nothing outlives the process that started it, not even when it is killed.
package testenv

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// The environment variables that name what is there already.
const (
	DatabaseVariable = "TEST_DATABASE_URL"      // a Postgres superuser's or database creator's URL
	RedisVariable    = "TEST_REDIS_URL"         // its empty logical databases may be used
	ChromiumVariable = "HOOKWELL_TEST_CHROMIUM" // the path of the program
)

// shared is what the tests of this process have in common, each part started
// when it is first asked for.
var shared struct {
	postgres  lazy[*Process]
	redis     lazy[*Process]
	browser   lazy[*browserProcess]
	memory    lazy[*folder]
	templates templates
}

// Run runs the package's tests, then stops what they shared, and returns the
// exit status:
//
//	func TestMain(m *testing.M) { os.Exit(testenv.Run(m)) }
//
// A package can do without it, for what is private ends with the process; with
// it, faults while stopping fail the tests, and the templates of DatabaseFrom
// leave a server that the environment names.
func Run(m *testing.M) int {
	status := m.Run()
	err := errors.Join(
		shared.browser.stop((*browserProcess).close),
		shared.templates.drop(),
		shared.redis.stop((*Process).Close),
		shared.postgres.stop((*Process).Close),
		shared.memory.stop((*folder).remove),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testenv:", err)
		return max(status, 1)
	}
	return status
}

// lazy starts something once, and stops it if it was started.
type lazy[T any] struct {
	mu      sync.Mutex
	started bool
	value   T
	err     error
}

func (l *lazy[T]) get(start func() (T, error)) (T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started {
		l.value, l.err = start()
		l.started = true
	}
	return l.value, l.err
}

func (l *lazy[T]) stop(stop func(T) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started || l.err != nil {
		return nil
	}
	return stop(l.value)
}

func randomName() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
