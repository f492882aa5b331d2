package webhook

// Cause names why an attempt was no success. The empty cause is success.
type Cause string

// The causes, as the API and the log show them.
const (
	CauseDNS              Cause = "dns"
	CauseConnect          Cause = "connect"
	CauseRefused          Cause = "refused"
	CauseReset            Cause = "reset"
	CauseTLS              Cause = "tls"
	CauseTimeout          Cause = "timeout"
	CauseBlocked          Cause = "blocked"
	CauseRedirect         Cause = "redirect"
	CauseStatus           Cause = "status"
	CauseResponseTooLarge Cause = "response_too_large"
	CauseProtocol         Cause = "protocol"
	CauseInterrupted      Cause = "interrupted"
	CauseExpired          Cause = "expired"
)

// Advice says in two sentences what happened and what to do about it now.
// Both are empty for success.
func (c Cause) Advice(statusCode int) (what, do string) { return "", "" }
