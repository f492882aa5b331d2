package store

import (
	"net/url"
	"path"
	"strings"

	"hookwell/models"
	"hookwell/webhook"
)

const faultOwnAddress = "This is the URL of a source of this server, so events would go round in circles. Subscribe an endpoint elsewhere, or add a mapping to the source."

// ownAddress reports whether an endpoint's normalized URL leads to a source of this
// server, however its path is spelled.
func (s *Store) ownAddress(target string) bool {
	u, err := url.Parse(target)
	if err != nil || !s.serves(u) {
		return false
	}
	return toSource(u.EscapedPath())
}

// serves reports whether the URL's host is one at which this server is reached. With
// the usual port of either scheme it is the same server: a proxy leads from one to
// the other.
func (s *Store) serves(u *url.URL) bool {
	for _, own := range *s.origins.Load() {
		if u.Host == own.Host || usualPort(u) && usualPort(own) && u.Hostname() == own.Hostname() {
			return true
		}
	}
	return false
}

// usualPort reports whether a normalized URL names no port, or that of the other
// scheme.
func usualPort(u *url.URL) bool { return u.Port() == "" || u.Port() == "443" || u.Port() == "80" }

// originsOf returns the base URL, and the same one with other hosts, normalized. What
// is no host is left out.
func originsOf(base string, hosts []string) []*url.URL {
	first, err := url.Parse(base)
	if err != nil {
		return nil
	}
	var origins []*url.URL
	for _, host := range append([]string{first.Host}, hosts...) {
		if normal, err := webhook.NormalizeHost(first.Scheme, host); err == nil {
			origins = append(origins, &url.URL{Scheme: first.Scheme, Host: normal})
		}
	}
	return origins
}

// toSource reports whether a path, with whatever servers and proxies make of it, is
// below that of sources. Escapes are undone as often as anything may undo them.
func toSource(escaped string) bool {
	for range 3 {
		plain, err := url.PathUnescape(escaped)
		if err != nil {
			return false
		}
		clean := strings.ToLower(path.Clean("/" + strings.ReplaceAll(plain, `\`, "/")))
		if strings.HasPrefix(clean, models.ReceivePath) {
			return true
		}
		if plain == escaped {
			return false
		}
		escaped = plain
	}
	return false
}
