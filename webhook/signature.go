package webhook

import "time"

// SignatureFormat is how x-webhook-signature is written; its text is the API's value.
type SignatureFormat string

func (s Secret) Sign(id string, at time.Time, body []byte) string         { return "" }
func SignatureFormats() []SignatureFormat                                 { return nil }
func ParseSignatureFormat(text string) (SignatureFormat, error)           { return "", nil }
func (f SignatureFormat) Sign(s Secret, at time.Time, body []byte) string { return "" }
func (f SignatureFormat) Pattern() string                                 { return "" }
