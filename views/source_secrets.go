package views

import (
	"hookwell/inbound"
	"hookwell/models"
	"hookwell/views/ui"
)

// takesSecrets reports whether anything is verified by a secret.
func (v SourceSecretsView) takesSecrets() bool {
	p := inbound.Named(v.Source.Provider)
	return p != nil && p.Setup.SecretMade != ""
}

func (v SourceSecretsView) noSecretWords() string {
	if v.takesSecrets() {
		return "Until the source has one, it refuses every request."
	}
	return "This provider’s requests are not verified, so there is none."
}

func (v SourceSecretsView) secretField() ui.Input {
	setup := inbound.Named(v.Source.Provider).Setup
	return ui.Input{Name: "secret", Label: setup.SecretName, Required: true, Hint: setup.SecretPlace, Faults: v.Faults}
}

// secretTail names a secret by its last characters, of a short one by none.
func secretTail(s *models.SourceSecret) string {
	if s.Hint == "" {
		return "••••"
	}
	return "••••" + s.Hint
}
