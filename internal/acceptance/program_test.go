package acceptance

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"hookwell/client"
	"hookwell/internal/program"
	"hookwell/internal/testenv"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "hookwell-acceptance-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(folder, "hookwell")
	if err := program.Build(context.Background(), binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := testenv.Run(m)
	os.RemoveAll(folder)
	os.Exit(status)
}

// TestSources makes a result from before a change to the program stale.
func TestSources(t *testing.T) {
	if err := program.LookAtSources("../.."); err != nil {
		t.Fatal(err)
	}
}

// installation is the environment that processes and commands share.
type installation struct{ env []string }

// embedded is an installation on the embedded default in a folder of its own.
func embedded(t *testing.T) installation {
	return installation{[]string{"HOOKWELL_DATA_DIR=" + t.TempDir(), "HOOKWELL_ADDR=127.0.0.1:0", "HOOKWELL_OPS_ADDR=off", "HOOKWELL_LOG_LEVEL=warn"}}
}

func (i installation) program() program.Installation {
	return program.Installation{Binary: binary, Env: i.env}
}

// command is a command of the installation, not started yet.
func (i installation) command(args ...string) *exec.Cmd { return i.program().Command(args...) }

// run runs a command to its end and answers its standard output.
func (i installation) run(t *testing.T, input string, args ...string) string {
	t.Helper()
	out, err := i.program().Run(input, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// running is one running Hookwell.
type running struct {
	*program.Process
	url string
}

// start starts a process and waits for its start-up line.
func (i installation) start(t *testing.T, args ...string) *running {
	t.Helper()
	p, err := i.program().Start(args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return &running{p, p.URL}
}

// terminate asks the process to stop and waits until it has.
func (r *running) terminate(t *testing.T) {
	t.Helper()
	took, err := r.Terminate()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("stopped after %s", took)
}

// api is a client of the server.
func (r *running) api(key string) *client.Client { return &client.Client{URL: r.url, Key: key} }
