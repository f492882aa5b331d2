package models

import (
	"strings"
	"testing"
	"time"
)

// FuzzCursor holds that a cursor is an id as we write it, and nothing else: it
// stands in queries and in links.
func FuzzCursor(f *testing.F) {
	var clock Clock
	for _, seed := range []string{clock.newID(PrefixDelivery, time.Unix(1_773_000_000, 0)), lowestID(PrefixDelivery, time.Unix(0, 0)), "", "dlv_",
		"dlv_" + strings.Repeat("z", idLength), "dlv_" + strings.Repeat("0", idLength-2) + "\r\n", "DLV_" + strings.Repeat("0", idLength),
		"evt_" + strings.Repeat("0", idLength), "dlv_" + strings.Repeat("0", idLength-1) + "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := Page{Cursor: text}.check(PrefixDelivery)
		rest, ok := strings.CutPrefix(text, PrefixDelivery)
		plain := ok && len(rest) == idLength && !strings.ContainsFunc(rest, func(r rune) bool { return !strings.ContainsRune(idAlphabet, r) })
		if (err == nil) != (plain || text == "") {
			t.Errorf("%q: %v", text, err)
		}
	})
}
