package store_test

import (
	"errors"
	"strings"
	"testing"

	"hookwell/models"
	"hookwell/webhook"
)

// TestEndpoint_at_a_source_is_refused tries the spellings of a URL that reach a
// source of this server, and URLs that only look like one.
func TestEndpoint_at_a_source_is_refused(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		const token = "0123456789abcdefghjkmnpqrstvwxyz"
		for base, targets := range map[string]map[string]bool{
			"https://localhost": {
				"https://localhost/in/" + token:            true,
				"HTTPS://LocalHost:443/in/" + token + "/":  true,
				"https://localhost./in/" + token:           true,
				"http://localhost/in/" + token:             true,
				"http://localhost:80/in/" + token:          true,
				"https://localhost/%69n/" + token:          true,
				"https://localhost/in%2F" + token:          true,
				"https://localhost/%2569n/" + token:        true,
				"https://localhost//in//" + token:          true,
				"https://localhost/x/../in/" + token:       true,
				"https://localhost/./in/" + token + "?a=b": true,
				"https://localhost/x/%2e%2e/in/" + token:   true,
				"https://localhost/IN/" + token:            true,
				"https://127.0.0.1:7331/in/" + token:       true, // a further host
				"https://localhost/inbox/" + token:         false,
				"https://localhost/hooks/in/" + token:      false,
				"https://localhost/hooks?next=/in/x":       false,
				"https://localhost:8443/in/" + token:       false,
				"https://127.0.0.1/in/" + token:            false,
			},
			"http://localhost:7331": {
				"http://localhost:7331/in/" + token:  true,
				"http://LOCALHOST:7331/in/" + token:  true,
				"http://localhost:07331/in/" + token: true,
				"http://localhost/in/" + token:       false,
			},
		} {
			f.ServedAt(base, "127.0.0.1:7331")
			for target, refused := range targets {
				in := models.NewEndpointInput()
				in.URL, in.EventTypes, in.TimeoutSeconds = target, []string{"*"}, 0
				_, _, err := f.tenant.CreateEndpoint(t.Context(), in)
				var invalid *models.Error
				if !errors.As(err, &invalid) || invalid.Kind != models.Invalid {
					t.Fatalf("CreateEndpoint(%q) with a wrong timeout = %v; want Invalid", target, err)
				}
				got := strings.Contains(faultAt(invalid.Fields, "url"), "a source of this server")
				if got != refused || faultAt(invalid.Fields, "timeoutSeconds") == "" {
					t.Errorf("served at %s, CreateEndpoint(%q) = %v; want a fault at url: %t, and one at timeoutSeconds", base, target, invalid.Fields, refused)
				}
			}
		}
		e := endpoint(t, f.tenant, nil)
		f.ServedAt("http://localhost:7331")
		_, err := f.tenant.UpdateEndpoint(t.Context(), e.ID, func(in *models.EndpointInput) error {
			in.URL = "http://localhost:7331/in/" + token
			return nil
		})
		if err == nil {
			t.Error("UpdateEndpoint() took the URL of a source")
		}
	})
}

func faultAt(faults webhook.Faults, field string) string {
	for _, fault := range faults {
		if fault.Field == field {
			return fault.Message
		}
	}
	return ""
}
