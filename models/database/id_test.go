package database

import (
	"strings"
	"testing"
	"time"

	"hookwell/models"
)

// FuzzCursor holds that a cursor is an id as we write it, and nothing else: it
// stands in queries and in links.
func FuzzCursor(f *testing.F) {
	var clock Clock
	for _, seed := range []string{clock.NewID(models.PrefixDelivery, time.Unix(1_773_000_000, 0)), LowestID(models.PrefixDelivery, time.Unix(0, 0)), "", "dlv_",
		"dlv_" + strings.Repeat("z", models.IDLength), "dlv_" + strings.Repeat("0", models.IDLength-2) + "\r\n", "DLV_" + strings.Repeat("0", models.IDLength),
		"evt_" + strings.Repeat("0", models.IDLength), "dlv_" + strings.Repeat("0", models.IDLength-1) + "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := CheckPage(models.Page{Cursor: text}, models.PrefixDelivery)
		rest, ok := strings.CutPrefix(text, models.PrefixDelivery)
		plain := ok && len(rest) == models.IDLength && !strings.ContainsFunc(rest, func(r rune) bool { return !strings.ContainsRune(idAlphabet, r) })
		if (err == nil) != (plain || text == "") {
			t.Errorf("%q: %v", text, err)
		}
	})
}
