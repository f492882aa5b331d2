package database

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Vault seals what the database may not show: signing secrets and the values
// of an endpoint's own headers. It uses AES-256-GCM (NIST SP 800-38D) and knows
// several keys by id, so that the master key can be changed.
type Vault struct {
	Primary string
	keys    map[string]cipher.AEAD
}

// vaultDefaultID names a key that was given without an id.
const vaultDefaultID = "1"

// ParseVault reads HOOKWELL_SECRET_KEY: 32 bytes in base64, or
// "id:base64,id:base64" of which the first encrypts. Its errors never show a key.
func ParseVault(text string) (*Vault, error) {
	v := &Vault{keys: map[string]cipher.AEAD{}}
	for _, part := range strings.Split(text, ",") {
		id, encoded, named := strings.Cut(strings.TrimSpace(part), ":")
		if !named {
			id, encoded = vaultDefaultID, id
		}
		if id == "" || len(id) > 32 {
			return nil, errors.New("each key's id must have 1 to 32 characters")
		}
		if _, twice := v.keys[id]; twice {
			return nil, fmt.Errorf("the key id %q stands twice", id)
		}
		aead, err := parseVaultKey(encoded)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", id, err)
		}
		if v.Primary == "" {
			v.Primary = id
		}
		v.keys[id] = aead
	}
	return v, nil
}

func parseVaultKey(encoded string) (cipher.AEAD, error) {
	// Either alphabet and no padding are read too: the bytes are the same.
	plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(encoded, "="))
	key, err := base64.RawStdEncoding.DecodeString(plain)
	if err != nil {
		return nil, errors.New("not valid base64: " + notBase64(plain))
	}
	if len(key) != 32 {
		return nil, fmt.Errorf("must be 32 bytes in base64, and is %d", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// notBase64 says why text without padding is no base64, and shows nothing of it.
func notBase64(text string) string {
	for i, r := range text {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '/') {
			return fmt.Sprintf("character %d is none of base64", i+1)
		}
	}
	return fmt.Sprintf("32 bytes are 43 characters and =, and these are %d", len(text))
}

// Seal encrypts text for one owner: it opens for no other.
func (v *Vault) Seal(owner string, plain []byte) []byte {
	aead := v.keys[v.Primary]
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce) // which never fails
	out := append(v.Mark(), nonce...)
	return aead.Seal(out, nonce, plain, []byte(owner))
}

// Mark is what everything sealed with the first key begins with.
func (v *Vault) Mark() []byte { return append([]byte{byte(len(v.Primary))}, v.Primary...) }

// Open decrypts what seal made for the same owner. It fails when the key is
// not among the vault's or the bytes were changed.
func (v *Vault) Open(owner string, sealed []byte) ([]byte, error) {
	if len(sealed) < 1 || len(sealed) < 1+int(sealed[0]) {
		return nil, errors.New("the sealed bytes are too short")
	}
	id, rest := string(sealed[1:1+sealed[0]]), sealed[1+sealed[0]:]
	aead, ok := v.keys[id]
	if !ok {
		return nil, fmt.Errorf("HOOKWELL_SECRET_KEY has no key %q, which sealed this", id)
	}
	if len(rest) < aead.NonceSize() {
		return nil, errors.New("the sealed bytes are too short")
	}
	plain, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], []byte(owner))
	if err != nil {
		return nil, fmt.Errorf("key %q does not open this: HOOKWELL_SECRET_KEY may have been changed", id)
	}
	return plain, nil
}
