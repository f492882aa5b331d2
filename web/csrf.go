package web

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"slices"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
)

// A form's token is 32 random bytes and the browser's secret under them, so
// that each page's token differs and none can be guessed from an answer's
// length. The secret lies in the session; for who has not signed in, in a
// cookie of its own, which together with the checks of the request's origin
// keeps others from signing a browser in.
const csrfSize = 32

var csrfEncoding = base64.RawURLEncoding

func newCSRFSecret() string {
	var secret [csrfSize]byte
	rand.Read(secret[:])
	return csrfEncoding.EncodeToString(secret[:])
}

// maskCSRF makes a fresh token of the secret.
func maskCSRF(secret []byte) string {
	var token [2 * csrfSize]byte
	rand.Read(token[:csrfSize])
	subtle.XORBytes(token[csrfSize:], token[:csrfSize], secret)
	return csrfEncoding.EncodeToString(token[:])
}

// wellFormedToken reports whether it could be a token of one of our pages.
func wellFormedToken(token string) bool {
	raw, err := csrfEncoding.DecodeString(token)
	return err == nil && len(raw) == 2*csrfSize
}

// matchesCSRF reports whether the token was made of the secret.
func matchesCSRF(token string, secret []byte) bool {
	raw, err := csrfEncoding.DecodeString(token)
	if err != nil || len(raw) != 2*csrfSize || len(secret) != csrfSize {
		return false
	}
	subtle.XORBytes(raw[csrfSize:], raw[csrfSize:], raw[:csrfSize])
	return subtle.ConstantTimeCompare(raw[csrfSize:], secret) == 1
}

func (s *Server) visitorCookie() string { return cookieName("hookwell_visitor", s.secure()) }

// csrfSecret returns the browser's secret; nil when it has none yet.
func (s *Server) csrfSecret(c *fiber.Ctx) []byte {
	text := c.Cookies(s.visitorCookie())
	if v := s.visit(c); v.user != nil || v.portal != nil {
		text = s.sessions.GetString(c.UserContext(), keyCSRF)
	}
	secret, err := csrfEncoding.DecodeString(text)
	if err != nil || len(secret) != csrfSize {
		return nil
	}
	return secret
}

// csrfToken returns the token for this answer's forms.
func (s *Server) csrfToken(c *fiber.Ctx) string {
	secret := s.csrfSecret(c)
	if secret == nil {
		text := newCSRFSecret()
		s.setCookie(c, s.visitorCookie(), text, 0)
		secret, _ = csrfEncoding.DecodeString(text)
	}
	return maskCSRF(secret)
}

func unsafe(method string) bool {
	return !slices.Contains([]string{fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions}, method)
}

// codeCSRF is of a form that did not come from a page of this session.
const codeCSRF = "csrf"

func staleToken() error {
	return &models.Error{Kind: models.Forbidden, Code: codeCSRF,
		Message: "The form is out of date, or it came from another site. Go back, reload the page, and send it again."}
}

// checkForm refuses unsafe requests that did not come from one of our pages:
// by Sec-Fetch-Site and Origin, and by the page's token. The form is read once
// all that the head tells is right.
func (s *Server) checkForm(c *fiber.Ctx) error {
	if !unsafe(c.Method()) {
		return c.Next()
	}
	if s.crossSite(c) {
		return staleToken()
	}
	secret, token := s.csrfSecret(c), c.Get("X-CSRF-Token")
	if token != "" && !matchesCSRF(token, secret) || secret == nil && !s.fromOwnPage(c) {
		return staleToken()
	}
	if err := s.readForm(c); err != nil {
		return err
	}
	if token == "" && !matchesCSRF(field(c, "_csrf"), secret) {
		return s.outOfDate(c)
	}
	if field(c, "_csrf") == "" {
		return c.Next() // no form that names itself
	}
	form := formOf(c, secret)
	leave, err := s.forms.enter(c.UserContext(), form)
	if err != nil {
		return err
	}
	defer leave()
	c.SetUserContext(store.WithForm(c.UserContext(), form))
	return c.Next()
}
