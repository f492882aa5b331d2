package inbound

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"testing"
)

// signOwn signs a request as the verifier's scheme wants it, with a new secret or
// key pair, and returns what the source has of it.
func signOwn(t testing.TB, verifier *Verifier, request *Request) Secret {
	t.Helper()
	scheme := verifier.scheme()
	text := map[string]string{
		"whsec": testSecrets[""], "hex": testSecrets["adyen"], "base64": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	}[scheme.Key]
	if text == "" {
		text = testSecrets["plaintext"]
	}
	if scheme.Algorithm == algorithmBasic {
		text = testSecrets["basic"]
	}
	var sum func([]byte) []byte
	switch scheme.Algorithm {
	case "ed25519":
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		text = base64.StdEncoding.EncodeToString(public)
		if scheme.Key == "hex" {
			text = hex.EncodeToString(public)
		}
		sum = func(message []byte) []byte { return ed25519.Sign(private, message) }
	case "ecdsa-p256-sha256":
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		text = base64.StdEncoding.EncodeToString(public)
		sum = func(message []byte) []byte {
			digest := sha256.Sum256(message)
			signature, err := ecdsa.SignASN1(rand.Reader, private, digest[:])
			if err != nil {
				t.Fatal(err)
			}
			return signature
		}
	}
	secret, err := newSecret(text, scheme)
	if err != nil {
		t.Fatalf("newSecret() = %v", err)
	}
	if sum != nil {
		verifier.schemes[0].sign(request, request.ReceivedAt, sum)
		return secret
	}
	signed, err := verifier.sign(request, secret, request.ReceivedAt)
	if err != nil {
		t.Fatalf("sign() = %v", err)
	}
	*request = *signed
	return secret
}
