package testenv

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
)

// sentinelConfig is what one sentinel needs to watch one server alone.
const sentinelConfig = `bind 127.0.0.1
requirepass %s
dir %s
sentinel monitor primary %s %s 1
sentinel auth-pass primary %s
`

// Sentinel starts a sentinel that watches a server of PrivateRedis under the
// name "primary" and has a password of its own. Its URL is redis://:password@host:port.
// It is closed when the test ends.
func Sentinel(t testing.TB, primary *Process) *Process {
	t.Helper()
	p, err := startSentinel(t.Context(), primary)
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	t.Cleanup(func() { closeProcess(t, p) })
	return p
}

func startSentinel(ctx context.Context, primary *Process) (*Process, error) {
	program, err := redisNeed().path(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := newFolder("", "sentinel", "TERM")
	if err != nil {
		return nil, err
	}
	p := &Process{name: "sentinel", folder: folder, stopWith: syscall.SIGTERM}
	if err := p.initSentinel(ctx, program, primary.URL()); err != nil {
		return nil, errors.Join(err, folder.remove())
	}
	return p, nil
}

func (p *Process) initSentinel(ctx context.Context, program, primary string) error {
	of, err := url.Parse(primary)
	if err != nil {
		return err
	}
	watched, _ := of.User.Password()
	config, password := filepath.Join(p.folder.path, "sentinel.conf"), randomName()
	if err := os.WriteFile(config, fmt.Appendf(nil, sentinelConfig, password, p.folder.path, of.Hostname(), of.Port(), watched), 0o600); err != nil {
		return fmt.Errorf("configuring Sentinel: %w", err)
	}
	p.answering = func(ctx context.Context) (int, error) { return sentinelPID(ctx, p) }
	for try := 1; ; try++ {
		port, err := freePort()
		if err != nil {
			return err
		}
		p.url = fmt.Sprintf("redis://:%s@127.0.0.1:%d", password, port)
		p.command = func() *exec.Cmd {
			return exec.Command(program, config, "--sentinel", "--port", strconv.Itoa(port))
		}
		if err = p.Start(ctx); err == nil || try == startTries || ctx.Err() != nil {
			return err
		}
	}
}

// sentinelPID tells the process id once the sentinel knows the server that it
// watches.
func sentinelPID(ctx context.Context, p *Process) (int, error) {
	if err := dial(ctx, p.url); err != nil {
		return 0, err
	}
	options, err := redis.ParseURL(p.url)
	if err != nil {
		return 0, err
	}
	client := redis.NewSentinelClient(options)
	defer client.Close()
	if _, err := client.GetMasterAddrByName(ctx, "primary").Result(); err != nil {
		return 0, err
	}
	return p.pid(), nil
}
