package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hookwell/webhook"
)

// What people paste in a form that is nearly right is recognized, or refused
// with the reason; it is never taken for what the receiver doesn't have.
func TestNearMisses_of_the_API(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		secret := webhook.NewSecret().Reveal()
		encoded := strings.TrimPrefix(secret, "whsec_")
		body := func(secret string) string {
			return fmt.Sprintf(`{"url":%q,"eventTypes":["Payment.Failed"],"secret":%q}`, " <"+f.Receiver.URL+"> ", secret)
		}
		for _, text := range []string{"v1," + secret, "WHSEC_" + encoded, `"` + secret + `"`, secret + "\n", strings.TrimRight(secret, "=")} {
			made := f.Call(t, f.Key, "POST", "/api/v1/endpoints", body(text)).Object(t, http.StatusCreated)
			if made["secret"] != secret || made["standardSecret"] != nil || made["url"] != f.Receiver.URL || fmt.Sprint(made["eventTypes"]) != "[payment.failed]" {
				t.Errorf("%q was taken as %v", text, made["standardSecret"])
			}
			path := "/api/v1/endpoints/" + made["id"].(string) + "/rotate-secret"
			f.Call(t, f.Key, "POST", path, fmt.Sprintf(`{"secret":%q}`, text)).IsProblem(t, 422, "invalid", "secret") // in force already
		}
		for _, text := range []string{f.Key, "v1,whsec_short", f.Endpoint(t, f.Own).ID, "v1,YRNUYAwTOZSFhBt0xws6zIw34pSMeT/cPyMcXyBzLYQ=",
			"whs\u0435\u0441_" + encoded, "hsec_" + encoded} {
			f.Call(t, f.Key, "POST", "/api/v1/endpoints", body(text)).IsProblem(t, 422, "invalid", "secret")
		}
		header := fmt.Sprintf(`{"url":%q,"eventTypes":["*"],"headers":{"Authorization":"Authorization: Bearer x"}}`, f.Receiver.URL)
		f.Call(t, f.Key, "POST", "/api/v1/endpoints", header).IsProblem(t, 422, "invalid", "headers.Authorization")
		refused := f.Call(t, "Bearer "+f.Key, "GET", "/api/v1/endpoints", "")
		refused.IsProblem(t, 401, "unauthorized", "")
		if !strings.Contains(string(refused.Body), "keys begin with hwk_") {
			t.Errorf("a key after Bearer Bearer is refused with %s", refused.Body)
		}
	})
}
