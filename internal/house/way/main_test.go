package main

import (
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"
)

func TestFilesOf(t *testing.T) {
	const idle = "mode: set\nhookwell/jobs/due.go:1.1,2.2 1 1\nhookwell/jobs/lane.go:1.1,2.2 3 0\nhookwell/web/server.go:1.1,9.9 2 1\n"
	const busy = "mode: set\nhookwell/jobs/due.go:1.1,2.2 1 1\nhookwell/jobs/lane.go:1.1,2.2 3 1\nhookwell/web/server.go:10.1,19.9 2 1\nhookwell/main.go:1.1,2.2 1 0\nhookwell/views/page_templ.go:1.1,2.2 1 1\n"
	got := filesOf(readBlocks([]byte(busy)), readBlocks([]byte(idle)))
	if diff := cmp.Diff([]string{"jobs/lane.go", "web/server.go"}, got); diff != "" {
		t.Errorf("filesOf() (-want +got):\n%s", diff)
	}
	var b strings.Builder
	printFiles(&b, "a way", got)
	if want := "a way: 2 files\n  jobs 1: lane.go\n  web 1: server.go\n"; b.String() != want {
		t.Errorf("printFiles() wrote %q; want %q", b.String(), want)
	}
}

func TestKindOf(t *testing.T) {
	for name, want := range map[string]string{"models/endpoint.go": "by hand", "views/endpoint.templ": "by hand", "views/endpoint_templ.go": "generated",
		"web/endpoint_test.go": "tests", "docs/api.md": "docs", "web/api/openapi_requests.json": "by hand"} {
		if got := kindOf(name); got != want {
			t.Errorf("kindOf(%s) returned %q; want %q", name, got, want)
		}
	}
}

func TestFieldsOf(t *testing.T) {
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(`<form><input name="a" value="1"><input type="checkbox" name="b" checked><input type="checkbox" name="c">
		<input type="radio" name="d" value="x"><input type="radio" name="d" value="y" checked><select name="e"><option value="1"><option value="2" selected></select>
		<select name="f"><option>first</option></select><textarea name="g">text</textarea><input name="h" disabled><input value="nameless"></form>`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fieldsOf(doc.Find("form")).Encode(), "a=1&b=on&d=y&e=2&f=first&g=text"; got != want {
		t.Errorf("fieldsOf() returned %q; want %q", got, want)
	}
}

func TestAnEvent(t *testing.T) {
	for catalog, want := range map[string]string{
		`[{"type":"a.b","example":{"id":1}}]`:                           `{"data":{"id":1},"type":"a.b"}`,
		`{"events":[{"type":"a.b","example":{"type":"x","data":[1]}}]}`: `{"data":[1],"type":"a.b"}`,
	} {
		if got, err := anEvent([]byte(catalog)); err != nil || string(got) != want {
			t.Errorf("anEvent(%s) returned %s, %v; want %s", catalog, got, err, want)
		}
	}
	if _, err := anEvent([]byte("[]")); err == nil {
		t.Error("anEvent() of an empty catalog succeeded")
	}
}
