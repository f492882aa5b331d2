package webhook

import (
	"encoding/base64"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ImportSecret reads a secret that somebody brings along, as ParseSecret does,
// and recognizes common paste errors. It accepts other spellings of a whsec_
// secret: "v1," or the name of a variable before it, quotation marks, capital
// letters in the prefix, the URL-safe alphabet, no padding. It refuses, and
// names, other things: an API key, an id, a URL, a signature, a mask. Accepted as
// free text they would be a key that the receiver doesn't have.
func ImportSecret(text string) (Secret, error) {
	text = pasted(text)
	if known := standardSecret.FindStringSubmatchIndex(text); known != nil {
		if !leadsToSecret.MatchString(text[:known[0]]) {
			return Secret{}, sentence("There is more around the secret. Enter it alone, from whsec_ on.")
		}
		encoded := strings.TrimRight(text[known[1]:], "\"'`”’;,")
		return ParseSecret(secretPrefix + standardBase64(encoded))
	}
	shown := seen(text)
	if near := nearSecret.FindStringSubmatch(shown); near != nil {
		return Secret{}, nearFault(text, near[1])
	}
	for _, other := range otherThings {
		if other.is.MatchString(text) || other.is.MatchString(shown) {
			return Secret{}, other.fault
		}
	}
	return ParseSecret(text)
}

// leadIn is what people copy along before a secret: the name of a variable, a
// quotation mark, the version of the signature.
const leadIn = "^(?:export\\s+)?[\"'`]?(?:[a-z_][a-z0-9_.-]*[\"'`]?\\s*[=:]\\s*)?[\"'`“‘]?(?:v1\\s*,\\s*)?"

var (
	standardSecret = regexp.MustCompile(`(?i)whsec_`)
	leadsToSecret  = regexp.MustCompile("(?i)" + leadIn + "$")
	// nearSecret is whsec without its underscore, or whsec_ with an underscore
	// or one character wrong and then as much base64 as a secret has at least. A
	// text that somebody chose hardly ever begins like that, and one of random
	// base64 once in a million.
	nearSecret = regexp.MustCompile("(?i)" + leadIn + `(whsec[^a-z0-9]|(?:wh_?sec_?|` + oneWrong(secretPrefix) + ")[a-z0-9+/_-]{32,}={0,2}[\"'`”’;,]*$)")
)

// oneWrong returns a pattern of a word in which one character is another, is left
// out, is one too many, or has changed places with the next.
func oneWrong(word string) string {
	var patterns []string
	for i := range len(word) {
		before, after := word[:i], word[i+1:]
		patterns = append(patterns, before+"."+after, before+after, before+"."+word[i:])
		if after != "" {
			patterns = append(patterns, before+after[:1]+word[i:i+1]+after[1:])
		}
	}
	return strings.Join(patterns, "|")
}

// nearFault says how a text differs from a secret that begins with whsec_, given
// what a reader sees of it from there on.
func nearFault(text, near string) sentence {
	const nearly = "This is nearly a secret that begins with whsec_, but "
	if standardSecret.MatchString(near) {
		if strange := strings.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII && seen(string(r)) != string(r) }); strange >= 0 {
			r, _ := utf8.DecodeRuneInString(text[strange:])
			return sentence(nearly + "with a character among these six that is another or shows nothing (" + codePoint(r) + "). Copy it anew.")
		}
	}
	if strings.EqualFold(near[:min(len(near), len("whsec"))], "whsec") {
		return nearly + "an underscore has to follow on whsec, with nothing between them. Copy it anew."
	}
	return nearly + "one of these six characters is missing, another, or one too many. Copy it anew."
}

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

// lookAlikes are the letters that look like those of the prefixes whsec_, whsk_,
// whpk_ and hwk_, by the table of confusable characters of Unicode (UTS 39), and
// some small capitals besides. The whole table has 6,000 others, none of which
// these prefixes have a use for.
var lookAlikes = func() map[rune]rune {
	letters := map[rune]rune{}
	for letter, alike := range map[rune]string{
		'w': "ɯшѡԝաᴡⲽꮃ𑜊𑜎𑜏ԜᎳᏔꓪ𑣦𑣯ωѠⱳ", 'h': "һհᏂΗНᎻᕼⲎꓧ𐋏ʜнӊԨħℎ", 's': "ƽѕടꜱꮪ𐑈𑣁ЅՏᏕᏚꓢ𐊖𐐠𖼺", 'e': "еҽ℮ꬲΕЕᎬ⋿ⴹꓰ𐊆𑢦𑢮ᴇεєеɛ",
		'c': "сငၚᴄⲥꮯ𐐽СᏟⲤꓚ𐊢𐌂𐐕𐔜𑣩𑣲🝌ϲϹ", 'k': "кκⲕᴋКΚⲔᏦꓗ𐔘ĸ", 'p': "рρϱⲣРΡⲢᏢꓑᴘ", '_': "ߺ‗ˍ",
	} {
		for _, r := range alike {
			letters[r] = letter
		}
	}
	return letters
}()

// seen returns a text as a reader sees it: without characters that show nothing and
// without accents, and with letters of full width, and those that look like the
// ones of a prefix, as what they pass for.
func seen(text string) string {
	return strings.Map(func(r rune) rune {
		if invisible(r) || unicode.Is(unicode.Mn, r) {
			return -1
		}
		if letter, alike := lookAlikes[r]; alike {
			return letter
		}
		return r
	}, norm.NFKD.String(text))
}

// standardBase64 writes base64 in its standard alphabet and padded.
func standardBase64(encoded string) string {
	encoded = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(encoded), "=")
	if over := len(encoded) % 4; over > 0 {
		encoded += strings.Repeat(string(base64.StdPadding), 4-over)
	}
	return encoded
}

// pasted returns a text without what comes along at its ends when it is copied:
// spaces, line breaks, and characters that show nothing.
func pasted(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
}
