package house

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"testing"
)

// TestArchitecture_names_files holds that docs/architecture.md names no file that
// is not there: a newcomer goes by it.
func TestArchitecture_names_files(t *testing.T) {
	root := os.DirFS("../..")
	text, err := fs.ReadFile(root, "docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	err = fs.WalkDir(root, ".", func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names[file], names[path.Base(file)] = true, true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z0-9_/]+\\.(?:go|templ))`").FindAllStringSubmatch(string(text), -1)
	if len(named) == 0 {
		t.Fatal("docs/architecture.md names no file")
	}
	for _, match := range named {
		if !names[match[1]] {
			t.Errorf("docs/architecture.md names %s, which is not there", match[1])
		}
	}
}
