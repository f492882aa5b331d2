package jobs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"hookwell/models"
)

// MailOptions configure a mailer.
type MailOptions struct {
	// Server is smtp://host:port, which switches to TLS first (STARTTLS; only a
	// server on this machine may do without), or smtps://; with user:password if
	// the server asks for them. The usual ports are 587 and 465.
	Server *url.URL
	// From is the sender's address.
	From *mail.Address
	// Roots are the certificates that may vouch for the server; nil means the
	// machine's own.
	Roots *x509.CertPool
	// Dial connects to the server; nil means the machine's network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Mailer sends messages to a mail server. It is safe for concurrent use.
type Mailer struct {
	options []gomail.Option
	host    string
	from    *mail.Address
	domain  string
}

// mailLimit is how long the server may take for one step of the exchange.
const mailLimit = 15 * time.Second

// NewMailer checks the options. Its errors never show a password. It does not
// connect, since the server may be away and come back.
func NewMailer(o MailOptions) (*Mailer, error) {
	host := o.Server.Hostname()
	if host == "" || o.Server.Opaque != "" || strings.Trim(o.Server.Path, "/") != "" || o.Server.RawQuery != "" || o.Server.Fragment != "" {
		return nil, errors.New("it has to be a host, a port and perhaps user:password, and nothing else")
	}
	transport, port, encrypted, err := transportOf(o.Server)
	if err != nil {
		return nil, err
	}
	options := []gomail.Option{transport, gomail.WithPort(port), gomail.WithTimeout(mailLimit),
		gomail.WithTLSConfig(&tls.Config{ServerName: host, RootCAs: o.Roots, MinVersion: tls.VersionTLS12})}
	if o.Dial != nil {
		options = append(options, gomail.WithDialContextFunc(o.Dial))
	}
	password, given := o.Server.User.Password()
	if user := o.Server.User.Username(); user != "" || given {
		if user == "" || password == "" {
			return nil, errors.New("a user needs a password, and a password a user")
		}
		options = append(options, gomail.WithUsername(user), gomail.WithPassword(password), authentication(encrypted))
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]" // the library joins it to the port as it is
	}
	_, err = gomail.NewClient(host, options...)
	return &Mailer{options: options, host: host, from: o.From, domain: o.From.Address[strings.LastIndex(o.From.Address, "@")+1:]}, err
}

// transportOf reads the scheme and the port. Encrypted tells that nothing is
// said before the connection is.
func transportOf(server *url.URL) (transport gomail.Option, port int, encrypted bool, err error) {
	encrypted, port = true, 587
	switch {
	case server.Scheme == "smtps":
		transport, port = gomail.WithSSL(), 465
	case server.Scheme == "smtp" && onThisMachine(server.Hostname()):
		transport, encrypted = gomail.WithTLSPolicy(gomail.TLSOpportunistic), false
	case server.Scheme == "smtp":
		transport = gomail.WithTLSPolicy(gomail.TLSMandatory)
	default:
		return nil, 0, false, errors.New("it has to begin with smtp:// or smtps://")
	}
	if text := server.Port(); text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return nil, 0, false, errors.New("its port has to be a number from 1 to 65535")
		}
		port = int(n)
	}
	return transport, port, encrypted, nil
}

// authentication picks how to show the password: by TLS the strongest that the
// server offers; on this machine also plainly.
func authentication(encrypted bool) gomail.Option {
	if encrypted {
		return gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover)
	}
	return gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthCramMD5,
		gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc)
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// send hands letters to the server over one connection, and tells done of each
// what came of it.
func (m *Mailer) send(ctx context.Context, letters []models.Letter, done func(l *models.Letter, err error)) {
	client, err := gomail.NewClient(m.host, m.options...)
	if err == nil {
		err = client.DialWithContext(ctx)
	}
	for i := range letters {
		if err != nil {
			done(&letters[i], err)
			continue
		}
		done(&letters[i], m.sendOne(client, &letters[i]))
	}
	if err == nil {
		client.Close() // what it says now changes nothing
	}
}

func (m *Mailer) sendOne(client *gomail.Client, l *models.Letter) error {
	message, err := m.message(l)
	if err != nil {
		return err
	}
	if err := client.Send(message); err != nil && !message.IsDelivered() {
		return err
	}
	l.QueueID = queueID(message.ServerResponse())
	return nil
}

// queueIDs are names that servers give messages. They end the reply to what was taken:
// "2.0.0 Ok: queued as 4A1F0C2" says Postfix, "OK 56761188-7520-42d8-8898-ff6fc54ce618"
// Resend.
var queueIDs = regexp.MustCompile(`^[A-Za-z0-9._@+=/-]{6,200}$`)

// queueID returns the server's name for a message that it took; "" if its reply names
// none.
func queueID(reply string) string {
	words := strings.Fields(reply)
	if len(words) < 2 {
		return ""
	}
	last := strings.Trim(words[len(words)-1], "<>().,;")
	if !queueIDs.MatchString(last) || !strings.ContainsAny(last, "0123456789") {
		return ""
	}
	return last
}

// message returns the letter as it goes over the wire. Its id is the row's, so that
// a message that comes twice shows as one.
func (m *Mailer) message(l *models.Letter) (*gomail.Msg, error) {
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	message.FromMailAddress(m.from)
	if err := message.To(l.To); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnusable, err)
	}
	message.Subject(l.Subject)
	message.SetMessageIDWithValue(l.ID + "@" + m.domain)
	message.SetDateWithValue(l.QueuedAt)
	// RFC 3834: no vacation answers to what no person wrote.
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	for _, mark := range l.Marks() {
		message.SetGenHeader(gomail.Header(mark.Name), mark.Value)
	}
	message.SetBodyString(gomail.TypeTextPlain, l.Text)
	return message, nil
}

// errUnusable is of an address that can't be written to at all.
var errUnusable = errors.New("the address can't be used")

// final reports whether trying again is of no use: the server refuses the
// recipient or the message for good. What it has against the sender may be mended.
func final(err error) bool {
	var refused *gomail.SendError
	if !errors.As(err, &refused) {
		return errors.Is(err, errUnusable) || errors.Is(err, models.ErrNoMailServer)
	}
	switch refused.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		return refused.ErrorCode() >= 500 && refused.ErrorCode() != authenticationRequired
	default:
		return false
	}
}

// authenticationRequired is RFC 4954's reply to a sender who has to sign in first.
const authenticationRequired = 530

// sendMail sends due mail.
func (w *Workers) sendMail(ctx context.Context) error {
	return SendMail(ctx, w.Store, w.Words, w.Mailer, w.Log)
}

// Mailbox is the queue of mail.
type Mailbox interface {
	// ClaimMail takes some messages that are due; none is due if it returns none.
	ClaimMail(ctx context.Context) ([]models.Letter, error)
	// MailSent notes that a message was sent.
	MailSent(ctx context.Context, l *models.Letter) error
	// MailFailed notes why a message was not sent, and returns when it is tried
	// again; the zero time is never.
	MailFailed(ctx context.Context, l *models.Letter, cause error, final bool) (time.Time, error)
}

// Words writes the text of messages.
type Words interface {
	// Write returns the subject and the text of a message. It fails for a kind that
	// it does not know, which a newer version may have queued.
	Write(m *models.Mail) (subject, text string, err error)
}

// SendMail sends due mail. Several processes may call it at once. Without a
// mailer it logs each message and gives it up.
func SendMail(ctx context.Context, mailbox Mailbox, words Words, mailer *Mailer, log *slog.Logger) error {
	for {
		letters, err := mailbox.ClaimMail(ctx)
		if err != nil || len(letters) == 0 {
			return err
		}
		// A message that the server has is to be noted as sent, also when the
		// process stops meanwhile.
		noting := context.WithoutCancel(ctx)
		var faults []error
		note := func(l *models.Letter, err error) { faults = append(faults, noteMail(noting, mailbox, log, l, err)) }
		letters = write(letters, words, note)
		if mailer != nil {
			mailer.send(ctx, letters, note)
		} else {
			for i := range letters {
				note(&letters[i], models.ErrNoMailServer)
			}
		}
		if err := errors.Join(faults...); err != nil {
			return err
		}
	}
}

// write gives letters their words, and returns those that have them. One of an
// earlier version brings its own. What can't be written is tried again later:
// perhaps by a newer version, which queued it.
func write(letters []models.Letter, words Words, done func(l *models.Letter, err error)) []models.Letter {
	ready := make([]models.Letter, 0, len(letters))
	for i := range letters {
		l := &letters[i]
		if l.Kind != models.MailFinished {
			var err error
			if l.Subject, l.Text, err = words.Write(&l.Mail); err != nil {
				done(l, err)
				continue
			}
		}
		ready = append(ready, *l)
	}
	return ready
}

// noteMail keeps what came of a message. One that nobody gets is logged with
// its text, unless that lets its reader in.
func noteMail(ctx context.Context, mailbox Mailbox, log *slog.Logger, l *models.Letter, err error) error {
	about := []any{"mail", l.ID, "to", l.To, "subject", l.Subject}
	if err == nil {
		log.Info("mail sent", about...)
		return mailbox.MailSent(ctx, l)
	}
	next, noteErr := mailbox.MailFailed(ctx, l, err, final(err))
	if next.IsZero() && !l.Secret {
		about = append(about, "text", l.Text)
	}
	switch {
	case errors.Is(err, models.ErrNoMailServer):
		log.Info("mail not sent: no mail server is set", about...)
	case next.IsZero():
		log.Error("mail given up", append(about, "error", err)...)
	default:
		log.Warn("mail not sent", append(about, "error", err, "next", next)...)
	}
	return noteErr
}
