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
	for _, r := range rest {
		if r == '#' || r <= ' ' || r == 0x7f {
			return encodeIt(r)
		}
	}
	authority, user := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority = rest[:i]
		if fault := cutShort(authority, rest[i:]); fault != "" {
			return fault
		}
	}
	if i := strings.LastIndex(authority, "@"); i >= 0 {
		user = authority[:i]
	}
	for i, r := range user {
		if r == '%' && !isEncoded(user[i:]) || r != '%' && !mayStand(r) {
			return encodeIt(r)
		}
	}
	return ""
}

// cutShort finds a slash or a question mark that ended the password, and with it
// what the URL takes for the host: the @ is behind it.
func cutShort(authority, after string) string {
	at := strings.IndexByte(after, '@')
	if at < 0 || strings.Contains(authority, "@") {
		return ""
	}
	port := authority[strings.LastIndexByte(authority, ':')+1:]
	inPath := after[0] == '/' && !strings.Contains(after[:at], "?")
	if inPath || strings.Contains(authority, ":") && strings.Trim(port, "0123456789") != "" {
		return encodeIt(rune(after[0]))
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
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~!$&'()*+,;=:@", r)
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
	return fmt.Sprintf("it has %s where none may stand; in user and password, percent-encode %s as %s", shown, shown, encoded.String())
}
