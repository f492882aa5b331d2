package webhook

import "strings"

// maxAuthority is longer than any name with a port is, written in Unicode.
const maxAuthority = 1024

// NormalizeHost returns the form in which hosts are compared: in ASCII and lower
// case, without a trailing dot and without the scheme's own port (443 of https,
// 80 of http) or an empty one (RFC 3986, section 6.2.3). It fails, with a sentence
// for people, if the host name, address or port is not possible.
func NormalizeHost(scheme, host string) (string, error) {
	if len(host) > maxAuthority {
		return "", faultHost
	}
	return parseAuthority(strings.TrimSuffix(host, ":"), scheme)
}
