package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// readers are the functions of package os that read the environment.
var readers = []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}

// TestEnvironment_is_read_in_one_place looks through what is built into the
// program: a variable that is read elsewhere would be neither checked nor in the
// README's table.
func TestEnvironment_is_read_in_one_place(t *testing.T) {
	var found []string
	for _, p := range list(t, "-deps", module) {
		if !ours(p.ImportPath) {
			continue
		}
		for _, name := range p.GoFiles {
			if readsEnvironment(t, filepath.Join(p.Dir, name)) {
				found = append(found, p.ImportPath+"/"+name)
			}
		}
	}
	if want := []string{module + "/internal/config/settings.go"}; !slices.Equal(found, want) {
		t.Errorf("the environment is read in %s, want %s", strings.Join(found, ", "), want)
	}
}

func readsEnvironment(t *testing.T, path string) (reads bool) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			of, ok := selector.X.(*ast.Ident)
			reads = reads || ok && of.Name == "os" && slices.Contains(readers, selector.Sel.Name)
		}
		return true
	})
	return reads
}
