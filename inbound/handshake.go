package inbound

// Response answers a handshake.
type Response struct {
	Status      int
	ContentType string // "" without a body
	Body        []byte
}

type handshake struct{}

// Handshake returns the response to a request by which the provider asks whether
// the URL is ours, and whether the request is one. Such a request is not
// an event: send the response, and keep it on record. The response may be a
// refusal (401 or 403). A request that isn't a handshake goes on to Verify.
//
// Where a response signs what the request says, only a challenge of 1 to 64
// characters of A-Z a-z 0-9 + / = _ - is signed. Callers limit how often they call
// it: HandshakesPerMinute.
func (v *Verifier) Handshake(request *Request, secrets []Secret) (*Response, bool) { return nil, false }

// HandshakesPerMinute is how many handshakes a source answers a minute.
const HandshakesPerMinute = 10

// VerifyToken returns the token to type in at a provider whose handshake sends
// one (Meta), and "" for other providers. It is derived from the secret, which it
// doesn't reveal.
func (v *Verifier) VerifyToken(secret Secret) string { return "" }
