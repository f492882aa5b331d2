// Way prints the files whose code runs while one event goes from the API to its
// recorded attempt, and while one endpoint is edited by its form. It builds the
// program of a tree with coverage, runs it once for each on the embedded default,
// and takes away what a run without them covers too: starting, rounds, stopping,
// and for the edit the drawing of the form.
//
//	go run ./internal/house/way [-commit hash] [folder]
//
// With a commit it prints which files that touched, as those of a new setting.
package main

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// most bounds all of it, the build included.
const most = 15 * time.Minute

var commit = flag.String("commit", "", "print the files that this commit touched instead")

func main() {
	flag.Parse()
	tree := cmp.Or(flag.Arg(0), ".")
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	var err error
	if *commit != "" {
		err = printTouched(ctx, os.Stdout, tree, *commit)
	} else {
		err = printWays(ctx, os.Stdout, tree)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "way:", err)
		os.Exit(1)
	}
}

func printWays(ctx context.Context, w io.Writer, tree string) error {
	folder, err := os.MkdirTemp("", "hookwell-way-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	binary := filepath.Join(folder, "hookwell")
	build := exec.CommandContext(ctx, "go", "build", "-cover", "-coverpkg=hookwell/...", "-o", binary, ".")
	build.Dir = tree
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", tree, err, said)
	}
	t := &traveller{binary: binary, folder: folder, tree: tree}
	if err := t.setUp(ctx); err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	for _, way := range []struct {
		title          string
		without, along func(ctx context.Context) error
	}{
		{"one event, from the API to its recorded attempt", nothing, t.sendEvent},
		{"one endpoint edit, by its form", t.lookAtForm, t.editEndpoint},
	} {
		without, err := t.cover(ctx, way.without)
		if err != nil {
			return fmt.Errorf("without %s: %w", way.title, err)
		}
		along, err := t.cover(ctx, way.along)
		if err != nil {
			return fmt.Errorf("%s: %w", way.title, err)
		}
		printFiles(w, way.title, filesOf(along, without))
	}
	return nil
}

func nothing(context.Context) error { return nil }

// filesOf returns the files of blocks that one run covered and another didn't,
// generated ones left out.
func filesOf(along, without map[string]bool) []string {
	files := map[string]bool{}
	for block := range along {
		file, _, _ := strings.Cut(block, ":")
		if !without[block] && !strings.HasSuffix(file, "_templ.go") {
			files[strings.TrimPrefix(file, "hookwell/")] = true
		}
	}
	return sortedKeys(files)
}

func sortedKeys(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for key := range set {
		list = append(list, key)
	}
	slices.Sort(list)
	return list
}

// printFiles writes how many files there are, in all and of each package.
func printFiles(w io.Writer, title string, files []string) {
	fmt.Fprintf(w, "%s: %d files\n", title, len(files))
	rooms := map[string][]string{}
	for _, file := range files {
		rooms[filepath.Dir(file)] = append(rooms[filepath.Dir(file)], filepath.Base(file))
	}
	names := map[string]bool{}
	for name := range rooms {
		names[name] = true
	}
	for _, name := range sortedKeys(names) {
		fmt.Fprintf(w, "  %s %d: %s\n", name, len(rooms[name]), strings.Join(rooms[name], " "))
	}
}

// readBlocks returns the blocks of a coverage profile that ran.
func readBlocks(profile []byte) map[string]bool {
	blocks := map[string]bool{}
	for line := range bytes.Lines(profile) {
		// file:from,to statements count
		if words := strings.Fields(string(line)); len(words) == 3 && words[2] != "0" {
			blocks[words[0]] = true
		}
	}
	return blocks
}

// printTouched writes the files of a commit by kind.
func printTouched(ctx context.Context, w io.Writer, tree, commit string) error {
	show := exec.CommandContext(ctx, "git", "show", "--format=", "--name-only", commit)
	show.Dir = tree
	names, err := show.Output()
	if err != nil {
		return fmt.Errorf("reading commit %s: %w", commit, err)
	}
	kinds := map[string][]string{}
	for _, name := range strings.Fields(string(names)) {
		kind := kindOf(name)
		kinds[kind] = append(kinds[kind], name)
	}
	for _, kind := range []string{"by hand", "generated", "tests", "docs"} {
		printFiles(w, kind, kinds[kind])
	}
	return nil
}

func kindOf(name string) string {
	switch {
	case strings.HasSuffix(name, "_templ.go"):
		return "generated"
	case strings.HasSuffix(name, "_test.go"), strings.Contains(name, "testdata/"):
		return "tests"
	case strings.HasSuffix(name, ".md"):
		return "docs"
	}
	return "by hand"
}
