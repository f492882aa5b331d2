package views

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSnippets holds the receivers of the README and of the catalog together.
func TestSnippets(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	snippets := Snippets("payment.failed")
	fences := map[string]string{"go": "go", "node": "js", "python": "python"}
	for _, snippet := range snippets {
		t.Run(snippet.ID+"_stands_in_the_readme", func(t *testing.T) {
			_, code, _ := strings.Cut(string(readme), "\n```"+fences[snippet.ID]+"\n")
			code, _, _ = strings.Cut(code, "```\n")
			if diff := cmp.Diff(snippet.Code, code); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("go_compiles", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(file, []byte(snippets[0].Code), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "go", "vet", file).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
