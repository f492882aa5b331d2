package webhook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// certificate makes one that is valid for a name until a time, and signs itself.
func certificate(t testing.TB, host string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func TestSender_TLS(t *testing.T) {
	future, past := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	cases := map[string]struct {
		host    string
		until   time.Time
		trusted bool
		version uint16
		said    string // "" for delivered
	}{
		"trusted_TLS_1.2": {"127.0.0.1", future, true, tls.VersionTLS12, ""},
		"trusted_TLS_1.3": {"127.0.0.1", future, true, tls.VersionTLS13, ""},
		"expired":         {"127.0.0.1", past, true, tls.VersionTLS13, "The certificate of the receiver has expired or is not valid yet."},
		"self-signed":     {"127.0.0.1", future, false, tls.VersionTLS13, "The certificate of the receiver is not signed by a known authority."},
		"wrong_host":      {"other.test", future, true, tls.VersionTLS13, "The certificate of the receiver is for another host name."},
		"TLS_1.1":         {"127.0.0.1", future, true, tls.VersionTLS11, "The receiver refused the TLS handshake: protocol version not supported."},
		"TLS_1.0":         {"127.0.0.1", future, true, tls.VersionTLS10, "The receiver refused the TLS handshake: protocol version not supported."},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			made := certificate(t, test.host, test.until)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.TLS = &tls.Config{Certificates: []tls.Certificate{made}, MinVersion: tls.VersionTLS10, MaxVersion: test.version}
			server.StartTLS()
			t.Cleanup(server.Close)
			s := newTestSender(t, nil)
			s.tls.RootCAs = x509.NewCertPool()
			if test.trusted {
				s.tls.RootCAs.AddCert(made.Leaf)
			}
			exchange := s.Send(t.Context(), messageTo(t, server.URL))
			if test.said == "" {
				if exchange.Cause != "" || exchange.TLSVersion != tls.VersionName(test.version) {
					t.Errorf("%+v", exchange)
				}
				return
			}
			if exchange.Cause != CauseTLS || exchange.Error != test.said {
				t.Errorf("%q: %s", exchange.Cause, exchange.Error)
			}
		})
	}
}

// A receiver may speak HTTP/2 today and HTTP/1.1 tomorrow.
func TestSender_follows_a_receiver_that_changes_its_protocol(t *testing.T) {
	protos := make(chan string, 8)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { protos <- r.Proto }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = true
	var modern atomic.Bool
	var handshakes atomic.Int32
	server.TLS = &tls.Config{}
	server.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		handshakes.Add(1)
		config := server.TLS.Clone()
		config.GetConfigForClient = nil
		if !modern.Load() {
			config.NextProtos = []string{"http/1.1"}
		}
		return config, nil
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	s := newTestSender(t, server.Certificate())
	for n, proto := range []string{"HTTP/1.1", "HTTP/2.0", "HTTP/2.0", "HTTP/1.1", "HTTP/1.1", "HTTP/2.0"} {
		modern.Store(proto == "HTTP/2.0")
		server.CloseClientConnections()
		s.pool.drop()
		s.transport.CloseIdleConnections()
		exchange := s.Send(t.Context(), messageTo(t, server.URL))
		if exchange.Cause == CauseReset { // net/http had not heard yet that the connection was closed
			exchange = s.Send(t.Context(), messageTo(t, server.URL))
		}
		if exchange.Cause != "" {
			t.Fatalf("message %d: %q: %s", n, exchange.Cause, exchange.Error)
		}
		if got := <-protos; got != proto {
			t.Errorf("message %d went by %s; want %s", n, got, proto)
		}
		before := handshakes.Load()
		if exchange = s.Send(t.Context(), messageTo(t, server.URL)); exchange.Cause != "" || handshakes.Load() != before {
			t.Errorf("the message after %d made %d connections: %q", n, handshakes.Load()-before, exchange.Cause)
		}
		<-protos
	}
}
