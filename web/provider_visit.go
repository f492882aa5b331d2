package web

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gofiber/fiber/v2"
	"golang.org/x/oauth2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
)

// askLife is how long a visit to the provider may take.
const askLife = 10 * time.Minute

// askPurpose is what a visit to the provider is for.
type askPurpose string

const (
	askSignIn askPurpose = "sign-in"
	askLink   askPurpose = "link"
	askProof  askPurpose = "proof"
)

// asked is what a browser keeps while the provider is asked, sealed, in a cookie:
// whoever begins a sign-in and never comes back leaves no row behind.
type asked struct {
	Purpose  askPurpose
	State    string
	Nonce    string
	Verifier string // of PKCE
	Begun    int64  // Unix seconds
	Next     string
	User     string // who links or proves; empty for a sign-in
}

func (s *Server) askedCookie() string { return cookieName("hookwell_provider", s.secure()) }

// askedOwner is whom the cookie is sealed for.
const askedOwner = "visit to a provider"

func (s *Server) keepAsked(c *fiber.Ctx, a *asked) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	s.setCookie(c, s.askedCookie(), s.Store.Seal(askedOwner, text), askLife)
	return nil
}

// takeAsked is what the browser kept, once; nil when it kept nothing, when it
// took too long, and when the answer is to another question.
func (s *Server) takeAsked(c *fiber.Ctx) *asked {
	text, ok := s.Store.Unseal(askedOwner, c.Cookies(s.askedCookie()))
	s.setCookie(c, s.askedCookie(), "", -time.Second)
	var a asked
	if !ok || json.Unmarshal(text, &a) != nil {
		return nil
	}
	age := s.Store.Now().Sub(time.Unix(a.Begun, 0))
	if a.State == "" || age < 0 || age > askLife || subtle.ConstantTimeCompare([]byte(a.State), []byte(c.Query("state"))) != 1 {
		return nil
	}
	return &a
}

// refusedBy tells a person what an error of the provider means, and the log why.
func (s *Server) refusedBy(c *fiber.Ctx, err error) error {
	s.Log.Warn("the sign-in provider does not answer as it should", "error", err, "request", s.visit(c).ID)
	return s.provider.told(err)
}

// providerBegin leads to the provider. It does so by a page and not by a
// redirect, which the Content-Security-Policy's form-action would have to allow
// for every server that the provider sends people through.
func (s *Server) providerBegin(c *fiber.Ctx) error {
	if s.provider == nil {
		return fiber.ErrNotFound
	}
	a := &asked{Purpose: askSignIn, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		Begun: s.Store.Now().Unix(), Next: localPath(field(c, "next"))}
	options := []oauth2.AuthCodeOption{oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)}
	if v := s.visit(c); v.user != nil {
		a.Purpose, a.User = askLink, v.user.ID
		if field(c, "prove") != "" {
			a.Purpose = askProof
			options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
			if err := v.person.ProveCode(c.UserContext(), field(c, proofCode)); err != nil {
				return s.proveAgain(c, err)
			}
		} else if err := v.person.CheckProof(); err != nil {
			return err
		}
	}
	found, err := s.provider.discover(c.UserContext())
	if err != nil {
		return s.refusedBy(c, err)
	}
	if err := s.keepAsked(c, a); err != nil {
		return err
	}
	address := s.provider.config(found).AuthCodeURL(a.State, options...)
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("Refresh", "0;url="+address)
	return show(s, c, fiber.StatusOK, views.ProviderPage, views.ProviderForm{Name: s.provider.Name, Address: address})
}

// providerAnswer takes what the provider sends back: it signs in, links, proves,
// or makes an account.
func (s *Server) providerAnswer(c *fiber.Ctx) error {
	if s.provider == nil {
		return fiber.ErrNotFound
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	a := s.takeAsked(c)
	if a == nil {
		return &models.Error{Kind: models.Forbidden, Code: "provider_state", Message: "This sign-in was not begun in this browser, or it took too long. Begin it again."}
	}
	if c.Query("error") != "" || c.Query("code") == "" {
		return s.refusedBy(c, &providerRefusal{c.Query("error"), c.Query("error_description")})
	}
	claims, err := s.provider.claims(c.UserContext(), c.Query("code"), a)
	if err != nil {
		return s.refusedBy(c, err)
	}
	if a.Purpose == askSignIn {
		return s.enterWith(c, *claims, a.Next)
	}
	if user := s.visit(c).user; user == nil || user.ID != a.User {
		return &models.Error{Kind: models.Forbidden, Code: "provider_state", Message: "You signed out meanwhile. Begin it again."}
	}
	if a.Purpose == askProof {
		return s.proveWith(c, claims.Claims, a)
	}
	// The visit began with a proof, and may have outlasted it.
	v := s.visit(c)
	if err := v.person.Proved(time.Unix(a.Begun, 0)).LinkIdentity(c.UserContext(), claims.Claims); err != nil {
		return err
	}
	if err := s.renew(c.UserContext(), v.user); err != nil {
		return err
	}
	return s.accountDone(c, "You can sign in with "+s.provider.Name+" from now on.")
}

// enterWith signs in who the claims are of, or makes their account. An account
// that lacks what only UserInfo could have said is refused as UserInfo being away.
func (s *Server) enterWith(c *fiber.Ctx, claims heard, next string) error {
	ctx := c.UserContext()
	signed, err := s.Store.SignInWith(ctx, claims.Claims, s.visit(c).Actor())
	if err == nil {
		return s.proceed(c, signed, next)
	}
	if !models.IsCode(err, store.CodeUnknownIdentity) {
		return err
	}
	open, asked := s.Store.SignupAllowed(ctx, s.Signup)
	if asked != nil {
		return asked
	}
	needed, asked := s.codeNeeded(c)
	if asked != nil {
		return asked
	}
	if !open || needed {
		return err
	}
	user, err := s.Store.SignUpWith(ctx, s.Signup, claims.Claims, s.visit(c).Actor())
	if claims.missed != nil && !claims.EmailVerified && models.IsCode(err, store.CodeProviderEmail) {
		return s.refusedBy(c, claims.missed)
	}
	if err != nil {
		return err
	}
	if err := s.signIn(c, user); err != nil {
		return err
	}
	return goOn(c, next)
}

// identityUnlink takes a link to a provider back.
func (s *Server) identityUnlink(c *fiber.Ctx) error {
	v := s.visit(c)
	if err := v.person.UnlinkIdentity(c.UserContext(), field(c, "issuer"), field(c, "subject")); err != nil {
		return err
	}
	if err := s.renew(c.UserContext(), v.user); err != nil {
		return err
	}
	return s.accountDone(c, "That sign-in is no longer linked.")
}
