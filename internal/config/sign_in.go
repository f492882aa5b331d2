package config

import (
	"net/url"
	"strings"

	"hookwell/models"
	"hookwell/web"
	"hookwell/webhook"
)

func (s *checks) checkSignup() error {
	s.config.Signup = models.SignupPolicy(strings.ToLower(s.Signup))
	switch s.config.Signup {
	case models.SignupFirst, models.SignupOpen, models.SignupClosed:
		return nil
	}
	return Wrong("HOOKWELL_SIGNUP", "choose first, open or closed; %q is none of them", s.Signup)
}

// checkProvider reads the provider that people may sign in with.
func (s *checks) checkProvider() error {
	if s.OIDCIssuer == "" {
		if s.OIDCClientID != "" || s.OIDCClientSecret != "" {
			return Wrong("HOOKWELL_OIDC_ISSUER", "set it too: the issuer's address, such as https://accounts.example.com")
		}
		return nil
	}
	if err := checkIssuer(s.OIDCIssuer); err != nil {
		return err
	}
	if s.OIDCClientID == "" {
		return Wrong("HOOKWELL_OIDC_CLIENT_ID", "set it to what the provider gave you")
	}
	if s.OIDCClientSecret == "" {
		return Wrong("HOOKWELL_OIDC_CLIENT_SECRET", "set it to what the provider gave you")
	}
	s.config.Provider = &web.Provider{Issuer: s.OIDCIssuer, ClientID: s.OIDCClientID, ClientSecret: s.OIDCClientSecret, Name: s.OIDCName}
	return nil
}

// checkIssuer checks the provider's address, which is compared to the letter
// with what the provider says of itself.
func checkIssuer(text string) error {
	const variable, form = "HOOKWELL_OIDC_ISSUER", "write it as https://host, with a path where the provider has one"
	if fault := unencoded(text); fault != "" {
		return Wrong(variable, "%s; %s", fault, form)
	}
	issuer, err := url.Parse(text)
	switch {
	case err != nil || issuer.Hostname() == "" || !webhook.ValidPort(issuer) || issuer.Scheme != "https" && issuer.Scheme != "http":
		return Wrong(variable, form)
	case issuer.Scheme == "http" && !onThisMachine(issuer.Hostname()):
		return Wrong(variable, "http is taken for this machine alone; %s", form)
	case issuer.User != nil:
		return Wrong(variable, "remove the user and the password; %s", form)
	case issuer.RawQuery != "":
		return Wrong(variable, "remove the ? and what follows; %s", form)
	case strings.Contains(issuer.Path, "/.well-known/"):
		return Wrong(variable, "remove %s: it is added", issuer.Path[strings.Index(issuer.Path, "/.well-known/"):])
	}
	return nil
}
