package inbound

// Scheme says how a request is signed, as data. It is JSON in the API, in a
// source's row and in providers.json.
type Scheme struct {
	Algorithm string          `json:"algorithm"`          // hmac-sha256, hmac-sha1, hmac-sha512, ed25519, ecdsa-p256-sha256, token, basic or none
	Encoding  string          `json:"encoding,omitempty"` // hex, base64 or base64url
	Key       string          `json:"key,omitempty"`      // utf8, base64, hex or whsec; for public keys hex, or base64 of SPKI
	Signature *SignaturePlace `json:"signature,omitempty"`
	Message   string          `json:"message,omitempty"` // with {body}, {timestamp}, {url}, {method} and {header:NAME}
	Timestamp *TimestampPlace `json:"timestamp,omitempty"`
}

// SignaturePlace says where signatures are and how they are written.
type SignaturePlace struct {
	Header         string `json:"header"`
	Format         string `json:"format,omitempty"`         // plain (the default), pairs, tagged or list
	Key            string `json:"key,omitempty"`            // of pairs and tagged: which entries are signatures
	Separator      string `json:"separator,omitempty"`      // between entries
	Prefix         string `json:"prefix,omitempty"`         // which a signature must have
	OptionalPrefix string `json:"optionalPrefix,omitempty"` // which a signature may have
}

// TimestampPlace says where the signed time is.
type TimestampPlace struct {
	From             string `json:"from"`             // header, signature or json
	Name             string `json:"name"`             // the header, the key in the signature's header, or the path in the body
	Unit             string `json:"unit"`             // s, ms or rfc3339
	ToleranceSeconds int    `json:"toleranceSeconds"` // to either side
}
