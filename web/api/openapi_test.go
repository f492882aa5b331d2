package api

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

// TestDocs_have_every_code holds the table of docs/api.md.
func TestDocs_have_every_code(t *testing.T) {
	page, err := os.ReadFile("../../docs/api.md")
	must(t, err)
	told := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d{3}) \| (.*?) \|`).FindAllStringSubmatch(string(page), -1) {
		for _, code := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[2], -1) {
			told[row[1]+" "+code[1]] = true
		}
	}
	for code, kind := range refusals {
		if !told[strconv.Itoa(kind.status)+" "+code] {
			t.Errorf("docs/api.md says nothing of %d %s", kind.status, code)
		}
	}
}

func TestOperations_are_of_routes(t *testing.T) {
	if len(operations()) != len(Routes()) {
		t.Errorf("there are %d operations for %d routes", len(operations()), len(Routes()))
	}
}
