package apitest

import (
	"fmt"
	"strings"
	"testing"

	"hookwell/internal/storetest"
)

// Report returns the body that reports an event with its example.
func Report(t testing.TB, eventType string) string {
	return fmt.Sprintf(`{"type":%q,"data":%s}`, eventType, storetest.Example(t, eventType))
}

// WrongData returns an event's data with a list of wrong elements, of so many bytes.
func WrongData(size int) string {
	const head, tail = `{"permissions":[`, `1]}`
	return head + strings.Repeat("1,", (size-len(head)-len(tail))/2) + tail
}
