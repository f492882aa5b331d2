package webhook

import (
	"fmt"
	"net/http"
	"strings"
)

// Cause names why an attempt failed. The empty cause is success.
type Cause string

// The causes, as the API and the log show them.
const (
	CauseDNS              Cause = "dns"                // the name led to no address
	CauseConnect          Cause = "connect"            // no route to the address
	CauseRefused          Cause = "refused"            // nothing listens there
	CauseReset            Cause = "reset"              // the connection ended before the answer
	CauseTLS              Cause = "tls"                // no trusted, modern TLS
	CauseTimeout          Cause = "timeout"            // no answer within the endpoint's timeout
	CauseBlocked          Cause = "blocked"            // the guard refused the address
	CauseRedirect         Cause = "redirect"           // 301, 302, 303, 307, 308
	CauseStatus           Cause = "status"             // any other status that is not 2xx
	CauseResponseTooLarge Cause = "response_too_large" // headers over 64 KiB
	CauseProtocol         Cause = "protocol"           // what came back was not HTTP
	CauseInterrupted      Cause = "interrupted"        // Hookwell stopped during the attempt
	CauseExpired          Cause = "expired"            // waited too long for its turn
	CauseNotRetried       Cause = "not_retried"        // of a delivery alone: a status that its endpoint doesn't retry
)

// Causes lists every cause of a failure.
func Causes() []Cause {
	return []Cause{CauseDNS, CauseConnect, CauseRefused, CauseReset, CauseTLS, CauseTimeout, CauseBlocked, CauseRedirect,
		CauseStatus, CauseResponseTooLarge, CauseProtocol, CauseInterrupted, CauseExpired, CauseNotRetried}
}

// StatusCauses lists the causes that depend on the response's status.
func StatusCauses() []Cause { return []Cause{CauseStatus, CauseRedirect, CauseNotRetried} }

// advice is what happened and what to do now, by cause.
var advice = map[Cause][2]string{
	CauseDNS:              {"The name does not resolve.", "Check the host name of the URL and its DNS records."},
	CauseConnect:          {"The receiver cannot be reached.", "Check that its network and its firewall let the connection in."},
	CauseRefused:          {"The receiver refused the connection.", "Start the service, or correct the port of the URL."},
	CauseReset:            {"The receiver closed the connection before it answered.", "Look for a crash, a restart or a proxy limit in the receiver's log."},
	CauseTLS:              {"No secure connection could be made.", "Renew or correct the certificate, its chain and its host name, offer TLS 1.2 or later, and ask for no client certificate."},
	CauseTimeout:          {"The receiver did not answer in time.", "Answer first and do the work afterwards, or give the endpoint a longer timeout."},
	CauseBlocked:          {"The URL leads to an address that may not be called.", "Change the URL to one that can be reached from the internet by https."},
	CauseRedirect:         {"The receiver redirected the request, and redirects are not followed.", "Enter the URL that finally answers."},
	CauseResponseTooLarge: {"The response had more than 64 KiB of headers.", "Send fewer or shorter response headers."},
	CauseProtocol:         {"The receiver did not answer with valid HTTP.", "Check that the URL and its port lead to an HTTP service."},
	CauseInterrupted:      {"Hookwell was stopped during the attempt, so its result is unknown.", "Wait for the next attempt, or resend."},
	CauseExpired:          {"The delivery waited too long for its turn.", "Resend it once the endpoint answers again."},
}

// statusAdvice is the same for statuses that say more than their class does.
var statusAdvice = map[int][2]string{
	http.StatusBadRequest:            {"The receiver found the request invalid (400).", "Read the response and compare what the receiver expects with the payload."},
	http.StatusUnauthorized:          {"The receiver refused the signature (401).", "Check that it verifies with this endpoint's current secret."},
	http.StatusForbidden:             {"The receiver denied access (403).", "Check its allow list, its firewall and the endpoint's own headers."},
	http.StatusNotFound:              {"The receiver has nothing at this URL (404).", "Correct the path of the URL, or deploy its route."},
	http.StatusMethodNotAllowed:      {"The receiver takes no POST at this URL (405).", "Correct the path of the URL, or accept POST there."},
	http.StatusGone:                  {"The receiver wants no more deliveries (410).", "Enable the endpoint once it wants them again, or delete it."},
	http.StatusRequestEntityTooLarge: {"The receiver found the payload too large (413).", "Raise the body limit of the receiver or of the proxy before it."},
	http.StatusTooManyRequests:       {"The receiver asked for fewer requests (429).", "Lower the endpoint's rate limit, or raise the receiver's."},
}

// Advice returns two sentences: what happened, and what to do about it now. Both
// are empty for success.
func (c Cause) Advice(statusCode int) (what, do string) {
	if c == CauseNotRetried {
		c, _ = statusFailure(statusCode)
		what, do = c.Advice(statusCode)
		return strings.TrimSuffix(what, ".") + ": not tried again.", do + " Then resend it, or let the endpoint retry this status."
	}
	if c != CauseStatus {
		said := advice[c]
		return said[0], said[1]
	}
	if said, ok := statusAdvice[statusCode]; ok {
		return said[0], said[1]
	}
	if statusCode >= 500 {
		return fmt.Sprintf("The receiver failed (%d).", statusCode), "Look for the error in the receiver's log at this time."
	}
	return fmt.Sprintf("The receiver answered %d, which is not a success.", statusCode), "Answer with a 2xx status once the event is taken."
}
