// Package house tests the repository's rules that the compiler doesn't check.
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
// ones below it as well, but for those that have an entry of their own: who may
// import web may not therefore import web/api. The root is main. static and migrations are embedded files.
var table = map[string][]string{
	"webhook":         nil,
	"client":          nil,
	"static":          nil,
	"migrations":      nil,
	"inbound":         {"webhook"},
	"models":          {"inbound", "webhook"},
	"models/database": {"models", "migrations"},
	"models/pipeline": {"inbound", "models", "models/database", "webhook"},
	"models/store":    {"inbound", "models", "models/database", "models/pipeline", "webhook"},
	"jobs":            {"models", "models/pipeline", "webhook"},
	"views":           {"inbound", "models", "static", "views/ui", "webhook"},
	"views/ui":        {"inbound", "models", "static", "webhook"},
	"views/mail":      {"models", "views", "webhook"}, // whose paths the links are
	"web":             {"inbound", "models", "models/store", "views", "web/api", "web/receive", "web/refusal", "web/request", "webhook", "static"},
	"web/receive":     {"inbound", "models", "models/pipeline", "models/store", "web/refusal", "web/request", "webhook"},
	"web/api":         {"inbound", "models", "models/pipeline", "models/store", "web/refusal", "web/request", "webhook"},
	"web/refusal":     {"models", "models/store", "webhook"},
	"web/request":     {"models"},
	"ops":             {"models", "models/pipeline", "models/store", "webhook"},
	"internal":        {everything},

	"main":            {"internal/cli"},
	"internal/cli":    {everything},
	"internal/app":    {"internal/config", "models", "models/database", "models/pipeline", "models/store", "jobs", "views/mail", "web", "ops", "webhook"},
	"internal/config": {"models", "models/database", "models/pipeline", "models/store", "jobs", "web", "webhook"}, // whose limits and checks are the settings'
}

// ofTests is what the tests of any package may import too: they make a database
// and a store to look at.
var ofTests = []string{"internal", "migrations", "models", "models/database", "models/pipeline", "models/store"}

// ofTestsOf is what the tests of one package may import besides. Those of the API
// and of its client ask a whole server, as clients do; those of the workers and of the
// pages send mail.
var ofTestsOf = map[string][]string{"web/api": {"web"}, "client": {"web"}, "jobs": {"views/mail"}, "web": {"jobs", "views/mail"}}

type listed struct {
	ImportPath, Dir                             string
	GoFiles, Imports, TestImports, XTestImports []string
}

func TestImports(t *testing.T) {
	t.Run("follow_the_table", func(t *testing.T) {
		packages := list(t, module+"/...")
		if len(packages) == 0 {
			t.Fatal("go list named no package")
		}
		for _, fault := range faults(table, packages) {
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
			listed{ImportPath: "hookwell/web", TestImports: []string{"hookwell/internal/testenv"}, XTestImports: []string{"hookwell/web", "hookwell/ops"}},
			[]string{"the tests of hookwell/web import hookwell/ops, which the table does not allow"},
		},
		"by_main_are_of_the_command_line_alone": {
			listed{ImportPath: "hookwell", Imports: []string{"hookwell/internal/cli", "hookwell/internal/app", "hookwell/web"}},
			[]string{"hookwell imports hookwell/internal/app, which the table does not allow", "hookwell imports hookwell/web, which the table does not allow"},
		},
		"by_the_command_line_are_free": {
			listed{ImportPath: "hookwell/internal/cli", Imports: []string{"hookwell/internal/app", "hookwell/internal/demo", "hookwell/models"}}, nil,
		},
		"by_a_package_with_its_own_entry_are_held_to_that": {
			listed{ImportPath: "hookwell/internal/app", Imports: []string{"hookwell/internal/cli", "hookwell/internal/config", "hookwell/web", "hookwell/views"}},
			[]string{"hookwell/internal/app imports hookwell/internal/cli, which the table does not allow", "hookwell/internal/app imports hookwell/views, which the table does not allow"},
		},
		"by_tests_are_not_of_what_wires_the_parts": {
			listed{ImportPath: "hookwell/jobs", TestImports: []string{"hookwell/internal/testenv", "hookwell/internal/config"}},
			[]string{"the tests of hookwell/jobs import hookwell/internal/config, which the table does not allow"},
		},
		"of_the_server_are_for_the_tests_of_the_API_alone": {
			listed{ImportPath: "hookwell/web/api", Imports: []string{"hookwell/views", "hookwell/web"}, XTestImports: []string{"hookwell/internal/apitest", "hookwell/web"}},
			[]string{"hookwell/web/api imports hookwell/views, which the table does not allow", "hookwell/web/api imports hookwell/web, which the table does not allow"},
		},
		"by_an_unknown_package_are_a_fault": {
			listed{ImportPath: "hookwell/util"},
			[]string{"hookwell/util is not in the table: give it a place there, and in the design"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, faults(table, []listed{test.is})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPlace_is_the_longest_path shows that an entry takes its package out of the
// one above, on either side of an import.
func TestPlace_is_the_longest_path(t *testing.T) {
	rules := map[string][]string{"models": nil, "models/store": {"models"}, "models/store/fast": nil, "views": {"models"}, "web": {"models/store"}, "main": {everything}}
	for path, want := range map[string]string{
		"hookwell": "main", "hookwell/models": "models", "hookwell/models/database": "models", "hookwell/models/store": "models/store", "hookwell/models/store/rows": "models/store",
		"hookwell/models/store/fast": "models/store/fast", "hookwell/models/storetest": "models", "hookwell/modelstore": "", "hookwell/main": "", "hookwell/main/x": "",
	} {
		if got := place(rules, path); got != want {
			t.Errorf("the place of %s is %q, want %q", path, got, want)
		}
	}
	for name, test := range map[string]struct {
		is   listed
		want []string
	}{
		"who_may_import_the_package_above_may_not_import_it": {
			listed{ImportPath: "hookwell/views/ui", Imports: []string{"hookwell/models", "hookwell/models/database", "hookwell/models/store"}},
			[]string{"hookwell/views/ui imports hookwell/models/store, which the table does not allow"},
		},
		"who_may_import_it_may_not_import_the_package_above": {
			listed{ImportPath: "hookwell/web", Imports: []string{"hookwell/models", "hookwell/models/store", "hookwell/models/store/rows"}},
			[]string{"hookwell/web imports hookwell/models, which the table does not allow"},
		},
		"the_package_above_may_not_import_it": {
			listed{ImportPath: "hookwell/models", Imports: []string{"hookwell/models/database", "hookwell/models/store"}},
			[]string{"hookwell/models imports hookwell/models/store, which the table does not allow"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, faults(rules, []listed{test.is})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func faults(rules map[string][]string, packages []listed) []string {
	var found []string
	for _, p := range packages {
		name := place(rules, p.ImportPath)
		if name == "" {
			found = append(found, fmt.Sprintf("%s is not in the table: give it a place there, and in the design", p.ImportPath))
			continue
		}
		// What a package may import of itself is the compiler's business.
		allowed := append([]string{name}, rules[name]...)
		for _, path := range refused(rules, p.Imports, allowed) {
			found = append(found, fmt.Sprintf("%s imports %s, which the table does not allow", p.ImportPath, path))
		}
		for _, path := range refused(rules, append(p.TestImports, p.XTestImports...), slices.Concat(allowed, ofTests, ofTestsOf[name])) {
			found = append(found, fmt.Sprintf("the tests of %s import %s, which the table does not allow", p.ImportPath, path))
		}
	}
	return found
}

func refused(rules map[string][]string, imports, allowed []string) []string {
	imports = slices.Compact(slices.Sorted(slices.Values(imports)))
	return slices.DeleteFunc(imports, func(path string) bool {
		return !ours(path) || slices.Contains(allowed, everything) || slices.Contains(allowed, place(rules, path))
	})
}

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// place is the table's entry for a package of ours: its own, or that of the nearest
// package above it, or "" if there is none.
func place(rules map[string][]string, path string) string {
	if path == module {
		return "main"
	}
	for at := strings.TrimPrefix(path, module+"/"); at != "main"; {
		if _, known := rules[at]; known {
			return at
		}
		slash := strings.LastIndexByte(at, '/')
		if slash < 0 {
			break
		}
		at = at[:slash]
	}
	return ""
}

func list(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports"}, args...)...)
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
