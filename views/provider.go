package views

import (
	"github.com/a-h/templ"

	"hookwell/models"
)

// ProviderForm leads on to a provider that people sign in with.
type ProviderForm struct {
	Name    string
	Address string
}

func (f ProviderForm) url() templ.SafeURL { return templ.URL(f.Address) }

// providerWords are what the person's provider is called.
func providerWords(view AccountView) string {
	if view.Provider == "" {
		return "your provider"
	}
	return view.Provider
}

// identityWords returns how a person knows a sign-in with a provider.
func identityWords(identity models.UserIdentity) string {
	if identity.Email != "" {
		return identity.Email
	}
	return identity.Subject
}
