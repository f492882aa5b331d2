package webhook

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

func TestImportSecret(t *testing.T) {
	key := bytes.Repeat([]byte{0xfb, 0xff, 0x01, 0x7e}, 8) // whose base64 has +, / and padding
	want := "whsec_" + base64.StdEncoding.EncodeToString(key)
	encoded := strings.TrimPrefix(want, "whsec_")
	for name, text := range map[string]string{
		"as_it_is":                    want,
		"v1_before_it":                "v1," + want,
		"V1_and_a_space":              "V1, " + want,
		"capital_prefix":              "WHSEC_" + encoded,
		"capital_prefix_after_v1":     "v1,WHSEC_" + encoded,
		"spaces_around":               "  " + want + "\t",
		"a_line_break":                want + "\r\n",
		"a_byte_order_mark":           "\ufeff" + want,
		"a_zero-width_space":          want + "\u200b",
		"in_quotes":                   `"` + want + `"`,
		"in_single_quotes":            "'" + want + "'",
		"in_typographic_quotes":       "“" + want + "”",
		"in_backticks":                "`" + want + "`",
		"a_variable":                  "WEBHOOK_SECRET=" + want,
		"an_exported_variable":        `export SEND_HOOK_SECRETS="v1,` + want + `"`,
		"a_line_of_YAML":              "secret: " + want,
		"a_member_of_JSON":            `"secret": "` + want + `",`,
		"without_padding":             strings.TrimRight(want, "="),
		"URL-safe_alphabet":           "whsec_" + base64.URLEncoding.EncodeToString(key),
		"URL-safe_without_padding":    "v1,whsec_" + base64.RawURLEncoding.EncodeToString(key),
		"with_more_padding_than_due":  want + "=",
		"with_a_semicolon_at_the_end": want + ";",
	} {
		t.Run(name, func(t *testing.T) {
			secret, err := ImportSecret(text)
			if err != nil || secret.Reveal() != want {
				t.Errorf("ImportSecret() returned %q, %v", secret.Reveal(), err)
			}
		})
	}
	for name, text := range map[string]string{
		"words":               "correct horse battery staple",
		"hex":                 strings.Repeat("0f", 32),
		"of_Stripe's_kind":    "sk_live_0123456789abcdefghijklmn",
		"words_with_a_comma":  "v1, a secret of our own",
		"quotes_at_one_end":   `"the secret that we share`,
		"an_equals_sign":      "secret=correct horse battery",
		"not_quite_an_id":     "ab_0123456789abcdefghijklmnop",
		"base64_of_32_bytes":  encoded,
		"asterisks_and_words": "*** the secret that we share ***",
		"words_of_Russian":    "правильная лошадь батарея скоба",
		"a_short_word_alike":  "wsec_correct-horse",
		"words_after_it":      "hsec_ is how our own secrets begin",
		"two_letters_other":   "wbsek_" + strings.Repeat("0f", 20),
		"another_product's":   "whk_" + strings.Repeat("0f", 20),
		"an_app_secret":       "app_secret_" + strings.Repeat("0f", 20),
		"a_web_secret":        "websec_" + strings.Repeat("0f", 20),
		"accents":             "Wäsche, Höhle, Senf: é_" + strings.Repeat("0f", 20),
	} {
		t.Run(name+"_is_a_text", func(t *testing.T) {
			if secret, err := ImportSecret(" " + text + "\n"); err != nil || secret.Reveal() != text || string(secret.held().key) != text {
				t.Errorf("ImportSecret() returned %q, %v", secret.Reveal(), err)
			}
		})
	}
	for name, test := range map[string]struct{ text, said string }{
		"two_secrets":                    {want + " " + want, "whsec_"},
		"words_before_it":                {"my secret is " + want, "Enter it alone"},
		"a_placeholder":                  {"whsec_...", "base64 of 24 to 64 bytes"},
		"too_short":                      {"v1,whsec_" + base64.StdEncoding.EncodeToString(key[:16]), "base64 of 24 to 64 bytes"},
		"a_hyphen":                       {"whsec-" + encoded, "nearly"},
		"nothing_between":                {"whsec" + encoded, "nearly"},
		"another_underscore":             {"wh_sec_" + encoded, "nearly"},
		"a_colon":                        {"whsec:" + encoded, "nearly"},
		"an_encoded_underscore":          {"whsec%5F" + encoded, "nearly"},
		"a_space":                        {"WHSEC " + encoded, "nearly"},
		"an_equals_sign_after_v1":        {"v1,whsec=" + encoded, "nearly"},
		"a_variable_and_a_hyphen":        {"SECRET=whsec-" + encoded, "nearly"},
		"U+200B_before_the_underscore":   {"whsec\u200b_" + encoded, "nearly"},
		"U+200D_within":                  {"wh\u200dsec_" + encoded, "nearly"},
		"U+2060_within":                  {"whs\u2060ec_" + encoded, "nearly"},
		"full_width":                     {"ｗｈｓｅｃ＿" + encoded, "nearly"},
		"a_full_width_underscore":        {"whsec＿" + encoded, "nearly"},
		"Cyrillic_e_and_c":               {"whs\u0435\u0441_" + encoded, "is another or shows nothing (U+0435)"},
		"Cyrillic_c":                     {"whse\u0441_" + encoded, "(U+0441)"},
		"Cyrillic_all_through":           {"\u051d\u04bb\u0455\u0435\u0441_" + encoded, "(U+051D)"},
		"Cyrillic_capitals":              {"W\u041d\u0405\u0415\u0421_" + encoded, "(U+041D)"},
		"Greek_capitals":                 {"W\u0397S\u0395C_" + encoded, "(U+0397)"},
		"small_capitals":                 {"\u1d21\u029c\ua731\u1d07\u1d04_" + encoded, "(U+1D21)"},
		"bold_letters_of_mathematics":    {"\U0001d430\U0001d421\U0001d42c\U0001d41e\U0001d41c_" + encoded, "(U+1D430)"},
		"an_accent":                      {"wh\u015bec_" + encoded, "(U+015B)"},
		"Cyrillic_and_no_underscore":     {"whs\u0435c" + encoded, "nearly"},
		"Cyrillic_after_a_variable":      {"SECRET=v1,whse\u0441_" + encoded, "(U+0441)"},
		"Cyrillic_in_quotes":             {`"whs` + "\u0435" + `c_` + encoded + `"`, "(U+0435)"},
		"Cyrillic_in_typographic_quotes": {"“whs\u0435c_" + encoded + "”", "(U+0435)"},
		"an_unknown_letter":              {"wh\u4e09ec_" + encoded, "one of these six"},
		"the_first_letter_missing":       {"hsec_" + encoded, "one of these six"},
		"a_letter_missing":               {"whsc_" + encoded, "one of these six"},
		"a_letter_twice":                 {"whssec_" + encoded, "one of these six"},
		"two_letters_changed_about":      {"whesc_" + encoded, "one of these six"},
		"another_letter":                 {"vhsec_" + encoded, "one of these six"},
		"another_letter_after_v1":        {"v1,whsek_" + encoded, "one of these six"},
		"another_in_quotes":              {`"wksec_` + encoded + `"`, "one of these six"},
		"an_API_key_with_a_look-alike":   {"hw\u043a_" + strings.Repeat("A", 40), "API key"},
		"an_API_key":                     {"hwk_" + strings.Repeat("A", 40), "API key"},
		"an_API_key_as_sent":             {"Bearer hwk_" + strings.Repeat("A", 40), "API key"},
		"an_endpoint's_id":               {"ep_06h0ed3k2hx7c4r5qj9v0m1n8w", "id"},
		"a_secret's_id":                  {"sec_06h0ed3k2hx7c4r5qj9v0m1n8w", "id"},
		"a_URL":                          {"https://example.com/webhooks", "URL"},
		"a_signature":                    {"v1,YRNUYAwTOZSFhBt0xws6zIw34pSMeT/cPyMcXyBzLYQ=", "signature"},
		"two_signatures":                 {"v1,YRNUYAwTOZSFhBt0xws6zIw34pSMeT/cPyMcXyBzLYQ= v1,x", "signature"},
		"an_older_signature":             {"sha256=ab4899408768efacf8bc94d75ea2c501a705989eb0c77f04aa6618820c72b1dd", "signature"},
		"a_signature_of_Stripe":          {"t=1492774577,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e7", "signature"},
		"a_private_key":                  {"whsk_" + encoded, "asymmetric"},
		"PEM":                            {"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----", "PEM"},
		"a_mask":                         {"••••••••••••••••", "mask"},
		"a_mask_of_asterisks":            {"****************", "mask"},
		"a_text_in_quotes":               {`"correct horse battery staple"`, "quotation marks"},
		"a_line_break_within":            {"correct horse\nbattery staple", "line breaks"},
		"nothing":                        {" ", "16 to 256 characters"},
	} {
		t.Run(name+"_is_refused", func(t *testing.T) {
			_, err := ImportSecret(test.text)
			if err == nil || !strings.Contains(err.Error(), test.said) {
				t.Fatalf("ImportSecret() returned %v, want it to say %q", err, test.said)
			}
			if strings.Contains(err.Error(), encoded[:8]) || strings.Contains(err.Error(), "horse") {
				t.Errorf("the error shows the text: %v", err)
			}
		})
	}
}
