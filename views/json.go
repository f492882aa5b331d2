package views

import (
	"bytes"
	"encoding/json"
)

// indentJSON lays JSON out on lines, keeping every value's text and the order
// of keys. What is no JSON comes back as it is.
func indentJSON(text []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(text), "", "  "); err != nil {
		return string(text)
	}
	return b.String()
}
