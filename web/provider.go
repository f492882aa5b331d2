package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gofiber/fiber/v2"
	"golang.org/x/oauth2"

	"hookwell/models"
	"hookwell/views"
)

// Provider is a provider of OpenID Connect that people may sign in with.
type Provider struct {
	Issuer       string
	ClientID     string
	ClientSecret string
	Name         string // as people know it
}

// What a session holds while the provider is asked.
const (
	keyAskState    = "oidc-state"
	keyAskNonce    = "oidc-nonce"
	keyAskVerifier = "oidc-verifier" // of PKCE
	keyAskUntil    = "oidc-until"    // Unix seconds
	keyAskNext     = "oidc-next"
	keyAskLink     = "oidc-link" // the user who links, and does not sign in
)

const (
	askLife       = 10 * time.Minute
	providerLimit = 15 * time.Second
)

// provider is a Provider whose addresses are found when they are first needed:
// Hookwell starts while it is away.
type provider struct {
	Provider
	redirect string
	client   *http.Client
	now      func() time.Time
	mu       sync.Mutex
	found    *oidc.Provider
}

func newProvider(p *Provider, redirect string, now func() time.Time) *provider {
	if p == nil {
		return nil
	}
	return &provider{Provider: *p, redirect: redirect, now: now, client: &http.Client{Timeout: providerLimit}}
}

func (p *provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil {
		// The keys are fetched with this context for as long as the process runs.
		found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.Issuer)
		if err != nil {
			return nil, err
		}
		p.found = found
	}
	return p.found, nil
}

func (p *provider) config(found *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: found.Endpoint(), RedirectURL: p.redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email"}}
}

// away is what people read when the provider can't be asked; the log has why.
func (s *Server) away(c *fiber.Ctx, err error) error {
	s.Log.Warn("the sign-in provider does not answer as it should", "error", err, "request", s.visit(c).id)
	return &models.Error{Kind: models.Unavailable, Code: "provider_away", Message: s.provider.Name + " does not answer as it should. Try again in a minute, or sign in with your password."}
}

// providerBegin leads to the provider. It does so by a page and not by a
// redirect, which the Content-Security-Policy's form-action would have to allow
// for every server that the provider sends people through.
func (s *Server) providerBegin(c *fiber.Ctx) error {
	if s.provider == nil {
		return fiber.ErrNotFound
	}
	found, err := s.provider.discover(c.UserContext())
	if err != nil {
		return s.away(c, err)
	}
	ctx, state, nonce, verifier := c.UserContext(), rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	s.sessions.Put(ctx, keyAskState, state)
	s.sessions.Put(ctx, keyAskNonce, nonce)
	s.sessions.Put(ctx, keyAskVerifier, verifier)
	s.sessions.Put(ctx, keyAskUntil, s.Store.Now().Add(askLife).Unix())
	s.sessions.Put(ctx, keyAskNext, localPath(field(c, "next")))
	s.sessions.Remove(ctx, keyAskLink)
	if user := s.visit(c).user; user != nil {
		s.sessions.Put(ctx, keyAskLink, user.ID)
	}
	address := s.provider.config(found).AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("Refresh", "0;url="+address)
	return show(s, c, fiber.StatusOK, views.ProviderPage, views.ProviderForm{Name: s.provider.Name, Address: address})
}

// providerAnswer takes what the provider sends back: it signs in, links, or
// makes an account.
func (s *Server) providerAnswer(c *fiber.Ctx) error {
	if s.provider == nil {
		return fiber.ErrNotFound
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	ctx := c.UserContext()
	state, nonce, verifier := s.sessions.PopString(ctx, keyAskState), s.sessions.PopString(ctx, keyAskNonce), s.sessions.PopString(ctx, keyAskVerifier)
	until, _ := s.sessions.Pop(ctx, keyAskUntil).(int64)
	next, link := s.sessions.PopString(ctx, keyAskNext), s.sessions.PopString(ctx, keyAskLink)
	if state == "" || s.Store.Now().Unix() > until || subtle.ConstantTimeCompare([]byte(state), []byte(c.Query("state"))) != 1 {
		return &models.Error{Kind: models.Forbidden, Code: "provider_state", Message: "This sign-in was not begun in this browser, or it took too long. Begin it again."}
	}
	if c.Query("code") == "" {
		return &models.Error{Kind: models.Forbidden, Code: "provider_refused", Message: s.provider.Name + " did not let you in. Nothing was changed here."}
	}
	claims, err := s.claims(ctx, c.Query("code"), nonce, verifier)
	if err != nil {
		return s.away(c, err)
	}
	user := s.visit(c).user
	switch {
	case link != "" && (user == nil || user.ID != link):
		return &models.Error{Kind: models.Forbidden, Code: "provider_state", Message: "You signed out meanwhile. Begin it again."}
	case link != "":
		if err := s.visit(c).person.LinkIdentity(ctx, *claims); err != nil {
			return err
		}
		return s.accountDone(c, "You can sign in with "+s.provider.Name+" from now on.")
	}
	return s.enterWith(c, *claims, next)
}

// enterWith signs in who the claims are of, or makes their account.
func (s *Server) enterWith(c *fiber.Ctx, claims models.Claims, next string) error {
	ctx := c.UserContext()
	signed, err := s.Store.SignInWith(ctx, claims, s.actor(c))
	if err == nil {
		return s.proceed(c, signed, next)
	}
	if !models.IsCode(err, models.CodeUnknownIdentity) {
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
	user, err := s.Store.SignUpWith(ctx, s.Signup, claims, s.actor(c))
	if err != nil {
		return err
	}
	if err := s.signIn(c, user); err != nil {
		return err
	}
	return goOn(c, next)
}

// claims asks the provider whom the code is of. The identity token is checked:
// signature, issuer, audience, end and nonce.
func (s *Server) claims(ctx context.Context, code, nonce, verifier string) (*models.Claims, error) {
	ctx = oidc.ClientContext(ctx, s.provider.client)
	found, err := s.provider.discover(ctx)
	if err != nil {
		return nil, err
	}
	token, err := s.provider.config(found).Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) { // whose text holds what was answered
			return nil, fmt.Errorf("exchanging the code: %s", refused.ErrorCode)
		}
		return nil, fmt.Errorf("exchanging the code: %w", err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := found.Verifier(&oidc.Config{ClientID: s.provider.ClientID, Now: s.provider.now}).Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("checking the identity token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return nil, errors.New("the identity token has another nonce")
	}
	var said struct {
		Name          string `json:"name"`
		Email         string `json:"email"`
		EmailVerified any    `json:"email_verified"` // a few providers write it as a string
	}
	if err := id.Claims(&said); err != nil {
		return nil, fmt.Errorf("reading the identity token: %w", err)
	}
	return &models.Claims{Issuer: id.Issuer, Subject: id.Subject, Name: said.Name, Email: said.Email,
		EmailVerified: said.EmailVerified == true || said.EmailVerified == "true"}, nil
}

// identityUnlink takes a link to a provider back.
func (s *Server) identityUnlink(c *fiber.Ctx) error {
	if err := s.visit(c).person.UnlinkIdentity(c.UserContext(), field(c, "issuer"), field(c, "subject")); err != nil {
		return err
	}
	return s.accountDone(c, "That sign-in is no longer linked.")
}
