package webhook

import (
	"encoding/base64"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// ImportSecret reads a secret that somebody brings along, as ParseSecret does,
// and knows what people paste in its place. Of a whsec_ secret it takes other
// spellings: "v1," or the name of a variable before it, quotation marks, capital
// letters of the prefix, the URL-safe alphabet, no padding. It refuses, and says
// so, what is another thing: an API key, an id, a URL, a signature, a mask. Taken
// as free text they would be a key that the receiver doesn't have.
func ImportSecret(text string) (Secret, error) {
	text = pasted(text)
	if known := standardSecret.FindStringSubmatchIndex(text); known != nil {
		if !leadsToSecret.MatchString(text[:known[0]]) {
			return Secret{}, sentence("There is more around the secret. Enter it alone, from whsec_ on.")
		}
		encoded := strings.TrimRight(text[known[1]:], "\"'`”’;,")
		return ParseSecret(secretPrefix + standardBase64(encoded))
	}
	if near := nearSecret.FindStringIndex(seen(text)); near != nil && leadsToSecret.MatchString(seen(text)[:near[0]]) {
		return Secret{}, sentence("This is nearly a secret that begins with whsec_, but an underscore has to follow on whsec, with nothing between them. Copy it anew.")
	}
	for _, other := range otherThings {
		if other.is.MatchString(text) {
			return Secret{}, other.fault
		}
	}
	return ParseSecret(text)
}

var (
	standardSecret = regexp.MustCompile(`(?i)whsec_`)
	nearSecret     = regexp.MustCompile(`(?i)whsec[^a-z0-9]|wh_?sec_?[a-z0-9+/_-]{32,}={0,2}$`)
	leadsToSecret  = regexp.MustCompile("(?i)^(?:export\\s+)?[\"'`]?(?:[a-z_][a-z0-9_.-]*[\"'`]?\\s*[=:]\\s*)?[\"'`“‘]?(?:v1\\s*,\\s*)?$")
)

// otherThings are texts that are taken for secrets, most telling first.
var otherThings = []struct {
	is    *regexp.Regexp
	fault sentence
}{
	{regexp.MustCompile(`(?i)^(?:bearer\s+)?hwk_`), "This is an API key of Hookwell. A signing secret is what signatures are made with: whsec_… or a text that the receiver knows."},
	{regexp.MustCompile(`(?i)^wh[sp]k_`), "This is a key of asymmetric signatures (whsk_ or whpk_), which Hookwell doesn’t make. Enter a secret that begins with whsec_."},
	{regexp.MustCompile(`^[a-z]{2,4}_[0-9a-hjkmnp-tv-z]{26}$`), "This is an id and not a secret: others may see it. Enter the secret itself."},
	{regexp.MustCompile(`(?i)^https?://`), "This is a URL and not a secret. Enter the secret itself."},
	{regexp.MustCompile(`(?i)^(?:v1a?,[a-z0-9+/_-]{40,}=*(?:\s+v1a?,.*)?|sha(?:1|256|512)=[0-9a-f]+|t=\d+,v\d=.*)$`), "This is a signature and not the secret that it is made with. Enter the secret itself."},
	{regexp.MustCompile(`-----BEGIN `), "This is a key in PEM, which Hookwell doesn’t sign with. Enter a secret that begins with whsec_, or any text."},
	{regexp.MustCompile(`^[•*.…]+$`), "This is the mask of a secret. Enter the secret itself."},
	{regexp.MustCompile("^(?:\".*\"|'.*'|`.*`|“.*”|‘.*’)$"), "The secret stands in quotation marks. Leave them out."},
}

// seen is a text as a reader sees it: without characters that show nothing, and
// with letters of full width as those that they stand for.
func seen(text string) string {
	return norm.NFKC.String(strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, text))
}

// standardBase64 writes base64 in its standard alphabet and padded.
func standardBase64(encoded string) string {
	encoded = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(encoded), "=")
	if over := len(encoded) % 4; over > 0 {
		encoded += strings.Repeat(string(base64.StdPadding), 4-over)
	}
	return encoded
}

// pasted is a text without what comes along at its ends when it is copied:
// spaces, line breaks, and characters that show nothing.
func pasted(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
}
