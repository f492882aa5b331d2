package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisConfig keeps the password off the command line and everything in memory:
// a restart forgets all. At 100 Hz the server notices within 10 ms that it is to
// stop.
const redisConfig = `bind 127.0.0.1
requirepass %s
dir %s
save ""
appendonly no
hz 100
databases 1024
`

// StartRedis starts a Redis of the caller's own, which keeps nothing over a
// restart. Settings ("cluster-enabled yes") are added to its configuration. It
// fails with ErrMissing when there is none to start; the caller calls Close.
func StartRedis(ctx context.Context, settings ...string) (*Process, error) {
	program, err := redisNeed().path(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := newFolder("", "redis", "TERM")
	if err != nil {
		return nil, err
	}
	p := &Process{name: "redis", folder: folder, stopWith: syscall.SIGTERM}
	if err := p.initRedis(ctx, program, settings); err != nil {
		return nil, errors.Join(err, folder.remove())
	}
	return p, nil
}

func (p *Process) initRedis(ctx context.Context, program string, settings []string) error {
	config, password := filepath.Join(p.folder.path, "redis.conf"), randomName()
	if err := os.WriteFile(config, fmt.Appendf(nil, redisConfig+strings.Join(settings, "\n"), password, p.folder.path), 0o600); err != nil {
		return fmt.Errorf("configuring Redis: %w", err)
	}
	p.answering = func(ctx context.Context) (int, error) { return redisPID(ctx, p.url) }
	for try := 1; ; try++ {
		port, err := freePort()
		if err != nil {
			return err
		}
		p.url = fmt.Sprintf("redis://:%s@127.0.0.1:%d/0", password, port)
		p.command = func() *exec.Cmd { return exec.Command(program, config, "--port", strconv.Itoa(port)) }
		if err = p.Start(ctx); err == nil || try == startTries || ctx.Err() != nil {
			return err
		}
	}
}

func redisPID(ctx context.Context, address string) (pid int, err error) {
	// The client logs every refused connection, of which there are some while a
	// server starts.
	if err := dial(ctx, address); err != nil {
		return 0, err
	}
	err = onRedis(address, func(client *redis.Client) error {
		info, err := client.Info(ctx, "server").Result()
		if err != nil {
			return err
		}
		_, rest, _ := strings.Cut(info, "process_id:")
		digits, _, _ := strings.Cut(rest, "\r\n")
		pid, err = strconv.Atoi(digits)
		return err
	})
	return pid, err
}

func dial(ctx context.Context, address string) error {
	options, err := redis.ParseURL(address)
	if err != nil {
		return err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", options.Addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

func onRedis(address string, do func(*redis.Client) error) error {
	options, err := redis.ParseURL(address)
	if err != nil {
		return fmt.Errorf("reading the Redis URL: %w", err)
	}
	// Whoever waits for a server polls by itself.
	options.MaxRetries = -1
	client := redis.NewClient(options)
	return errors.Join(do(client), client.Close())
}

// PrivateRedis starts a Redis for this test alone: to be stopped, killed and
// paused, and where FLUSHALL is called or pub/sub messages are counted. It is
// closed when the test ends, and starts in some 20 ms. Settings are as for
// StartRedis.
func PrivateRedis(t testing.TB, settings ...string) *Process {
	t.Helper()
	p, err := StartRedis(t.Context(), settings...)
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	t.Cleanup(func() { closeProcess(t, p) })
	return p
}

const (
	// claimKey in logical database 0 marks another one as taken, across the
	// test processes that share a server.
	claimKey = "hookwell:test:database:"
	// claimFor outlasts any test; a killed one frees its database so.
	claimFor = time.Hour
)

// Redis returns the URL of an empty logical database for this test alone,
// flushed when the test ends. Redis does not separate pub/sub by database, and
// FLUSHALL empties everybody's: what does either asks for PrivateRedis.
func Redis(t testing.TB) string {
	t.Helper()
	server, err := sharedRedis()
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	number, err := claimRedis(t.Context(), server)
	if err != nil {
		t.Fatalf("testenv: finding an empty Redis database: %v", err)
	}
	address := withPath(server, strconv.Itoa(number))
	t.Cleanup(func() {
		if err := releaseRedis(server, address, number); err != nil {
			t.Errorf("testenv: releasing Redis database %d: %v", number, err)
		}
	})
	return address
}

// claimRedis passes over databases that hold anything: on a server that the
// environment names they are someone's own.
func claimRedis(ctx context.Context, server string) (number int, err error) {
	err = onRedis(server, func(client *redis.Client) error {
		for number = 1; ; number++ {
			claim := claimKey + strconv.Itoa(number)
			free, err := client.SetNX(ctx, claim, os.Getpid(), claimFor).Result()
			if err != nil {
				return err
			}
			if !free {
				continue
			}
			size, err := redisSize(ctx, withPath(server, strconv.Itoa(number)))
			if err == nil && size == 0 {
				return nil
			}
			if err := errors.Join(err, client.Del(ctx, claim).Err()); err != nil {
				return err
			}
		}
	})
	return number, err
}

func redisSize(ctx context.Context, address string) (size int64, err error) {
	err = onRedis(address, func(client *redis.Client) error {
		size, err = client.DBSize(ctx).Result()
		return err
	})
	return size, err
}

func releaseRedis(server, address string, number int) error {
	ctx, cancel := context.WithTimeout(context.Background(), databaseLimit)
	defer cancel()
	return errors.Join(
		onRedis(address, func(client *redis.Client) error { return client.FlushDB(ctx).Err() }),
		onRedis(server, func(client *redis.Client) error {
			return client.Del(ctx, claimKey+strconv.Itoa(number)).Err()
		}),
	)
}

// sharedRedis returns the URL of the server whose logical databases the tests use.
func sharedRedis() (string, error) {
	if address := os.Getenv(RedisVariable); address != "" {
		if _, err := redis.ParseURL(address); err != nil {
			return "", fmt.Errorf("%s is not a URL of the form redis://user:password@host:port/0", RedisVariable)
		}
		return address, nil
	}
	p, err := shared.redis.get(func() (*Process, error) { return StartRedis(context.Background()) })
	if err != nil {
		return "", err
	}
	return p.URL(), nil
}
