package store

import (
	"encoding/base64"
)

// Seal encrypts a value that a browser keeps for us, for one use, as text that
// fits a cookie.
func (s *Store) Seal(use string, content []byte) string {
	return base64.RawURLEncoding.EncodeToString(s.vault.Seal(use, content))
}

// Unseal decrypts a value that Seal made for the same use; it returns false for
// any other.
func (s *Store) Unseal(use, text string) ([]byte, bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(sealed) == 0 {
		return nil, false
	}
	content, err := s.vault.Open(use, sealed)
	return content, err == nil
}
