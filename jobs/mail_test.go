package jobs_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"hookwell/jobs"
	wording "hookwell/views/mail"
)

var mailWords = wording.NewWords(&url.URL{Scheme: "https", Host: "hooks.example.com"})

// mailServer is a mail server of the test's own. It takes mail from whoever
// signed in, where it has a password, and hands it to arrived.
type mailServer struct {
	*smtp.Server
	address  string
	listener net.Listener
	password string
	roots    *x509.CertPool
	arrived  chan letter

	mu      sync.Mutex
	refused map[string]*smtp.SMTPError
}

type letter struct {
	from, to string
	tls      bool
	signedIn bool
	*mail.Message
	text string
}

// startMailServer starts one, with a certificate for example.com and 127.0.0.1.
func startMailServer(t *testing.T, change func(*mailServer)) *mailServer {
	t.Helper()
	pair := httptest.NewUnstartedServer(nil)
	pair.StartTLS()
	pair.Close()
	s := &mailServer{arrived: make(chan letter, 10), refused: map[string]*smtp.SMTPError{}, roots: x509.NewCertPool()}
	s.roots.AddCert(pair.Certificate())
	s.Server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &mailSession{server: s, conn: c}, nil }))
	s.Domain, s.AllowInsecureAuth, s.ErrorLog = "localhost", true, quiet{}
	s.TLSConfig = &tls.Config{Certificates: pair.TLS.Certificates}
	if change != nil {
		change(s)
	}
	s.listen(t, "127.0.0.1:0", s.Serve)
	return s
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func (s *mailServer) listen(t *testing.T, address string, serve func(net.Listener) error) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	must(t, err)
	s.listener, s.address = l, l.Addr().String()
	go serve(l)
	t.Cleanup(func() { s.Server.Close() })
}

// mailer is one that knows the server, at a name or at its address.
func (s *mailServer) mailer(t *testing.T, scheme, user, host string) *jobs.Mailer {
	t.Helper()
	o := jobs.MailOptions{From: &mail.Address{Name: "Hookwell", Address: "hooks@example.com"}, Roots: s.roots}
	o.Server = &url.URL{Scheme: scheme, Host: s.address}
	if host != "" {
		o.Server.Host = host
		o.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.address)
		}
	}
	if user != "" {
		o.Server.User = url.UserPassword(user, s.password)
	}
	m, err := jobs.NewMailer(o)
	must(t, err)
	return m
}

func (s *mailServer) refuse(to string, err *smtp.SMTPError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[to] = err
}

type mailSession struct {
	server *mailServer
	conn   *smtp.Conn
	letter letter
}

func (s *mailSession) AuthMechanisms() []string {
	if s.server.password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if s.letter.signedIn = user == "hookwell" && password == s.server.password; !s.letter.signedIn {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *mailSession) Reset() { s.letter = letter{signedIn: s.letter.signedIn} }

func (s *mailSession) Logout() error { return nil }

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.password != "" && !s.letter.signedIn {
		return smtp.ErrAuthRequired
	}
	s.letter.from = from
	return nil
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if err := s.server.refused[to]; err != nil {
		return err
	}
	s.letter.to = to
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(message.Body)
	if err != nil {
		return err
	}
	s.letter.Message, s.letter.text = message, strings.ReplaceAll(string(body), "\r\n", "\n")
	_, s.letter.tls = s.conn.TLSConnectionState()
	s.server.arrived <- s.letter
	return nil
}

func (s *mailServer) next(t *testing.T) letter {
	t.Helper()
	select {
	case l := <-s.arrived:
		return l
	case <-time.After(20 * time.Second):
		t.Fatal("no mail arrived")
		panic("unreachable")
	}
}

// sendMail queues a test message, sends what is due, and answers what came of it.
func (f *fixture) sendMail(t *testing.T, m *jobs.Mailer, to string) (id string, sent bool, failure string) {
	t.Helper()
	id, err := f.Operator().TestMail(t.Context(), to)
	must(t, err)
	return id, f.sentMail(t, m, id, &failure), failure
}

func (f *fixture) sentMail(t *testing.T, m *jobs.Mailer, id string, failure *string) (sent bool) {
	t.Helper()
	must(t, jobs.SendMail(t.Context(), f.Store, mailWords, m, f.log))
	sent, *failure, _ = f.Operator().MailOutcome(t.Context(), id)
	return sent
}

func TestMailGoesOutAtOnce(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		s := startMailServer(t, nil)
		f.wakeQueue()
		f.mailer = s.mailer(t, "smtp", "", "")
		f.start(t)
		id, err := f.Operator().TestMail(t.Context(), "ada@example.com")
		must(t, err)
		l := s.next(t)
		if l.from != "hooks@example.com" || l.to != "ada@example.com" || !l.tls {
			t.Errorf("from %s to %s, TLS %v", l.from, l.to, l.tls)
		}
		for name, want := range map[string]string{"From": `"Hookwell" <hooks@example.com>`, "To": "<ada@example.com>", "Subject": "A test message from Hookwell",
			"Message-ID": "<" + id + "@example.com>", "Auto-Submitted": "auto-generated", "Content-Type": "text/plain; charset=UTF-8"} {
			if got := l.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if !strings.Contains(l.text, "It arrived, so mail works.") {
			t.Errorf("the text is %q", l.text)
		}
	})
}

func TestMailServers(t *testing.T) {
	for name, test := range map[string]struct {
		scheme, user, host string
		change             func(*mailServer)
		want               string // in the failure; empty for sent
	}{
		"plain on this machine":                      {scheme: "smtp", change: func(s *mailServer) { s.TLSConfig = nil }},
		"plain on this machine with a password":      {scheme: "smtp", user: "hookwell", change: func(s *mailServer) { s.TLSConfig, s.password = nil, "p@ss/word" }},
		"by STARTTLS with a password":                {scheme: "smtp", user: "hookwell", host: "example.com", change: func(s *mailServer) { s.password = "secret" }},
		"by TLS with a password":                     {scheme: "smtps", user: "hookwell", change: func(s *mailServer) { s.password = "secret" }},
		"that offers no TLS, elsewhere":              {scheme: "smtp", host: "example.com", change: func(s *mailServer) { s.TLSConfig = nil }, want: "STARTTLS"},
		"with a certificate for another name":        {scheme: "smtp", host: "mail.example.net", want: "certificate"},
		"that refuses the password":                  {scheme: "smtp", user: "somebody", change: func(s *mailServer) { s.password = "secret" }, want: "535"},
		"that asks for a password where none is set": {scheme: "smtp", change: func(s *mailServer) { s.password = "secret" }, want: "authenticate"},
	} {
		t.Run(name, func(t *testing.T) {
			eachPair(t, func(t *testing.T, f *fixture) {
				s := startMailServer(t, test.change)
				if test.scheme == "smtps" {
					s.listen(t, "127.0.0.1:0", func(l net.Listener) error { return s.Serve(tls.NewListener(l, s.TLSConfig)) })
				}
				var log bytes.Buffer
				f.log = slog.New(slog.NewTextHandler(&log, nil))
				_, sent, failure := f.sendMail(t, s.mailer(t, test.scheme, test.user, test.host), "ada@example.com")
				if test.want == "" {
					if l := s.next(t); !sent || l.signedIn != (test.user != "") || l.tls != (s.TLSConfig != nil) {
						t.Errorf("sent %v, signed in %v, TLS %v: %s", sent, l.signedIn, l.tls, failure)
					}
				} else if sent || !strings.Contains(failure, test.want) {
					t.Errorf("sent %v, failure %q, want %q in it", sent, failure, test.want)
				}
				if s.password != "" && strings.Contains(log.String(), s.password) {
					t.Errorf("the password is in the log: %s", log.String())
				}
			})
		})
	}
}

func TestMailServerThatIsAwayAndComesBack(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		s := startMailServer(t, nil)
		m := s.mailer(t, "smtp", "", "")
		s.listener.Close()
		id, sent, failure := f.sendMail(t, m, "ada@example.com")
		if sent || !strings.Contains(failure, "refused") {
			t.Fatalf("sent %v, failure %q", sent, failure)
		}
		back := startMailServer(t, nil)
		m = back.mailer(t, "smtp", "", "")
		if f.sentMail(t, m, id, &failure) {
			t.Fatal("sent before its time")
		}
		f.clock.Advance(61 * time.Second)
		if !f.sentMail(t, m, id, &failure) {
			t.Fatal("not sent:", failure)
		}
		if l := back.next(t); l.to != "ada@example.com" {
			t.Error("to", l.to)
		}
	})
}

func TestMailToARefusedRecipient(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		s := startMailServer(t, nil)
		m := s.mailer(t, "smtp", "", "")
		s.refuse("nobody@example.com", &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user here"})
		s.refuse("busy@example.com", &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 1}, Message: "Try again later"})
		ids := map[string]string{}
		for _, to := range []string{"nobody@example.com", "busy@example.com", "ada@example.com"} {
			id, err := f.Operator().TestMail(t.Context(), to)
			must(t, err)
			ids[to] = id
		}
		var failure string
		if f.sentMail(t, m, ids["nobody@example.com"], &failure) || !strings.Contains(failure, "No such user here") {
			t.Errorf("the failure is %q", failure)
		}
		if l := s.next(t); l.to != "ada@example.com" {
			t.Errorf("to %s, want the one behind those that were refused", l.to)
		}
		s.refuse("nobody@example.com", nil)
		s.refuse("busy@example.com", nil)
		f.clock.Advance(24 * time.Hour)
		if f.sentMail(t, m, ids["nobody@example.com"], &failure) {
			t.Error("what was refused for good was sent")
		}
		if !f.sentMail(t, m, ids["busy@example.com"], &failure) {
			t.Error("what was refused for now was not sent:", failure)
		}
	})
}

func TestMailWithoutAServer(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		var log bytes.Buffer
		f.log = slog.New(slog.NewTextHandler(&log, nil))
		_, sent, failure := f.sendMail(t, nil, "ada@example.com")
		if sent || !strings.Contains(failure, "HOOKWELL_SMTP_URL") {
			t.Errorf("sent %v, failure %q", sent, failure)
		}
		for _, want := range []string{"ada@example.com", "A test message from Hookwell", "It arrived, so mail works."} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%q is not in the log: %s", want, log.String())
			}
		}
	})
}

func TestMailServerURLs(t *testing.T) {
	for text, want := range map[string]string{
		"smtp://mail.example.com":                 "",
		"smtps://u:p%40ss@mail.example.com:2465/": "",
		"smtp://[::1]:25":                         "",
		"http://mail.example.com":                 "smtp://",
		"smtp://":                                 "host",
		"smtp:mail.example.com":                   "host",
		"smtp://mail.example.com:0":               "port",
		"smtp://mail.example.com:99999":           "port",
		"smtp://mail.example.com/path":            "nothing else",
		"smtp://mail.example.com?tls=no":          "nothing else",
		"smtp://onlyuser@mail.example.com":        "password",
		"smtp://:hidden@mail.example.com":         "user",
	} {
		u, err := url.Parse(text)
		must(t, err)
		_, err = jobs.NewMailer(jobs.MailOptions{Server: u, From: &mail.Address{Address: "hooks@example.com"}})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error shows the password: %v", text, err)
		}
	}
}

// TestMailOfOtherVersions sends what an earlier version queued as it is, and
// keeps what only a newer one has words for.
func TestMailOfOtherVersions(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		s := startMailServer(t, nil)
		m := s.mailer(t, "smtp", "", "")
		const text = "Follow https://hooks.example.com/reset/tok_5ecret.\n\nAs it was written.\n"
		now := f.clock.Now()
		queue := func(id, to, subject, text, kind string) {
			t.Helper()
			must(t, f.Database().Exec(`INSERT INTO mail_messages (id, recipient, kind, subject, secret, sealed, created_at, due_at, attempts, lease_token, failure)
				VALUES (?, ?, ?, ?, TRUE, ?, ?, ?, 0, '', '')`, id, to, kind, subject, f.options.Vault.Seal(id, []byte(text)), now, now).Error)
		}
		queue("mail_newer", "newer@example.com", "", `{"token":"tok_5ecret"}`, "of_tomorrow")
		queue("mail_earlier", "earlier@example.com", "A new password for Hookwell", text, "")
		var log bytes.Buffer
		f.log = slog.New(slog.NewTextHandler(&log, nil))
		var failure string
		if !f.sentMail(t, m, "mail_earlier", &failure) {
			t.Fatal("what an earlier version queued was not sent:", failure)
		}
		if l := s.next(t); l.to != "earlier@example.com" || l.Header.Get("Subject") != "A new password for Hookwell" || l.text != text {
			t.Errorf("sent to %s: %q, %q", l.to, l.Header.Get("Subject"), l.text)
		}
		if sent, failure, err := f.Operator().MailOutcome(t.Context(), "mail_newer"); sent || !strings.Contains(failure, `"of_tomorrow"`) || err != nil {
			t.Errorf("MailOutcome() of a kind of a newer version returned %v, %q, %v; want it to wait", sent, failure, err)
		}
		if strings.Contains(log.String(), "tok_5ecret") {
			t.Errorf("a token is in the log: %s", log.String())
		}
		must(t, f.Database().Exec("UPDATE mail_messages SET kind = 'password_changed' WHERE id = 'mail_newer'").Error) // as if by the newer version
		f.clock.Advance(61 * time.Second)
		if !f.sentMail(t, m, "mail_newer", &failure) {
			t.Error("given up:", failure)
		}
	})
}
