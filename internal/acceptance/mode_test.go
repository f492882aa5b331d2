package acceptance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDataFolderIsItsOwnersAlone gives everybody rights on a data folder, and
// starts a command on it.
func TestDataFolderIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	here := embedded(t)
	folder := strings.TrimPrefix(here.env[0], "HOOKWELL_DATA_DIR=")
	here.run(t, "", "migrate")
	files := map[string]os.FileMode{folder: 0o700, filepath.Join(folder, "hookwell.db"): 0o600, filepath.Join(folder, "secret.key"): 0o600}
	for path, mode := range files {
		if err := os.Chmod(path, mode|0o055); err != nil {
			t.Fatal(err)
		}
	}
	here.run(t, "", "migrate")
	for path, mode := range files {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != mode {
			t.Errorf("%s has the mode %o, want %o", path, got, mode)
		}
	}
}
