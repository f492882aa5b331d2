// Package program builds Hookwell and runs it as its users do: by its commands,
// its environment and its API.
package program

import (
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
	"slices"
	"strings"
	"time"
)

// Build builds the program at a path, with flags of go build.
func Build(ctx context.Context, path string, flags ...string) error {
	args := append(append([]string{"build", "-o", path}, flags...), "hookwell")
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is shipped
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building hookwell: %w\n%s", err, out)
	}
	return nil
}

// LookAtSources looks at every file that the program is built from, below the
// root of the source: go test, which notes what tests look at, then knows that
// a result from before a change to one of them is stale.
func LookAtSources(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "bin", "data", "tmp"}, entry.Name()):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		_, err = os.Stat(path)
		return err
	})
}

// Installation is a built program and the environment that its processes and
// commands share.
type Installation struct {
	Binary string
	Env    []string // "variable=value"; nothing else is handed on but PATH and TMPDIR
}

// With is the installation with more in its environment.
func (i Installation) With(env ...string) Installation {
	i.Env = append(append([]string{}, i.Env...), env...)
	return i
}

// Command is a command of the installation, not started yet.
func (i Installation) Command(args ...string) *exec.Cmd {
	c := exec.Command(i.Binary, args...)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}, i.Env...)
	return c
}

// Run runs a command to its end and answers its standard output. What it says
// of a failure is in the error.
func (i Installation) Run(input string, args ...string) (string, error) {
	c := i.Command(args...)
	c.Stdin = strings.NewReader(input)
	var complaints bytes.Buffer
	c.Stderr = &complaints
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("hookwell %s: %w\n%s", strings.Join(args, " "), err, complaints.String())
	}
	return string(out), nil
}

// callLimit bounds one request to the API.
const callLimit = 20 * time.Second

// Call makes an API request with a key, reads its JSON into answer, and tells
// its status. Headers are pairs of name and value.
func Call(ctx context.Context, method, url, key string, body, answer any, headers ...string) (status int, err error) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		content = bytes.NewReader(encoded)
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return 0, err
	}
	r.Header.Set("authorization", "Bearer "+key)
	r.Header.Set("content-type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if answer != nil && response.StatusCode != http.StatusNoContent {
		err = json.NewDecoder(response.Body).Decode(answer)
	} else {
		io.Copy(io.Discard, response.Body) // so that the connection is kept
	}
	return response.StatusCode, err
}
