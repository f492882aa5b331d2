package testenv

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestStartRefusesAnotherProcessInItsPlace(t *testing.T) {
	folder, err := newFolder("", "test", "TERM")
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{
		name: "sleep", folder: folder, stopWith: syscall.SIGTERM,
		command:   func() *exec.Cmd { return exec.Command("sleep", "600") },
		answering: func(context.Context) (int, error) { return os.Getpid(), nil },
	}
	err = p.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "answers at its address") {
		t.Errorf("starting beside a server at the same address: %v, want a refusal", err)
	}
	if pid := p.PID(); pid != 0 {
		t.Errorf("process %d was left running", pid)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeHadIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv(RedisVariable, "")
	_, err := StartRedis(t.Context())
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "apt-get install redis-server") {
		t.Errorf("starting Redis on a machine without it: %v, want what to install", err)
	}
}

func TestUnreadableURLIsRefusedWithoutItsPassword(t *testing.T) {
	t.Setenv(DatabaseVariable, "postgres:user:hidden")
	t.Setenv(RedisVariable, "localhost:hidden")
	_, postgresErr := sharedPostgres()
	_, redisErr := sharedRedis()
	for variable, err := range map[string]error{DatabaseVariable: postgresErr, RedisVariable: redisErr} {
		if err == nil || !strings.Contains(err.Error(), variable) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("a malformed %s: %v, want a sentence that names it and keeps its content", variable, err)
		}
	}
}
