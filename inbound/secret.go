package inbound

// Secret is what a source checks signatures with. Printing, logging or marshalling
// it shows nothing; only Reveal returns its text.
type Secret struct{ held func() secretMaterial }

type secretMaterial struct{ text string }

// secretForm says what a provider's secrets look like.
type secretForm struct{}

// Reveal returns the secret's text as it was saved; "" for the zero Secret.
func (s Secret) Reveal() string {
	if s.held == nil {
		return ""
	}
	return s.held().text
}
