package views

import (
	"encoding/json"
	"reflect"
	"testing"

	"hookwell/inbound"
	"hookwell/models"
)

// TestSourceForm_ReadScheme writes schemes into the form and reads them again.
func TestSourceForm_ReadScheme(t *testing.T) {
	for _, provider := range inbound.Providers() {
		form := NewSourceForm(provider)
		if form.takesScheme() != provider.OwnScheme() {
			t.Errorf("the form of %s takes a scheme: %v", provider.Name, form.takesScheme())
		}
		if got := form.ReadScheme(); got != "" {
			t.Errorf("ReadScheme() of %s as it comes = %s; want the provider's own", provider.Name, got)
		}
	}
	for name, text := range map[string]string{
		"pairs":   `{"algorithm":"hmac-sha512","encoding":"base64url","key":"hex","signature":{"header":"X-A","format":"pairs","key":"v1","separator":",","prefix":"p="},"message":"{timestamp}.{body}","timestamp":{"from":"signature","name":"t","unit":"ms","toleranceSeconds":60}}`,
		"no time": `{"algorithm":"hmac-sha1","encoding":"hex","key":"utf8","signature":{"header":"X-A","optionalPrefix":"sha1="},"message":"{url}{body}"}`,
		"public":  `{"algorithm":"ed25519","encoding":"hex","key":"hex","signature":{"header":"X-A"},"message":"{body}"}`,
	} {
		form := EditSourceForm(&models.Source{Provider: "generic_hmac", Scheme: text})
		var want, got inbound.Scheme
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := json.Unmarshal([]byte(form.ReadScheme()), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: ReadScheme() = %s, %v; want what the form was made of", name, form.ReadScheme(), err)
		}
	}
}

// TestSchemeFields has words for every choice, and a place for every fault.
func TestSchemeFields(t *testing.T) {
	for _, f := range SchemeFields() {
		choices := inbound.SchemeChoices(f.At)
		if (f.words != nil) != (choices != nil) || len(f.words) != len(choices) {
			t.Errorf("%s has words for %d choices; want %d", f.Name, len(f.words), len(choices))
		}
		for _, value := range choices {
			if f.words[value] == "" {
				t.Errorf("%s has no words for %q", f.Name, value)
			}
		}
	}
}
