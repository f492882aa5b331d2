package static

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
)

func TestPath(t *testing.T) {
	t.Run("a_file_carries_its_hash", func(t *testing.T) {
		if got := Path("hookwell.css"); !regexp.MustCompile(`^/static/hookwell\.css\?v=[\w-]{12}$`).MatchString(got) {
			t.Errorf("Path = %q", got)
		}
	})
	t.Run("files_differ", func(t *testing.T) {
		if strings.SplitAfter(Path("app.js"), "v=")[1] == strings.SplitAfter(Path("htmx.min.js"), "v=")[1] {
			t.Error("two files share one hash")
		}
	})
	t.Run("an_unknown_name_has_none", func(t *testing.T) {
		if got := Path("nothing.css"); got != "/static/nothing.css" {
			t.Errorf("Path = %q", got)
		}
	})
}

// A browser reads a referenced SVG as XML, where one fault costs every icon.
func TestIcons_are_well_formed(t *testing.T) {
	content, err := Files.ReadFile("icons.svg")
	if err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(content))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		seen := map[string]bool{}
		for _, attr := range element.Attr {
			if seen[attr.Name.Local] {
				t.Errorf("<%s> has two %s attributes", element.Name.Local, attr.Name.Local)
			}
			seen[attr.Name.Local] = true
		}
	}
}

func TestLicences_name_what_others_wrote(t *testing.T) {
	notes, err := Files.ReadFile("LICENSES.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"htmx.min.js", "htmx-sse.min.js"} {
		if !bytes.Contains(notes, []byte(name)) {
			t.Errorf("LICENSES.txt does not name %s", name)
		}
	}
}
