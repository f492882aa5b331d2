package mail

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
)

// samples are messages as they are queued, by the name of their file in testdata.
func samples() map[string]models.Mail {
	until, since := time.Date(2026, 3, 11, 5, 6, 0, 0, time.UTC), time.Date(2026, 2, 27, 9, 30, 0, 0, time.UTC)
	disable := since.Add(models.DisableAfter)
	team := models.MailValues{Person: "Ada Lovelace", Organization: "Acme Robotics", Role: models.RoleMember, Until: &until, Token: "TOKEN"}
	orders := models.MailEndpoint{ID: "ep_1", Name: "Orders", URL: "https://shop.example.com/hooks", FailingSince: &since}
	unnamed := models.MailEndpoint{ID: "ep_2", URL: "https://billing.example.com/hooks", FailingSince: &since}
	of := func(list ...models.MailEndpoint) models.MailValues {
		return models.MailValues{Organization: "Acme Robotics", Slug: "acme-robotics", Endpoints: list}
	}
	soon := func(e models.MailEndpoint) models.MailEndpoint { e.DisableAt = &disable; return e }
	gone := unnamed
	gone.FailingSince = nil
	return map[string]models.Mail{
		"test":                    {Kind: models.MailTest},
		"invitation":              {Kind: models.MailInvitation, Values: team},
		"join":                    {Kind: models.MailJoin, Values: team},
		"join_known":              {Kind: models.MailJoinKnown, Values: team},
		"sign_up":                 {Kind: models.MailSignUp, Values: models.MailValues{Token: "TOKEN"}},
		"sign_up_known":           {Kind: models.MailSignUpKnown},
		"reset":                   {Kind: models.MailReset, Values: models.MailValues{Token: "TOKEN"}},
		"email_asked":             {Kind: models.MailEmailAsked, Values: models.MailValues{Person: "Ada", Email: "new@example.com"}},
		"email_confirm":           {Kind: models.MailEmailConfirm, Values: models.MailValues{Token: "TOKEN"}},
		"email_taken":             {Kind: models.MailEmailTaken},
		"email_changed":           {Kind: models.MailEmailChanged, Values: models.MailValues{Email: "new@example.com"}},
		"password_changed":        {Kind: models.MailPasswordChanged},
		"two_factor_off":          {Kind: models.MailTwoFactorOff},
		"identity_linked":         {Kind: models.MailIdentityLinked, Values: models.MailValues{Issuer: "https://accounts.example.com", Email: "eve@example.com"}},
		"identity_linked_nobody":  {Kind: models.MailIdentityLinked, Values: models.MailValues{Issuer: "https://accounts.example.com"}},
		"identity_unlinked":       {Kind: models.MailIdentityUnlinked},
		"endpoint_failing":        {Kind: models.MailEndpointFailing, Values: of(orders)},
		"endpoints_failing":       {Kind: models.MailEndpointFailing, Values: of(orders, unnamed)},
		"endpoint_disabling":      {Kind: models.MailEndpointDisabling, Values: of(soon(orders))},
		"endpoints_disabling":     {Kind: models.MailEndpointDisabling, Values: of(soon(orders), soon(unnamed))},
		"endpoint_disabled":       {Kind: models.MailEndpointDisabled, Values: of(orders)},
		"endpoints_disabled":      {Kind: models.MailEndpointDisabled, Values: of(orders, unnamed)},
		"endpoint_gone":           {Kind: models.MailEndpointGone, Values: of(gone)},
		"endpoint_recovered":      {Kind: models.MailEndpointRecovered, Values: of(orders)},
		"endpoints_recovered":     {Kind: models.MailEndpointRecovered, Values: of(orders, unnamed)},
		"endpoint_without_a_name": {Kind: models.MailEndpointFailing, Values: models.MailValues{Slug: "acme", Endpoints: []models.MailEndpoint{{ID: "ep_3", Name: "\u200b", URL: "https://example.com/"}}}},
	}
}

// TestWords holds the words of every kind.
func TestWords(t *testing.T) {
	words, seen := NewWords(&url.URL{Scheme: "https", Host: "hooks.example.com"}), map[models.MailKind]bool{}
	for name, m := range samples() {
		seen[m.Kind] = true
		subject, text, err := words.Write(&m)
		if err != nil {
			t.Errorf("Write() of %s: %v", name, err)
			continue
		}
		got, file := "Subject: "+subject+"\n\n"+text, filepath.Join("testdata", name+".txt")
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
		if strings.Contains(got, "TOKEN") != m.Secret() {
			t.Errorf("%s is a secret: %v", name, m.Secret())
		}
	}
	for kind := range writers {
		if !seen[kind] {
			t.Errorf("no sample has the kind %s", kind)
		}
	}
}

func TestWordsOfAnUnknownKind(t *testing.T) {
	words := NewWords(&url.URL{Scheme: "https", Host: "hooks.example.com"})
	if subject, text, err := words.Write(&models.Mail{Kind: "of_tomorrow", Values: models.MailValues{Token: "tok_5ecret"}}); err == nil || subject+text != "" || strings.Contains(err.Error(), "tok_5ecret") {
		t.Errorf("Write() returned %q, %q, %v; want an error that names the kind alone", subject, text, err)
	}
}
