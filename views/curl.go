package views

import (
	"slices"
	"strings"

	"hookwell/models"
)

// unsentByHand are the headers that curl writes by itself, and the one that
// would have the answer come compressed.
var unsentByHand = []string{"host", "content-length", "accept-encoding"}

// curl returns the request of an attempt as a command for a POSIX shell. It is made
// of what was recorded, where the endpoint's own header values are masked, so
// that nothing in it is secret.
func curl(attempt *models.Attempt, body []byte) string {
	var b strings.Builder
	b.WriteString("curl --globoff " + quote(attempt.RequestURL))
	for _, header := range attempt.RequestHeaders {
		if !slices.Contains(unsentByHand, strings.ToLower(header.Name)) {
			b.WriteString(" \\\n  --header " + quote(header.Name+": "+header.Value))
		}
	}
	// Not --data, which takes what begins with @ for a file's name.
	b.WriteString(" \\\n  --data-raw " + quote(string(body)))
	return b.String()
}

// quote makes one word for a shell of any text.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
