// Package page writes a task's measurements into a page of the docs, between two
// marks.
package page

import (
	"fmt"
	"os"
	"strings"
)

// Put writes text into a page, between its lines that name the task, in the
// place of what the task wrote before. It fails when the page can't be read or
// has no such lines.
func Put(path, task, text string) error {
	begin, end := "<!-- begin: task "+task+" -->\n", "<!-- end: task "+task+" -->\n"
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(page), begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return fmt.Errorf("%s has no place for the table: a line %q and a line %q", path, begin, end)
	}
	return os.WriteFile(path, []byte(before+begin+text+end+after), 0o644)
}
