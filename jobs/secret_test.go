package jobs_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"hookwell/models"
	"hookwell/webhook"
)

// arrived is a request as a receiver got it.
type arrived struct {
	header http.Header
	body   []byte
}

// verifies reports whether the official library takes the request. Its clock is
// not the test's, so that the time is left out of it.
func (a arrived) verifies(t *testing.T, secret webhook.Secret) bool {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(secret.StandardForm())
	must(t, err)
	return verifier.VerifyIgnoringTimestamp(a.body, a.header) == nil
}

// older reports whether a receiver of the older header takes the request.
func (a arrived) older(secret webhook.Secret) bool {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	io.WriteString(mac, a.header.Get("x-webhook-timestamp")+".")
	mac.Write(a.body)
	return a.header.Get("x-webhook-signature") == "sha256="+hex.EncodeToString(mac.Sum(nil))
}

func TestRotation(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		arrivals := make(chan arrived, 10)
		s := receiver(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			arrivals <- arrived{r.Header, body}
		})
		e, old := f.endpoint(t, s.URL, nil)
		f.wakeQueue()
		f.start(t)
		rotate := func(hours int, secret webhook.Secret) webhook.Secret {
			t.Helper()
			_, secret, err := f.tenant.RotateSecret(t.Context(), e.ID, models.Rotation{OverlapHours: hours, Secret: secret})
			must(t, err)
			return secret
		}
		// next sends an event; known are the secrets that a receiver may check with.
		next := func(when string, signers string, older string, known map[string]webhook.Secret) {
			t.Helper()
			f.publish(t, 1)
			got := <-arrivals
			for name, secret := range known {
				if takes, want := got.verifies(t, secret), signers == "both" || signers == name; takes != want {
					t.Errorf("%s: who checks with the %s secret takes it: %v, want %v", when, name, takes, want)
				}
				if takes, want := got.older(secret), older == name; takes != want {
					t.Errorf("%s: who checks the older header with the %s secret takes it: %v, want %v", when, name, takes, want)
				}
			}
		}
		pair := map[string]webhook.Secret{"old": old, "new": rotate(24, webhook.Secret{})}
		next("during the overlap", "both", "old", pair)
		f.clock.Advance(24*time.Hour - time.Minute)
		next("a minute before its end", "both", "old", pair)
		f.clock.Advance(time.Minute)
		next("after it", "new", "new", pair)

		imported, err := webhook.ParseSecret("the text of an older sender")
		must(t, err)
		pair = map[string]webhook.Secret{"old": pair["new"], "new": rotate(1, imported)}
		next("with an imported one", "both", "old", pair)
		_, err = f.tenant.SwitchSignature(t.Context(), e.ID)
		must(t, err)
		next("once switched", "both", "new", pair)
		rows, err := f.tenant.Secrets(t.Context(), e.ID)
		must(t, err)
		_, err = f.tenant.ExpireSecret(t.Context(), e.ID, rows[1].ID)
		must(t, err)
		next("once expired", "new", "new", pair)

		pair = map[string]webhook.Secret{"old": imported, "new": rotate(0, webhook.Secret{})}
		next("without an overlap", "new", "new", pair)
	})
}
