package apitest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"hookwell/models/store"
	"hookwell/webhook"
)

// Catalog returns the built-in catalog, read once.
var Catalog = sync.OnceValues(func() (*webhook.Catalog, error) { return webhook.NewCatalog(nil) })

// CheapPasswords is what hashes of passwords cost in tests.
var CheapPasswords = store.PasswordCost{Memory: 64, Passes: 1}

// Example is the catalog's data of a type.
func Example(t testing.TB, eventType string) string {
	t.Helper()
	catalog, err := Catalog()
	must(t, err)
	found, ok := catalog.Lookup(eventType)
	if !ok {
		t.Fatalf("no event type %s", eventType)
	}
	return string(found.Example)
}

// Report is the body that reports an event with its example.
func Report(t testing.TB, eventType string) string {
	return fmt.Sprintf(`{"type":%q,"data":%s}`, eventType, Example(t, eventType))
}

// WrongData is an event's data with a list of wrong elements, of so many bytes.
func WrongData(size int) string {
	const head, tail = `{"permissions":[`, `1]}`
	return head + strings.Repeat("1,", (size-len(head)-len(tail))/2) + tail
}
