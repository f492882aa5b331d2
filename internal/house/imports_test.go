// Package house holds the rules of the repository that the compiler doesn't.
package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "hookwell"

// everything lets a package import any other of ours.
const everything = "*"

// table says which packages of ours each may import. A package stands for the
// ones below it as well. static and migrations are embedded files.
var table = map[string][]string{
	"webhook":    nil,
	"models":     {"webhook", "migrations"},
	"jobs":       {"models", "webhook"},
	"views":      {"models", "static", "webhook"},
	"web":        {"models", "views", "webhook", "static"},
	"ops":        {"models", "webhook"},
	"static":     nil,
	"migrations": nil,
	"internal":   {everything},
	"main":       {everything},
}

type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestImports(t *testing.T) {
	t.Run("follow_the_table", func(t *testing.T) {
		packages := list(t)
		if len(packages) == 0 {
			t.Fatal("go list named no package")
		}
		for _, fault := range faults(packages) {
			t.Error(fault)
		}
	})
	for name, test := range map[string]struct {
		is   listed
		want []string
	}{
		"outside_the_table_is_a_fault": {
			listed{ImportPath: "hookwell/web", Imports: []string{"fmt", "hookwell/models", "hookwell/jobs"}},
			[]string{"hookwell/web imports hookwell/jobs, which the table does not allow"},
		},
		"by_a_package_below_are_held_as_well": {
			listed{ImportPath: "hookwell/webhook/sign", Imports: []string{"hookwell/models"}},
			[]string{"hookwell/webhook/sign imports hookwell/models, which the table does not allow"},
		},
		"of_internal_are_for_internal_and_main": {
			listed{ImportPath: "hookwell/models", Imports: []string{"hookwell/internal/testenv"}},
			[]string{"hookwell/models imports hookwell/internal/testenv, which the table does not allow"},
		},
		"of_tests_may_be_internal_but_follow_the_table_otherwise": {
			listed{ImportPath: "hookwell/web", TestImports: []string{"hookwell/internal/testenv"}, XTestImports: []string{"hookwell/web", "hookwell/jobs"}},
			[]string{"the tests of hookwell/web import hookwell/jobs, which the table does not allow"},
		},
		"by_main_are_free": {
			listed{ImportPath: "hookwell", Imports: []string{"hookwell/web", "hookwell/jobs", "hookwell/internal/demo"}}, nil,
		},
		"by_an_unknown_package_are_a_fault": {
			listed{ImportPath: "hookwell/util"},
			[]string{"hookwell/util is not in the table: give it a place there, and in the design"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, faults([]listed{test.is})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func faults(packages []listed) []string {
	var found []string
	for _, p := range packages {
		name := place(p.ImportPath)
		allowed, known := table[name]
		if !known {
			found = append(found, fmt.Sprintf("%s is not in the table: give it a place there, and in the design", p.ImportPath))
			continue
		}
		// What a package may import of itself is the compiler's business.
		allowed = append([]string{name}, allowed...)
		for _, path := range refused(p.Imports, allowed) {
			found = append(found, fmt.Sprintf("%s imports %s, which the table does not allow", p.ImportPath, path))
		}
		for _, path := range refused(append(p.TestImports, p.XTestImports...), append(allowed, "internal")) {
			found = append(found, fmt.Sprintf("the tests of %s import %s, which the table does not allow", p.ImportPath, path))
		}
	}
	return found
}

func refused(imports, allowed []string) []string {
	imports = slices.Compact(slices.Sorted(slices.Values(imports)))
	return slices.DeleteFunc(imports, func(path string) bool {
		ours := path == module || strings.HasPrefix(path, module+"/")
		return !ours || slices.Contains(allowed, everything) || slices.Contains(allowed, place(path))
	})
}

// place is the table's word for a package.
func place(path string) string {
	if path == module {
		return "main"
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(path, module+"/"), "/")
	return first
}

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", module+"/...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, stderr.String())
	}
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
