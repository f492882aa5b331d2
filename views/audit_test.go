package views

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hookwell/webhook"
)

// actionName is a noun and what became of it. Event types look so too, and so
// do columns, whose tables have names in the plural or of one letter.
var actionName = regexp.MustCompile(`^([a-z_]{2,})\.[a-z_]+$`)

// written are the actions that the store's source names, and where.
func written(t *testing.T) map[string]string {
	t.Helper()
	catalog, err := webhook.NewCatalog(nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../models/*/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	found := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(node ast.Node) bool {
			literal, ok := node.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, _ := strconv.Unquote(literal.Value)
			parts := actionName.FindStringSubmatch(text)
			if _, isType := catalog.Lookup(text); parts != nil && !isType && !slices.Contains([]string{"users", "members", "events", "deliveries", "endpoints", "organizations"}, parts[1]) {
				found[text] = file
			}
			return true
		})
	}
	return found
}

func TestEveryActionHasASentence(t *testing.T) {
	found := written(t)
	if len(found) < 20 {
		t.Fatalf("found only %v", found)
	}
	for action, file := range found {
		if strings.HasSuffix(action, "_") { // the rest is put on
			if !slices.ContainsFunc(auditActions(), func(name string) bool { return strings.HasPrefix(name, action) }) {
				t.Errorf("%s writes %s…, which has no sentence", file, action)
			}
			continue
		}
		if auditSentences[action] == "" {
			t.Errorf("%s writes %s, which has no sentence", file, action)
		}
	}
	for action, sentence := range auditSentences {
		if strings.Count(sentence, "%") > 1 || strings.HasSuffix(sentence, ".") || sentence == "" {
			t.Errorf("%s: %q", action, sentence)
		}
	}
	if got := AuditSentence("key.revoked", "Billing 100 %"); got != "revoked the API key Billing 100 %" {
		t.Error(got)
	}
	if got := AuditSentence("moon.landed", "Eagle"); got != "moon.landed Eagle" {
		t.Error(got)
	}
}
