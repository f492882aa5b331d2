package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
)

func TestKeys(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		key, text, err := f.tenant.CreateKey(t.Context(), models.NewKey{Name: "back end", Scopes: []string{"write", "events:write", "write"}})
		if err != nil {
			t.Fatal(err)
		}
		platform, platformText, err := f.Operator().CreateKey(t.Context(), models.NewKey{Name: "platform"})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(key.Scopes, []models.Scope{models.ScopeEventsWrite, models.ScopeWrite}) || key.May(models.ScopeRead) || !platform.May(models.ScopeRead) {
			t.Errorf("scopes %v", key.Scopes)
		}
		all := dumpAll(t, f.Store)
		for _, secret := range []string{text, platformText} {
			all.holdsNowhere(t, "a key", secret)
			all.holdsNowhere(t, "a key without its prefix", strings.TrimPrefix(secret, "hwk_"))
		}
		known, org, err := f.AuthenticateKey(t.Context(), text)
		if err != nil || known.ID != key.ID || org.ID != f.tenant.Organization().ID || !cmp.Equal(known.Scopes, key.Scopes) {
			t.Errorf("%+v, %+v, %v", known, org, err)
		}
		if known, org, err := f.AuthenticateKey(t.Context(), platformText); err != nil || !known.Platform() || org != nil {
			t.Errorf("the platform's: %+v, %+v, %v", known, org, err)
		}
		for _, wrong := range []string{"", "hwk_", text[:len(text)-1], text + "A", strings.ToLower(text), " " + text, strings.TrimPrefix(text, "hwk_"), key.ID, "hwk_\x00\xff", "' OR 1=1 --"} {
			if _, _, err := f.AuthenticateKey(t.Context(), wrong); !models.IsKind(err, models.Unauthorized) {
				t.Errorf("%q: %v, want Unauthorized", wrong, err)
			}
		}
		for range 2 {
			if err := f.tenant.RevokeKey(t.Context(), key.ID); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := f.AuthenticateKey(t.Context(), text); !models.IsKind(err, models.Unauthorized) {
			t.Errorf("revoked: %v", err)
		}
		if list, err := f.tenant.Keys(t.Context()); err != nil || len(list) != 1 || list[0].RevokedAt == nil {
			t.Errorf("the revoked key stays listed: %+v, %v", list, err)
		}
	})
}

func TestKeyUse(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		_, text, err := f.tenant.CreateKey(t.Context(), models.NewKey{Name: "k", Scopes: []string{"read"}})
		if err != nil {
			t.Fatal(err)
		}
		lastUse := func() time.Time {
			t.Helper()
			if _, _, err := f.AuthenticateKey(t.Context(), text); err != nil {
				t.Fatal(err)
			}
			list, err := f.tenant.Keys(t.Context())
			if err != nil || list[0].LastUsedAt == nil {
				t.Fatal(list, err)
			}
			return *list[0].LastUsedAt
		}
		first := lastUse()
		f.clock.Advance(30 * time.Second)
		if again := lastUse(); !again.Equal(first) {
			t.Errorf("written again within the minute: %v after %v", again, first)
		}
		f.clock.Advance(31 * time.Second)
		if later := lastUse(); later.Sub(first) < time.Minute {
			t.Errorf("a minute later it still says %v", later)
		}
	})
}

func TestKeyFaults(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		before := dumpAll(t, f.Store)
		for _, c := range []struct {
			name   string
			scopes []string
			want   []string
		}{
			{"", nil, []string{"name", "scopes"}},
			{"k", nil, []string{"scopes"}},
			{"k", []string{"read", "Admin"}, []string{"scopes"}},
			{"k", []string{""}, []string{"scopes"}},
			{"a\x00", []string{"read"}, []string{"name"}},
			{"a\xff", []string{"read"}, []string{"name"}},
			{strings.Repeat("ä", 101), []string{"read"}, []string{"name"}},
		} {
			_, text, err := f.tenant.CreateKey(t.Context(), models.NewKey{Name: c.name, Scopes: c.scopes})
			if got := fields(t, err); !slices.Equal(got, c.want) || text != "" {
				t.Errorf("%q %v: faults at %v, want %v", c.name, c.scopes, got, c.want)
			}
		}
		_, _, err := f.Operator().CreateKey(t.Context(), models.NewKey{Name: " "})
		if got := fields(t, err); !slices.Equal(got, []string{"name"}) {
			t.Errorf("a platform key without a name: %v", got)
		}
		sameRows(t, before, dumpAll(t, f.Store))
	})
}

func TestKeyExpiry(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		end := f.Now().Add(time.Hour)
		_, text, err := f.tenant.CreateKey(t.Context(), models.NewKey{Name: "k", Scopes: []string{"read"}, ExpiresAt: &end})
		if err != nil {
			t.Fatal(err)
		}
		_, platform, err := f.Operator().CreateKey(t.Context(), models.NewKey{Name: "p", ExpiresAt: &end})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{text, platform} {
			if _, _, err := f.AuthenticateKey(t.Context(), key); err != nil {
				t.Error(err)
			}
		}
		f.clock.Advance(time.Hour)
		for _, key := range []string{text, platform} {
			if _, _, err := f.AuthenticateKey(t.Context(), key); !models.IsKind(err, models.Unauthorized) || asError(err).Code != "key_expired" {
				t.Errorf("its time is over: %v", err)
			}
		}
		if keys, err := f.tenant.Keys(t.Context()); err != nil || !keys[0].Expired(f.Now()) || keys[0].RevokedAt != nil {
			t.Errorf("%+v, %v", keys, err)
		}
		for _, past := range []time.Time{f.Now(), f.Now().Add(-time.Second)} {
			_, _, err := f.tenant.CreateKey(t.Context(), models.NewKey{Name: "k", Scopes: []string{"read"}, ExpiresAt: &past})
			if got := fields(t, err); !slices.Equal(got, []string{"expires"}) {
				t.Errorf("ends at %v: faults at %v", past, got)
			}
		}
	})
}
