package store_test

import (
	"strings"
	"testing"

	"hookwell/models/store"
)

func TestPasswords(t *testing.T) {
	for password, good := range map[string]bool{
		"correct horse battery staple":        true,
		"mein Hund frisst Käse":               true,
		"9f86d081884c7d659a2f":                true,
		"Tr0ub4dor&3-and-more":                true,
		"834019265774103":                     true,
		"short of fiftee":                     true,
		"short of fifte":                      false, // 14
		"qwertyuiop12345":                     false, // listed
		"QwertyUiop12345":                     false,
		"passwordpassword":                    false,
		"aaaaaaaaaaaaaaaaaaaa":                false,
		"abababababababababab":                false,
		"hundhundhundhundhund":                false, // one short word, repeated
		"123456789012345678":                  false,
		"98765432109876543":                   false,
		"abcdefghijklmnopqrstuvwxyz":          false,
		"qwertyuiopasdfghjklzxcvbnm":          false,
		"1qaz2wsx3edc4rfv5tgb":                false,
		"zzzzzzzyyyyyyyxxxxxxx":               false,
		"hookwellhookwell":                    false,
		"Hookwell123456789":                   false,
		"ada.lovelace@example.com":            false,
		"AdaLovelace12345":                    false,
		"lovelace and nothing of the machine": true,
		strings.Repeat("ab cd ", 30):          false, // too long
	} {
		faults := store.PasswordFaults(password, "Ada Lovelace", "ada.lovelace@example.com")
		if (len(faults) == 0) != good || len(faults) > 0 && (faults[0].Field != "password" || !strings.HasSuffix(faults[0].Message, ".")) {
			t.Errorf("%q: %v, want good %v", password, faults, good)
		}
	}
}
