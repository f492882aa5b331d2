package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

const (
	maxURL        = 2048
	lookupTimeout = 2 * time.Second
)

// The sentences for a URL that cannot be used, wherever the name leads.
const (
	faultURL         = sentence("Enter an absolute URL such as https://example.com/webhooks.")
	faultURLTooLong  = sentence("The URL has more than 2048 bytes. Use a shorter one.")
	faultCharacter   = sentence("The URL has a space, a backslash or a control character. Percent-encode it or leave it out.")
	faultScheme      = sentence("The URL begins with neither https nor http. Use https.")
	faultTwice       = sentence("The URL begins with its scheme twice. Leave one out.")
	faultUserinfo    = sentence("The URL has a user name or password. Leave it out and use a header of the endpoint instead.")
	faultFragment    = sentence("The URL has a fragment (#), which is never sent. Leave it out.")
	faultHost        = sentence("The URL has no valid host name. Use a name such as example.com.")
	faultNumericHost = sentence("The host of the URL is a number that is no plain IP address. Write it as a host name.")
	faultPort        = sentence("The port of the URL is not between 1 and 65535.")
	faultHTTPS       = sentence("Use https; http is accepted only inside networks that the operator has allowed.")
)

// hostnames maps a host to what is looked up (UTS 46): lower case, punycode,
// fullwidth digits as the digits they are. Underscores pass, since names inside
// a network have them.
var hostnames = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false), idna.Transitional(false))

// CheckURL returns the normalized URL if an endpoint may have it: scheme and host
// in lower case, the host in ASCII, without a default port. Its fault is a
// sentence for people, and matches ErrBlocked if the address is refused. It
// accepts a name that does not resolve within 2 seconds, because the dial checks
// again.
func (g *Guard) CheckURL(ctx context.Context, raw string) (normalized string, fault error) {
	target, err := parseURL(pastedURL(raw))
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	plaintext := target.Scheme == "http"
	_, err = g.resolve(ctx, target.Hostname(), plaintext)
	switch {
	case errors.Is(err, errPlaintext):
		return "", blocked{faultHTTPS}
	case errors.Is(err, ErrBlocked):
		return "", blocked{sentence(target.Hostname()) + " leads to a private address. Use one that can be reached from the internet."}
	case err != nil && plaintext:
		return "", blocked{faultHTTPS}
	}
	return target.String(), nil
}

// pastedURL returns a URL without the marks that texts set around one.
func pastedURL(raw string) string {
	raw = pasted(raw)
	for _, marks := range []string{`""`, "''", "``", "<>", "“”"} {
		runes := []rune(marks)
		if open, end := string(runes[0]), string(runes[1]); len(raw) > len(marks) && strings.HasPrefix(raw, open) && strings.HasSuffix(raw, end) {
			return pasted(raw[len(open) : len(raw)-len(end)])
		}
	}
	return raw
}

// SameOrigin reports whether two URLs have the same scheme, host and port, each
// normalized. A URL that can't be used has no origin.
func SameOrigin(one, other string) bool {
	a, errA := parseURL(pastedURL(one))
	b, errB := parseURL(pastedURL(other))
	return errA == nil && errB == nil && a.Scheme == b.Scheme && a.Host == b.Host
}

// parseURL reads a URL more strictly than net/url does, without looking
// anything up. Its errors are sentences for people.
func parseURL(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, faultURLTooLong
	}
	if strings.ContainsFunc(raw, func(r rune) bool {
		return r == '\\' || unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar
	}) {
		return nil, faultCharacter
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return nil, faultURL
	}
	if scheme = strings.ToLower(scheme); scheme != "http" && scheme != "https" {
		return nil, faultScheme
	}
	authority, tail := rest, ""
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority, tail = rest[:end], rest[end:]
	}
	switch {
	case strings.HasPrefix(tail, "//") && (strings.EqualFold(authority, "http:") || strings.EqualFold(authority, "https:")):
		return nil, faultTwice
	case strings.Contains(authority, "@"):
		return nil, faultUserinfo
	case strings.Contains(tail, "#"):
		return nil, faultFragment
	}
	host, err := parseAuthority(authority, scheme)
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(scheme + "://" + host + tail)
	if err != nil || target.Host != host {
		return nil, faultURL
	}
	target.RawQuery = asciiQuery(target.RawQuery)
	if len(target.String()) > maxURL { // escaping makes it longer
		return nil, faultURLTooLong
	}
	return target, nil
}

// asciiQuery escapes what cannot stand in a request line. net/url does so for
// the path alone.
func asciiQuery(query string) string {
	var ascii strings.Builder
	for i := range len(query) {
		if b := query[i]; b < utf8.RuneSelf {
			ascii.WriteByte(b)
		} else {
			fmt.Fprintf(&ascii, "%%%02X", b)
		}
	}
	return ascii.String()
}

// parseAuthority normalizes host and port.
func parseAuthority(authority, scheme string) (string, error) {
	host, port, err := splitPort(authority)
	if err != nil {
		return "", err
	}
	host, err = parseHost(host)
	if err != nil {
		return "", err
	}
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return host, nil
	}
	return host + ":" + port, nil
}

// ValidPort reports whether a URL names no port, or one from 1 to 65535, which
// net/url doesn't check.
func ValidPort(u *url.URL) bool {
	_, _, err := splitPort(u.Host)
	return err == nil
}

func splitPort(authority string) (host, port string, err error) {
	colon := strings.LastIndexByte(authority, ':')
	if colon < 0 || strings.HasSuffix(authority, "]") {
		return authority, "", nil
	}
	number := authority[colon+1:]
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n == 0 {
		return "", "", faultPort
	}
	return authority[:colon], strconv.FormatUint(n, 10), nil
}

// parseHost normalizes a name or an address; IPv6 keeps its brackets.
func parseHost(host string) (string, error) {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !strings.HasSuffix(inner, "]") || addr.Zone() != "" || !addr.Is6() {
			return "", faultHost
		}
		return "[" + addr.String() + "]", nil
	}
	// Here an escape can only hide what the host is; a zone is no part of a name.
	if strings.Contains(host, "%") {
		return "", faultHost
	}
	name, err := hostnames.ToASCII(host)
	if err != nil {
		return "", faultHost
	}
	name = strings.TrimSuffix(name, ".")
	if addr, err := netip.ParseAddr(name); err == nil && addr.Is4() {
		return name, nil
	}
	if !validName(name) {
		return "", faultHost
	}
	if numeric(name[strings.LastIndexByte(name, '.')+1:]) {
		return "", faultNumericHost
	}
	return name, nil
}

// numeric reports whether a last label makes parsers take the host for an IPv4
// address, whatever the labels before it are (WHATWG URL, "ends in a number").
func numeric(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

func validName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}
