package web

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"hookwell/webhook"
)

// policy is the Content-Security-Policy of every answer: nothing but our own
// files, and scripts only where the page names the response's nonce.
const policy = "default-src 'none'; script-src 'self' 'nonce-%'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"

// setHeaders sets what every answer carries. Referrer-Policy is same-origin
// and not stricter: with no-referrer browsers send "Origin: null" with forms.
func (s *Server) setHeaders(c *fiber.Ctx, v *visit) {
	c.Set(fiber.HeaderXRequestID, v.ID)
	c.Set(fiber.HeaderCacheControl, "no-store") // pages and files that may be kept say so
	c.Set(fiber.HeaderContentSecurityPolicy, strings.Replace(policy, "%", v.nonce, 1))
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	if s.secure() {
		c.Set(fiber.HeaderStrictTransportSecurity, "max-age=31536000")
	}
}

// checkHost refuses requests for a host that is not ours, so that no other
// site's name can be pointed at a loopback address and read what is there.
func (s *Server) checkHost(c *fiber.Ctx) error {
	// Not Fiber's Hostname, which believes X-Forwarded-Host.
	if host := string(c.Context().Host()); slices.Contains(s.hosts, host) || slices.Contains(s.hosts, s.normal(host)) {
		return c.Next()
	}
	return fiber.NewError(fiber.StatusMisdirectedRequest)
}

// normal returns a host as hosts are compared, or as it is if it can be none.
func (s *Server) normal(host string) string {
	if normal, err := webhook.NormalizeHost(s.BaseURL.Scheme, host); err == nil {
		return normal
	}
	return host
}

// normalOrigin returns an origin with its host as hosts are compared.
func (s *Server) normalOrigin(origin string) string {
	scheme, host, found := strings.Cut(origin, "://")
	if !found || scheme != s.BaseURL.Scheme {
		return origin
	}
	return scheme + "://" + s.normal(host)
}

// allHosts returns the values of Host that are ours, normalized.
func (s *Server) allHosts() []string {
	hosts := []string{s.normal(s.BaseURL.Host)}
	for _, host := range s.AllowedHosts {
		hosts = append(hosts, s.normal(host))
	}
	return hosts
}

// maxFields bounds a form: the largest of ours has some 50 fields. Parsed, one
// MiB of separators would take 100, and keep them for the next request.
const maxFields = 1000

// checkText refuses what is no text: Postgres can't take NUL or broken UTF-8,
// and nothing that people type has it. Forms are looked at when they are read.
func checkText(c *fiber.Ctx) error {
	ok := readable([]byte(c.Path()))
	for key, value := range c.Context().QueryArgs().All() {
		ok = ok && readable(key) && readable(value)
	}
	if !ok {
		return fiber.ErrBadRequest
	}
	return c.Next()
}

func readable(text []byte) bool { return utf8.Valid(text) && bytes.IndexByte(text, 0) < 0 }
