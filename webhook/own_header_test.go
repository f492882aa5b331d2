package webhook

import (
	"strings"
	"testing"
)

func TestCheckOwnHeader(t *testing.T) {
	for _, value := range []string{"Bearer hush-1", "Basic aHVzaA==", "hush-1", `"hush-1"`, "bearer", "W/\"etag\"", "Bearer token", "X-Key-hush: 1", "it's"} {
		if err := CheckOwnHeader("X-Key", value); err != nil {
			t.Errorf("%s: %v", value, err)
		}
	}
	for value, said := range map[string]string{
		"Authorization: Bearer hush-1":     "the header’s name",
		"authorization:Bearer hush-1":      "the header’s name",
		"\"Authorization: Bearer hush-1\"": "the header’s name",
		"Bearer Bearer hush-1":             "Bearer twice",
		"bearer  BEARER hush-1":            "bearer twice",
		"Basic Basic aHVzaA==":             "Basic twice",
		"\"Bearer hush-1\"":                "quotation marks",
		"'Bearer hush-1":                   "quotation marks",
		" Bearer hush-1":                   "begins or ends with a space",
		"Bearer hush-1\n":                  "line break",
		"":                                 "no value",
	} {
		err := CheckOwnHeader("Authorization", value)
		if err == nil || !strings.Contains(err.Error(), said) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v, want it to say %s", value, err, said)
		}
	}
}
