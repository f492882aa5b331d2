package acceptance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

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
	if out, err := exec.Command("go", "build", "-o", binary, "hookwell").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building hookwell: %v\n%s", err, out)
		os.Exit(1)
	}
	status := testenv.Run(m)
	os.RemoveAll(folder)
	os.Exit(status)
}

// TestSources looks at every file that the program is built from: go test, which
// notes what tests look at, then knows that a result from before a change to one
// of them is stale.
func TestSources(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "bin" || entry.Name() == "data"):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		_, err = os.Stat(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// program is one running Hookwell.
type program struct {
	*exec.Cmd
	url  string
	mu   sync.Mutex
	out  bytes.Buffer
	done chan struct{}
}

// installation is the environment that processes and commands share.
type installation struct{ env []string }

// embedded is an installation on the embedded default in a folder of its own.
func embedded(t *testing.T) installation {
	return installation{[]string{"HOOKWELL_DATA_DIR=" + t.TempDir(), "HOOKWELL_ADDR=127.0.0.1:0", "HOOKWELL_LOG_LEVEL=warn"}}
}

// command is a command of the installation, not started yet.
func (i installation) command(args ...string) *exec.Cmd {
	c := exec.Command(binary, args...)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}, i.env...)
	return c
}

// run runs a command to its end and answers its standard output.
func (i installation) run(t *testing.T, input string, args ...string) string {
	t.Helper()
	c := i.command(args...)
	c.Stdin = strings.NewReader(input)
	var errors bytes.Buffer
	c.Stderr = &errors
	out, err := c.Output()
	if err != nil {
		t.Fatalf("hookwell %s: %v\n%s", strings.Join(args, " "), err, errors.String())
	}
	return string(out)
}

var startLine = regexp.MustCompile(`Hookwell \S+ (?:on (http://\S+),|works on)`)

// start starts a process and waits for its start-up line.
func (i installation) start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{Cmd: i.command(args...), done: make(chan struct{})}
	pipe, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Stderr = p
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill(); <-p.done })
	started := make(chan string, 1)
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(pipe)
		for lines.Scan() {
			fmt.Fprintln(p, lines.Text())
			if m := startLine.FindStringSubmatch(lines.Text()); m != nil {
				started <- m[1]
			}
		}
		p.Wait()
	}()
	select {
	case p.url = <-started:
	case <-p.done:
		t.Fatalf("ended at once:\n%s", p.output())
	case <-time.After(30 * time.Second):
		t.Fatalf("did not start:\n%s", p.output())
	}
	return p
}

// Write keeps what the process says.
func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *program) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// kill ends the process as a power cut would.
func (p *program) kill() {
	p.Process.Signal(syscall.SIGKILL)
	<-p.done
}

// terminate asks the process to stop and waits until it has.
func (p *program) terminate(t *testing.T) {
	t.Helper()
	began := time.Now()
	p.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		t.Logf("stopped after %s", time.Since(began).Round(time.Millisecond))
	case <-time.After(50 * time.Second):
		t.Fatal("did not stop")
	}
}

// call makes an API request and reads its JSON into answer.
func call(t *testing.T, method, url, key string, body, answer any) int {
	t.Helper()
	status, err := try(method, url, key, body, answer)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return status
}

func try(method, url, key string, body, answer any) (int, error) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		content = bytes.NewReader(encoded)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return 0, err
	}
	r.Header.Set("authorization", "Bearer "+key)
	r.Header.Set("content-type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if answer != nil {
		err = json.NewDecoder(response.Body).Decode(answer)
	}
	return response.StatusCode, err
}
