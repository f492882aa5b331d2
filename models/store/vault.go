package store

import (
	"encoding/base64"
)

// Seal encrypts what a browser keeps for us, for one use, as text that a cookie
// can hold.
func (s *Store) Seal(use string, content []byte) string {
	return base64.RawURLEncoding.EncodeToString(s.vault.Seal(use, content))
}

// Unseal opens what Seal made for the same use; false for everything else.
func (s *Store) Unseal(use, text string) ([]byte, bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(sealed) == 0 {
		return nil, false
	}
	content, err := s.vault.Open(use, sealed)
	return content, err == nil
}
