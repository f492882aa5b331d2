package webhook

// Secret is what an endpoint's signatures are made with.
type Secret struct{ held *material }

type material struct {
	text string
	key  []byte
}

func NewSecret() Secret                       { return Secret{} }
func ParseSecret(text string) (Secret, error) { return Secret{}, nil }
func (s Secret) Reveal() string               { return "" }
func (s Secret) StandardForm() string         { return "" }
func (s Secret) IsZero() bool                 { return s.held == nil }
func (s Secret) Equal(other Secret) bool      { return false }
