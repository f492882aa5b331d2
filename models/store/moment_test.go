package store_test

import (
	"testing"
	"time"

	"hookwell/models"
)

// TestTimesAreJudgedAsTheyAreStored gives times at the borders of what both
// databases, ids and RFC 3339 can write, by offsets that put them over it.
func TestTimesAreJudgedAsTheyAreStored(t *testing.T) {
	times := map[string]bool{
		"9999-12-31T23:59:59-01:00":           false, // 10000 in UTC
		"9999-12-31T23:59:59Z":                true,
		"9999-12-31T23:59:59.999999999Z":      true,
		"9999-12-31T23:59:59+14:00":           true,
		"1970-01-01T00:30:00+02:00":           false, // 1969 in UTC
		"1970-01-01T00:00:00Z":                true,
		"1969-12-31T23:30:00-01:00":           true, // 1970 in UTC
		"1969-12-31T23:59:59.999999999Z":      false,
		"0001-01-01T00:00:00+14:00":           false,
		"0001-01-01T00:00:01Z":                false,
		"2026-03-03T15:22:41.123456789+05:45": true,
	}
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		for text, good := range times {
			at, err := time.Parse(time.RFC3339Nano, text)
			must(t, err)
			accepted, err := f.tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: payment(text), Timestamp: at})
			switch {
			case good && err != nil:
				t.Errorf("an event of %s: %v", text, err)
			case good:
				event, err := f.tenant.Event(t.Context(), accepted.ID)
				must(t, err)
				if want := at.UTC().Truncate(time.Millisecond); !event.OccurredAt.Equal(want) {
					t.Errorf("an event of %s is stored as of %s", text, event.OccurredAt)
				}
			case !models.IsKind(err, models.Invalid):
				t.Errorf("an event of %s: %v, want a refusal", text, err)
			}
			if good {
				continue
			}
			if _, err := f.tenant.Recover(t.Context(), e.ID, models.RecoveryInput{Since: at}); !models.IsKind(err, models.Invalid) {
				t.Errorf("a recovery since %s: %v", text, err)
			}
			if _, err := f.tenant.Recover(t.Context(), e.ID, models.RecoveryInput{Since: f.clock.Now().Add(-time.Hour), Until: at}); !models.IsKind(err, models.Invalid) {
				t.Errorf("a recovery until %s: %v", text, err)
			}
			if _, _, err := f.tenant.CreateKey(t.Context(), models.NewKey{Name: "k", Scopes: []string{"read"}, ExpiresAt: &at}); !models.IsKind(err, models.Invalid) {
				t.Errorf("a key until %s: %v", text, err)
			}
		}
		last := time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("", 3600))
		_, text, err := f.tenant.CreateKey(t.Context(), models.NewKey{Name: "k", Scopes: []string{"read"}, ExpiresAt: &last})
		must(t, err)
		key, _, err := f.AuthenticateReporter(t.Context(), text)
		if err != nil || !key.ExpiresAt.Equal(last.UTC().Truncate(time.Microsecond)) {
			t.Errorf("a key that ends with the year 9999: %v, %v", key, err)
		}
	})
}
