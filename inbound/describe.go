package inbound

import (
	"fmt"
	"strings"
)

// algorithmTitles are the algorithms as people write them.
var algorithmTitles = map[string]string{
	"hmac-sha256": "HMAC-SHA256", "hmac-sha1": "HMAC-SHA1", "hmac-sha512": "HMAC-SHA512",
	"ed25519": "Ed25519", "ecdsa-p256-sha256": "ECDSA (P-256, SHA-256)",
}

// describe says what a verifier checks, for people.
func describe(p *Provider, scheme Scheme) string {
	if p.method != "" {
		return p.method
	}
	switch scheme.Algorithm {
	case algorithmNone:
		return "nothing: anybody who knows the URL can send here"
	case algorithmToken:
		return "the token in " + scheme.Signature.Header + ", which proves nothing of the body"
	case algorithmBasic:
		return "user name and password, which prove nothing of the body"
	}
	parts, _ := parseMessage(scheme.Message)
	var signed []string
	for _, part := range parts {
		switch part.kind {
		case partBody:
			signed = append(signed, "the body")
		case partTimestamp:
			signed = append(signed, "the timestamp")
		case partURL:
			signed = append(signed, "the URL")
		case partMethod:
			signed = append(signed, "the method")
		case partHeader:
			signed = append(signed, part.text)
		}
	}
	text := signed[0]
	if last := len(signed) - 1; last > 0 {
		text = strings.Join(signed[:last], ", ") + " and " + signed[last]
	}
	return fmt.Sprintf("%s of %s, in %s", algorithmTitles[scheme.Algorithm], text, scheme.Signature.Header)
}
