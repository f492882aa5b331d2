package web

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// policy is the Content-Security-Policy of pages: nothing but our own files,
// and scripts only where the page names the response's nonce.
const policy = "default-src 'none'; script-src 'self' 'nonce-%'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"

// setHeaders sets what every answer carries. Referrer-Policy is same-origin
// and not stricter: with no-referrer browsers send "Origin: null" with forms.
func (s *Server) setHeaders(c *fiber.Ctx, v *visit) {
	c.Set(fiber.HeaderXRequestID, v.id)
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
	host := strings.ToLower(string(c.Context().Host()))
	if host == strings.ToLower(s.BaseURL.Host) || slices.Contains(s.AllowedHosts, host) {
		return c.Next()
	}
	return fiber.NewError(fiber.StatusMisdirectedRequest)
}
