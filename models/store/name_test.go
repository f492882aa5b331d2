package store_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
)

// TestNamesShowWhatTheyAre holds that no name of anything is invisible or
// turned round, and that the fault stands at its field.
func TestNamesShowWhatTheyAre(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		c := newCrew(t, f)
		e := endpoint(t, f.tenant, nil)
		platform, _, err := f.Operator().CreateKey(ctx, models.NewKey{Name: "back end"})
		if err != nil {
			t.Fatal(err)
		}
		of := func(_ any, err error) error { return err }
		names := map[string]struct {
			field string
			set   func(name string) error
		}{
			"sign-up": {"name", func(name string) error {
				return of(f.SignUp(ctx, models.SignupOpen, models.Account{Name: name, Email: "new@example.com", Password: password}, visitor))
			}},
			"person": {"name", func(name string) error { return f.As(c.users["member"], models.Actor{}).Rename(ctx, name) }},
			"organization": {"name", func(name string) error {
				return of(c.as("owner").UpdateOrganization(ctx, models.OrganizationChange{Name: &name}))
			}},
			"its id": {"externalId", func(name string) error {
				return of(c.as("owner").UpdateOrganization(ctx, models.OrganizationChange{ExternalID: &name}))
			}},
			"new one": {"name", func(name string) error {
				return of(f.As(c.users["member"], models.Actor{}).CreateOrganization(ctx, name))
			}},
			"title": {"title", func(name string) error { return of(c.as("owner").SetTitle(ctx, c.members["member"], name)) }},
			"key": {"name", func(name string) error {
				_, _, err := c.as("owner").CreateKey(ctx, models.NewKey{Name: name, Scopes: []string{"read"}})
				return err
			}},
			"endpoint": {"name", func(name string) error {
				return of(c.as("owner").UpdateEndpoint(ctx, e.ID, func(in *models.EndpointInput) error { in.Name = name; return nil }))
			}},
			"description": {"description", func(name string) error {
				return of(c.as("owner").UpdateEndpoint(ctx, e.ID, func(in *models.EndpointInput) error { in.Description = name; return nil }))
			}},
			"portal link": {"name", func(name string) error {
				_, _, err := f.Platform(platform, models.Actor{}).CreatePortalLink(ctx, f.tenant.Organization().ID, models.NewPortalLink{Role: "guest", Minutes: 1, Name: name})
				return err
			}},
		}
		before := dumpAll(t, f.Store)
		for what, name := range names {
			for _, bad := range []string{"\u200b", "\u00ad", "\u3164", "\u0301", "Ac\u200bme", "\u202eemcA", "a\u2066b", "a\U000e0041", "\ue000", "Ac\ue000me", "Ac\u0378me", "a\uffffb"} {
				if got := fields(t, name.set(bad)); !cmp.Equal(got, []string{name.field}) {
					t.Errorf("%s %q: faults at %v", what, bad, got)
				}
			}
		}
		sameRows(t, before, dumpAll(t, f.Store))
		for what, name := range names {
			if err := name.set("می\u200cخواهم 👩\u200d💻"); err != nil {
				t.Errorf("%s: a word of Persian and an emoji: %v", what, err)
			}
		}
	})
}

func TestEmailsAreWritableForMail(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		account := models.Account{Name: "Ada", Email: " Ada@Bücher.example", Password: password}
		user, err := f.SignUp(t.Context(), models.SignupOpen, account, visitor)
		if err != nil || user.Email != "ada@xn--bcher-kva.example" {
			t.Fatalf("SignUp() = %+v, %v", user, err)
		}
		if _, err := f.signIn(t, "ada@bücher.example", password); err != nil {
			t.Errorf("signing in as it is written: %v", err)
		}
		account.Email = "jörg@example.com"
		_, err = f.SignUp(t.Context(), models.SignupOpen, account, visitor)
		if got := fields(t, err); !cmp.Equal(got, []string{"email"}) || !strings.Contains(asError(err).Fields[0].Message, "“ö”") {
			t.Errorf("letters before the @: %v", err)
		}
	})
}

func TestFrameOriginHasAPort(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		key, _, err := f.Operator().CreateKey(t.Context(), models.NewKey{Name: "back end"})
		if err != nil {
			t.Fatal(err)
		}
		for origin, stored := range map[string]string{
			"https://app.example.com": "https://app.example.com", "https://app.example.com:8443": "https://app.example.com:8443", "https://app.example.com:65535": "https://app.example.com:65535",
			"https://app.example.com:08443": "https://app.example.com:8443", "https://app.example.com:0443": "https://app.example.com", "https://app.example.com:443": "https://app.example.com",
			"https://app.example.com:0": "", "https://app.example.com:99999": "", "https://app.example.com:65536": "", "https://app.example.com:": "", "https://app.example.com:00": "",
		} {
			link, _, err := f.Platform(key, models.Actor{}).CreatePortalLink(t.Context(), f.tenant.Organization().ID, models.NewPortalLink{Role: "guest", Minutes: 1, FrameOrigin: origin})
			if (err == nil) != (stored != "") || err == nil && link.FrameOrigin != stored {
				t.Errorf("%s: %+v, %v", origin, link, err)
			}
		}
	})
}
