package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// With TLS 1.3 a receiver refuses after our handshake has ended.
func TestSender_names_the_alert_that_a_receiver_sends(t *testing.T) {
	const wanted = "The receiver asked for a client certificate, and Hookwell sends none. Its TLS alert: "
	refuse := func(tls.ConnectionState) error { return errors.New("refused") }
	cases := map[string]struct {
		config *tls.Config
		said   map[uint16]string // by the highest version
	}{
		"client_certificate": {&tls.Config{ClientAuth: tls.RequireAnyClientCert},
			map[uint16]string{tls.VersionTLS13: wanted + "certificate required.", tls.VersionTLS12: wanted + "handshake failure."}},
		"client_certificate_of_its_own_authority": {&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()},
			map[uint16]string{tls.VersionTLS13: wanted + "certificate required.", tls.VersionTLS12: wanted + "handshake failure."}},
		"connection_refused": {&tls.Config{VerifyConnection: refuse},
			map[uint16]string{tls.VersionTLS13: "The receiver ended the TLS connection. Its TLS alert: bad certificate.", tls.VersionTLS12: "The receiver refused the TLS handshake: bad certificate."}},
		"another_protocol": {&tls.Config{NextProtos: []string{"mqtt"}},
			map[uint16]string{tls.VersionTLS13: "The receiver speaks neither HTTP/1.1 nor HTTP/2 at this port. Its TLS alert: no application protocol."}},
	}
	for name, test := range cases {
		for version, said := range test.said {
			for _, protocol := range []string{"http/1.1", "h2"} {
				t.Run(name+"/"+tls.VersionName(version)+"/"+protocol, func(t *testing.T) {
					server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
					server.Config.ErrorLog = log.New(io.Discard, "", 0)
					server.TLS = test.config.Clone()
					server.TLS.MaxVersion = version
					if server.TLS.NextProtos == nil {
						server.TLS.NextProtos = []string{protocol}
					}
					server.StartTLS()
					t.Cleanup(server.Close)
					s := newTestSender(t, server.Certificate())
					for range 50 { // the alert, the reset behind it and our request race
						m := messageTo(t, server.URL)
						m.Body = make([]byte, 256<<10)
						exchange := s.Send(t.Context(), m)
						if exchange.Cause != CauseTLS || exchange.Error != said {
							t.Fatalf("%q: %s", exchange.Cause, exchange.Error)
						}
					}
				})
			}
		}
	}
}

func TestSender_names_alerts_of_the_handshake(t *testing.T) {
	for code, said := range map[tls.AlertError]string{
		alertHandshakeFailure:      "The receiver refused the TLS handshake: handshake failure.",
		alertUnrecognizedName:      "The receiver knows no certificate for the host name of the URL. Its TLS alert: unrecognized name.",
		alertCertRequired:          "The receiver asked for a client certificate, and Hookwell sends none. Its TLS alert: certificate required.",
		alertAccessDenied:          "The receiver refused the TLS handshake: access denied.",
		alertNoApplicationProtocol: "The receiver speaks neither HTTP/1.1 nor HTTP/2 at this port. Its TLS alert: no application protocol.",
	} {
		t.Run(code.Error(), func(t *testing.T) {
			url := secured(listen(t, func(conn net.Conn) {
				conn.SetReadDeadline(time.Now().Add(5 * time.Second))
				conn.Read(make([]byte, 4<<10))
				conn.Write([]byte{21, 3, 3, 0, 2, 2, byte(code)})
			}))
			exchange := newTestSender(t, nil).Send(t.Context(), messageTo(t, url))
			if exchange.Cause != CauseTLS || exchange.Error != said {
				t.Errorf("%q: %s", exchange.Cause, exchange.Error)
			}
		})
	}
}
