package config

import (
	"fmt"
	"net/url"
	"strings"
)

// unencoded returns what to mend in a URL with a character that would end its
// password, or break it otherwise, and "" if there is none. Of what stands in
// the URL it shows that character alone.
func unencoded(text string) string {
	_, rest, ok := strings.Cut(text, "://")
	if !ok {
		return ""
	}
	for i, r := range rest {
		if r == '#' || r <= ' ' || r == 0x7f || r == '%' && !isEncoded(rest[i:]) {
			return encodeIt(r)
		}
	}
	// Past a second @, what is taken for the host would be a part of the password.
	if strings.Count(rest, "@") > 1 {
		return encodeIt('@')
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority = rest[:i]
		if i > 0 && strings.Contains(rest[i:], "@") { // which would stand before the host
			return encodeIt(rune(rest[i]))
		}
	}
	user, _, _ := strings.Cut(authority, "@")
	if user == authority {
		return ""
	}
	for _, r := range user {
		if r != '%' && !mayStand(r) {
			return encodeIt(r)
		}
	}
	return ""
}

// bareOption finds an option without a value, which is the end of the value
// before it: an & broke it. What it says shows nothing of either.
func bareOption(text string) string {
	_, query, _ := strings.Cut(text, "?")
	for option := range strings.SplitSeq(query, "&") {
		if option != "" && !strings.Contains(option, "=") {
			return "an option behind the ? has no value; write name=value, and in values percent-encode & as %26"
		}
	}
	return ""
}

func isEncoded(text string) bool {
	_, err := url.PathUnescape(text[:min(3, len(text))])
	return len(text) >= 3 && err == nil
}

// mayStand reports whether a character may stand in a URL's user and password as
// it is.
func mayStand(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~!$&'()*+,;=:", r)
}

func encodeIt(r rune) string {
	var encoded strings.Builder
	for _, b := range []byte(string(r)) {
		fmt.Fprintf(&encoded, "%%%02X", b)
	}
	shown := string(r)
	if r <= ' ' || r == 0x7f {
		shown = map[rune]string{' ': "a space", '\t': "a tab", '\n': "a line end", '\r': "a line end"}[r]
		if shown == "" {
			shown = "a control character"
		}
	}
	if r == '@' {
		return fmt.Sprintf("it has more than one @, of which the one before the host alone may stand; elsewhere, percent-encode @ as %s", encoded.String())
	}
	return fmt.Sprintf("it has %s where none may stand; in user and password, percent-encode %s as %s", shown, shown, encoded.String())
}
