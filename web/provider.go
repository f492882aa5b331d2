package web

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
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

const providerLimit = 15 * time.Second

// provider is a Provider whose addresses are found when they are first needed:
// Hookwell starts while it is away.
type provider struct {
	Provider
	redirect string
	client   *http.Client
	now      func() time.Time
	warn     func(message string, arguments ...any)
	mu       sync.Mutex
	found    *oidc.Provider
}

func newProvider(p *Provider, o Options) *provider {
	if p == nil {
		return nil
	}
	return &provider{Provider: *p, redirect: o.BaseURL.String() + views.ProviderAnswerPath, now: o.Store.Now, warn: o.Log.Warn,
		client: &http.Client{Timeout: providerLimit}}
}

// otherIssuer is a provider that calls itself otherwise than it is set here.
type otherIssuer struct{ set, says string }

func (e *otherIssuer) Error() string {
	return fmt.Sprintf("HOOKWELL_OIDC_ISSUER is %q, and the provider there calls itself %q: set it to exactly that, if that is whom you mean", e.set, e.says)
}

func (p *provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	// The keys are fetched with this context for as long as the process runs. The
	// issuer is compared here, to say by what it differs.
	ctx = oidc.InsecureIssuerURLContext(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.Issuer)
	found, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("reading the provider's description: %w", err)
	}
	var said struct {
		Issuer string `json:"issuer"`
	}
	if err := found.Claims(&said); err != nil {
		return nil, fmt.Errorf("reading the provider's description: %w", err)
	}
	if said.Issuer != p.Issuer {
		return nil, &otherIssuer{p.Issuer, said.Issuer}
	}
	p.found = found
	return found, nil
}

func (p *provider) config(found *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: found.Endpoint(), RedirectURL: p.redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email"}}
}

// saidClaims are what a provider says of a person, in the identity token or at
// UserInfo.
type saidClaims struct {
	Name          string `json:"name"`
	Email         string `json:"email"`
	EmailVerified any    `json:"email_verified"` // a few providers write it as a string
	AuthTime      int64  `json:"auth_time"`
}

func (s *saidClaims) verified() bool { return s.EmailVerified == true || s.EmailVerified == "true" }

// claims asks the provider whom the code is of. The identity token is checked:
// signature, issuer, audience, end and nonce.
func (p *provider) claims(ctx context.Context, code string, asked *asked) (*heard, error) {
	ctx = oidc.ClientContext(ctx, p.client)
	found, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	token, err := p.config(found).Exchange(ctx, code, oauth2.VerifierOption(asked.Verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) { // whose text holds what was answered
			return nil, &providerRefusal{refused.ErrorCode, refused.ErrorDescription}
		}
		return nil, fmt.Errorf("exchanging the code: %w", err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := found.Verifier(&oidc.Config{ClientID: p.ClientID, Now: p.now}).Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("checking the identity token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(asked.Nonce)) != 1 {
		return nil, errors.New("the identity token has another nonce")
	}
	var said saidClaims
	if err := id.Claims(&said); err != nil {
		return nil, fmt.Errorf("reading the identity token: %w", err)
	}
	silent := said.Email == "" || said.EmailVerified == nil
	missed, err := p.complete(ctx, found, token, id.Subject, &said)
	if err != nil {
		return nil, err
	}
	if !silent {
		missed = nil
	}
	claims := models.Claims{Issuer: id.Issuer, Subject: id.Subject, Name: said.Name, Email: said.Email, EmailVerified: said.verified()}
	if said.AuthTime > 0 {
		claims.SignedInAt = time.Unix(said.AuthTime, 0)
	}
	return &heard{claims, missed}, nil
}

// heard are the claims of a provider, and why its UserInfo could not be read for
// an address, or for whether it is verified; nil if it was, or was not needed.
type heard struct {
	models.Claims
	missed error
}

// complete asks at UserInfo for what the identity token doesn't say, as several
// providers leave name and address out of it. Whoever is linked already can sign
// in without these, so that a UserInfo that is away refuses nobody by itself: why
// it can't be read is returned as missed. One that speaks of somebody else is an
// error (OpenID Connect Core, section 5.3.2).
func (p *provider) complete(ctx context.Context, found *oidc.Provider, token *oauth2.Token, subject string, said *saidClaims) (missed, err error) {
	if said.Email != "" && said.EmailVerified != nil && said.Name != "" || found.UserInfoEndpoint() == "" {
		return nil, nil
	}
	info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		p.warn("the sign-in provider's UserInfo can't be read", "error", err)
		return fmt.Errorf("reading UserInfo: %w", err), nil
	}
	if info.Subject != subject {
		return nil, fmt.Errorf("UserInfo speaks of %q, the identity token of %q", info.Subject, subject)
	}
	var more saidClaims
	if err := info.Claims(&more); err != nil {
		p.warn("the sign-in provider's UserInfo can't be read", "error", err)
		return fmt.Errorf("reading UserInfo: %w", err), nil
	}
	if said.Name == "" {
		said.Name = more.Name
	}
	switch {
	case said.Email == "":
		said.Email, said.EmailVerified = more.Email, more.EmailVerified
	case said.EmailVerified == nil && said.Email == more.Email:
		said.EmailVerified = more.EmailVerified
	}
	return nil, nil
}

// providerRefusal is an error that a provider answers with: one of OAuth's
// codes, and what it says to developers.
type providerRefusal struct{ code, description string }

func (e *providerRefusal) Error() string {
	text, err := json.Marshal([]string{clip(e.code, 100), clip(e.description, 500)})
	if err != nil {
		return "the provider refused"
	}
	return "the provider answered " + string(text)
}

// clip returns the beginning of a text.
func clip(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// told is what people read of an error of the provider; the log has the rest.
func (p *provider) told(err error) *models.Error {
	away := &models.Error{Kind: models.Unavailable, Code: "provider_away", Message: p.Name + " does not answer as it should. Try again in a minute, or sign in with your password."}
	operator := func(message string) *models.Error {
		return &models.Error{Kind: models.Unavailable, Code: "provider_setup", Message: message + " Tell who runs this server: its log says what to change. You can sign in with your password meanwhile."}
	}
	refused := func(message string) *models.Error {
		return &models.Error{Kind: models.Forbidden, Code: "provider_refused", Message: message}
	}
	var other *otherIssuer
	if errors.As(err, &other) {
		return operator(p.Name + " calls itself by another address than the one that is set here.")
	}
	var refusal *providerRefusal
	if !errors.As(err, &refusal) {
		return away
	}
	// RFC 6749, sections 4.1.2.1 and 5.2; OpenID Connect Core, section 3.1.2.6.
	switch refusal.code {
	case "access_denied":
		return refused(p.Name + " did not let you in, or you declined there. Nothing was changed here.")
	case "login_required", "interaction_required", "account_selection_required", "consent_required":
		return refused(p.Name + " wants you to sign in there first. Begin again, and do what it asks for.")
	case "server_error", "temporarily_unavailable":
		return &models.Error{Kind: models.Unavailable, Code: "provider_away", Message: p.Name + " reports a fault of its own (" + refusal.code + "). Try again in a minute, or sign in with your password."}
	case "invalid_grant":
		return refused(p.Name + " does not take this sign-in any more: it took too long, or was finished already. Begin it again.")
	case "invalid_client", "unauthorized_client", "invalid_request", "invalid_scope", "unsupported_response_type", "unsupported_grant_type",
		"request_not_supported", "request_uri_not_supported", "registration_not_supported", "invalid_request_uri", "invalid_request_object":
		return operator(p.Name + " refuses the way in which it is asked (" + refusal.code + ").")
	}
	return away
}
