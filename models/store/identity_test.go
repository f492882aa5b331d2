package store_test

import (
	"strings"
	"testing"
	"time"

	"hookwell/models"
)

// TestSubjectsNameSomebody tries subjects wherever a provider's claims are taken: at
// a sign-in, a sign-up, a link and a proof.
func TestSubjectsNameSomebody(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		ada := f.proved(f.account(t, "ada@example.com"))
		for name, subject := range map[string]string{"none": "", "a blank": " ", "blanks": "   ", "a tab": "\t", "a line's end": "ada\n", "NUL": "\x00", "DEL": "ada\x7f",
			"zero width": "\u200b", "a letter beyond ASCII": "ädä", "no text": "\xff", "256 characters": strings.Repeat("s", 256)} {
			claims := models.Claims{Issuer: "https://accounts.example.com", Subject: subject, Email: "eve@example.com", EmailVerified: true, SignedInAt: f.Now()}
			_, signIn := f.SignInWith(ctx, claims, visitor)
			_, signUp := f.SignUpWith(ctx, models.SignupOpen, claims, visitor)
			_, proof := ada.ProveWith(ctx, claims, f.Now().Add(-time.Minute))
			for way, err := range map[string]error{"SignInWith": signIn, "SignUpWith": signUp, "LinkIdentity": ada.LinkIdentity(ctx, claims), "ProveWith": proof} {
				if !models.IsCode(err, "provider_subject") {
					t.Errorf("%s() with %s returned %v, want provider_subject", way, name, err)
				}
			}
		}
		if list, err := ada.Identities(ctx); err != nil || len(list) > 0 {
			t.Errorf("Identities() returned %v, %v; want none", list, err)
		}
		for _, subject := range []string{"248289761001", "auth0|5f7c", "a b", "~!", strings.Repeat("s", 255)} {
			claims := models.Claims{Issuer: "https://accounts.example.com", Subject: subject}
			if err := ada.LinkIdentity(ctx, claims); err != nil {
				t.Errorf("LinkIdentity() of %q failed: %v", subject, err)
			}
			if _, err := f.SignInWith(ctx, claims, visitor); err != nil {
				t.Errorf("SignInWith() of %q failed: %v", subject, err)
			}
		}
	})
}
