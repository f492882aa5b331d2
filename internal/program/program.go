// Package program builds Hookwell and runs it as its users do: by its commands and
// its environment. Its API is for package client.
package program

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Build builds the program at a path, with flags of go build.
func Build(ctx context.Context, path string, flags ...string) error {
	args := append(append([]string{"build", "-ldflags=-s -w", "-o", path}, flags...), "hookwell")
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

// With returns the installation with more in its environment.
func (i Installation) With(env ...string) Installation {
	i.Env = append(append([]string{}, i.Env...), env...)
	return i
}

// Command returns a command of the installation, not started yet.
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
