package webhook

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"
)

// alertIn returns the TLS alert in an error; nil without one. crypto/tls wraps its
// own type of alerts in a net.OpError, whose Op says which side raised it.
func alertIn(err error) *net.OpError {
	var alert *net.OpError
	if errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error") {
		return alert
	}
	return nil
}

// The alerts that say what a receiver wanted (RFC 8446, section 6.2).
const (
	alertHandshakeFailure      tls.AlertError = 40
	alertBadCertificate        tls.AlertError = 42
	alertUnsupportedCert       tls.AlertError = 43
	alertCertRevoked           tls.AlertError = 44
	alertCertExpired           tls.AlertError = 45
	alertCertUnknown           tls.AlertError = 46
	alertUnknownCA             tls.AlertError = 48
	alertAccessDenied          tls.AlertError = 49
	alertUnrecognizedName      tls.AlertError = 112
	alertCertRequired          tls.AlertError = 116
	alertNoApplicationProtocol tls.AlertError = 120
)

// alertSentence says what the receiver wanted. An alert about the client's
// certificate comes before or after the end of our handshake, by version.
func alertSentence(alert *net.OpError, wantCert bool, at phase) string {
	text := alert.Err.Error()
	is := func(codes ...tls.AlertError) bool {
		for _, code := range codes {
			if text == code.Error() {
				return true
			}
		}
		return false
	}
	said := strings.TrimPrefix(text, "tls: ")
	switch {
	case alert.Op == "local error":
		return "The TLS connection broke: " + said + "."
	case is(alertCertRequired), wantCert && is(alertHandshakeFailure, alertBadCertificate, alertUnsupportedCert,
		alertCertRevoked, alertCertExpired, alertCertUnknown, alertUnknownCA, alertAccessDenied):
		return "The receiver asked for a client certificate, and Hookwell sends none. Its TLS alert: " + said + "."
	case is(alertUnrecognizedName):
		return "The receiver knows no certificate for the host name of the URL. Its TLS alert: " + said + "."
	case is(alertNoApplicationProtocol):
		return "The receiver speaks neither HTTP/1.1 nor HTTP/2 at this port. Its TLS alert: " + said + "."
	case at == phaseTLS:
		return "The receiver refused the TLS handshake: " + said + "."
	}
	return "The receiver ended the TLS connection. Its TLS alert: " + said + "."
}
