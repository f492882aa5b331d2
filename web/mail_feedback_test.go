package web

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"hookwell/jobs"
	"hookwell/models"
	"hookwell/models/store"
	wording "hookwell/views/mail"
)

// sentMail is a message as the mail server got it, with the names by which its
// provider knows it.
type sentMail struct {
	to, text  string
	messageID string // the header, with its brackets
	mark      string // what was sent along for Postmark and SendGrid
	queueID   string // what the server said as it took it
}

// mailServer takes every message, and says what it queued it as.
type mailServer struct {
	mailer *jobs.Mailer
	mu     sync.Mutex
	got    []sentMail
}

// startMailServer starts a mail server on this machine.
func startMailServer(t *testing.T) *mailServer {
	t.Helper()
	m := &mailServer{}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{server: m}, nil }))
	server.Domain = "localhost"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	m.mailer, err = jobs.NewMailer(jobs.MailOptions{Server: &url.URL{Scheme: "smtp", Host: listener.Addr().String()}, From: &mail.Address{Address: "hooks@example.com"}})
	must(t, err)
	return m
}

type mailSession struct {
	server *mailServer
	to     string
}

func (s *mailSession) Reset()                                    {}
func (s *mailSession) Logout() error                             { return nil }
func (s *mailSession) Mail(string, *smtp.MailOptions) error      { return nil }
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = to; return nil }

func (s *mailSession) Data(r io.Reader) error {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(quotedprintable.NewReader(message.Body))
	if err != nil {
		return err
	}
	got := sentMail{to: s.to, text: string(text), messageID: message.Header.Get("Message-ID"), queueID: "q-" + strings.ToLower(rand.Text()[:20]) + "1"}
	var arguments struct {
		Unique map[string]string `json:"unique_args"`
	}
	if err := json.Unmarshal([]byte(message.Header.Get("X-SMTPAPI")), &arguments); err != nil {
		return err
	}
	if got.mark = arguments.Unique["hookwell-mail"]; got.mark == "" || got.mark != message.Header.Get("X-PM-Metadata-hookwell-mail") {
		return fmt.Errorf("the marks are %q and %q", got.mark, message.Header.Get("X-PM-Metadata-hookwell-mail"))
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.got = append(s.server.got, got)
	return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "Ok: queued as " + got.queueID}
}

// take sends all mail that is due, and returns what came to an address since the last
// call.
func (m *mailServer) take(t *testing.T, s *site, to string) (own []sentMail) {
	t.Helper()
	must(t, jobs.SendMail(t.Context(), s.Store, wording.NewWords(s.BaseURL), m.mailer, s.Log))
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, got := range m.got {
		if got.to == to {
			own = append(own, got)
		}
	}
	m.got = nil
	return own
}

// one is the one message that came to an address.
func (m *mailServer) one(t *testing.T, s *site, to string) sentMail {
	t.Helper()
	list := m.take(t, s, to)
	if len(list) != 1 {
		t.Fatalf("%d messages went to %s, want 1", len(list), to)
	}
	return list[0]
}

// bounceText is what each provider's body says the mail server wrote.
const bounceText = "550 5.1.1 no such mailbox here"

// mailProvider is a source of the installation, and how its provider signs and words
// what became of a message: delivered, soft, hard or complained.
type mailProvider struct {
	secret string
	report func(t *testing.T, kind string, m sentMail, at time.Time) (body string, header http.Header)
}

// mailProviders returns them by their names, each with a secret of its own.
func mailProviders(t *testing.T) map[string]mailProvider {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	must(t, err)
	const whsec, key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "key-0123456789abcdef0123456789abcdef"
	return map[string]mailProvider{
		"resend": {whsec, func(t *testing.T, kind string, m sentMail, at time.Time) (string, http.Header) {
			word := map[string]string{"delivered": "email.delivered", "soft": "email.bounced", "hard": "email.bounced", "complained": "email.complained"}[kind]
			bounce := map[string]string{"soft": `,"bounce":{"type":"Transient","message":"` + bounceText + `"}`, "hard": `,"bounce":{"type":"Permanent","subType":"General","message":"` + bounceText + `"}`}[kind]
			// Resend's own name, as it said when it took the message: it may put its own Message-ID in.
			body := fmt.Sprintf(`{"type":%q,"created_at":%q,"data":{"email_id":%q,"message_id":"<0100@email.amazonses.example>","to":[%q]%s}}`, word, at.Format(time.RFC3339), m.queueID, m.to, bounce)
			signer, err := standardwebhooks.NewWebhook(whsec)
			must(t, err)
			id := "msg_" + rand.Text()
			signature, err := signer.Sign(id, at, []byte(body))
			must(t, err)
			return body, http.Header{"Svix-Id": {id}, "Svix-Timestamp": {strconv.FormatInt(at.Unix(), 10)}, "Svix-Signature": {signature}}
		}},
		"postmark": {"hookwell:" + key, func(t *testing.T, kind string, m sentMail, at time.Time) (string, http.Header) {
			rest := map[string]string{
				"delivered": `"RecordType":"Delivery","DeliveredAt":%q`, "soft": `"RecordType":"Bounce","Type":"SoftBounce","ID":1,"Details":"` + bounceText + `","BouncedAt":%q`,
				"hard": `"RecordType":"Bounce","Type":"HardBounce","ID":2,"Details":"` + bounceText + `","BouncedAt":%q`, "complained": `"RecordType":"SpamComplaint","Type":"SpamComplaint","ID":3,"BouncedAt":%q`}[kind]
			body := fmt.Sprintf(`{`+rest+`,"MessageID":"`+rand.Text()+`","Recipient":%q,"Email":%q,"Metadata":{"Hookwell-Mail":%q}}`, at.Format(time.RFC3339), m.to, m.to, m.mark)
			return body, http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("hookwell:"+key))}}
		}},
		"sendgrid": {base64.StdEncoding.EncodeToString(public), func(t *testing.T, kind string, m sentMail, at time.Time) (string, http.Header) {
			rest := map[string]string{"delivered": `"event":"delivered"`, "soft": `"event":"bounce","type":"bounce","bounce_classification":"Mailbox Unavailable","status":"4.2.2","reason":"` + bounceText + `"`,
				"hard": `"event":"bounce","type":"bounce","bounce_classification":"Invalid Address","status":"5.1.1","reason":"` + bounceText + `"`, "complained": `"event":"spamreport"`}[kind]
			// A late bounce has neither of SendGrid's ids. The first item is somebody else's.
			body := fmt.Sprintf(`[{"email":"other@example.com","event":"delivered","timestamp":%[1]d,"sg_event_id":%[2]q},{%[3]s,"email":%[4]q,"timestamp":%[1]d,"sg_event_id":%[5]q,"hookwell-mail":%[6]q}]`,
				at.Unix(), rand.Text(), rest, m.to, rand.Text(), m.mark)
			digest := sha256.Sum256([]byte(strconv.FormatInt(at.Unix(), 10) + body))
			signature, err := ecdsa.SignASN1(rand.Reader, private, digest[:])
			must(t, err)
			return body, http.Header{"X-Twilio-Email-Event-Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)}, "X-Twilio-Email-Event-Webhook-Signature": {base64.StdEncoding.EncodeToString(signature)}}
		}},
		"mailgun": {key, func(_ *testing.T, kind string, m sentMail, at time.Time) (string, http.Header) {
			rest := map[string]string{"delivered": `"event":"delivered"`, "soft": `"event":"failed","severity":"temporary","reason":"generic","delivery-status":{"message":"` + bounceText + `"}`,
				"hard": `"event":"failed","severity":"permanent","reason":"bounce","delivery-status":{"message":"` + bounceText + `"}`, "complained": `"event":"complained"`}[kind]
			stamp, token := strconv.FormatInt(at.Unix(), 10), rand.Text()+rand.Text()
			mac := hmac.New(sha256.New, []byte(key))
			io.WriteString(mac, stamp+token)
			body := fmt.Sprintf(`{"signature":{"timestamp":%q,"token":%q,"signature":%q},"event-data":{%s,"id":%q,"timestamp":%s.5,"recipient":%q,"message":{"headers":{"message-id":%q}}}}`,
				stamp, token, hex.EncodeToString(mac.Sum(nil)), rest, rand.Text(), stamp, m.to, strings.Trim(m.messageID, "<>"))
			return body, http.Header{}
		}},
	}
}

// feedback is a source of the installation with its provider.
type feedback struct {
	*site
	mailProvider
	source *models.Source
}

func (s *site) feedback(t *testing.T, name string, provider mailProvider) *feedback {
	t.Helper()
	in := models.NewSourceInput()
	in.Name, in.Provider, in.Secrets = name, name, []string{provider.secret}
	source, err := s.Store.Operator().Receiving().CreateSource(t.Context(), in)
	must(t, err)
	return &feedback{s, provider, source}
}

// reports sends what became of a message over HTTP, and has it processed.
func (f *feedback) reports(t *testing.T, kind string, m sentMail) {
	t.Helper()
	body, header := f.mailProvider.report(t, kind, m, f.Store.Now().Truncate(time.Second))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.url+f.source.Path, bytes.NewReader([]byte(body)))
	must(t, err)
	request.Header = header
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("the source returned %s to %s, want 200", response.Status, body)
	}
	for n := 1; n > 0; {
		n, err = f.Store.Engine().ProcessRequests(t.Context())
		must(t, err)
	}
}

// stopped returns the addresses to which mail is stopped, with why.
func (s *site) stopped(t *testing.T) string {
	t.Helper()
	list, err := s.Store.Operator().Suppressions(t.Context())
	must(t, err)
	var words []string
	for _, each := range list {
		words = append(words, each.Address+" "+string(each.Kind))
	}
	return strings.Join(words, ", ")
}

// TestMailFeedback sends invitations, has each provider say what became of them, and
// looks at what the team's page says and whether another one may go.
func TestMailFeedback(t *testing.T) {
	for name, provider := range mailProviders(t) {
		t.Run(name, func(t *testing.T) {
			eachSiteOf(t, store.Options{Mail: true}, func(t *testing.T, s *site) {
				b, org := s.member(t, "Acme", models.RoleOwner)
				server, f := startMailServer(t), s.feedback(t, name, provider)
				const to = "priya@example.com"
				team := "/o/" + org.Slug + "/team"
				says := func(want string) {
					t.Helper()
					if got := b.get(t, team).text(".c-lead .sub .state"); got != want {
						t.Errorf("the invitation is shown as %q, want %q", got, want)
					}
				}
				wantLocation(t, b.post(t, "/o/"+org.Slug+"/invitations", url.Values{"email": {to}, "role": {"member"}, "by": {"mail"}}), team)
				first := server.one(t, s, to)
				again := "/o/" + org.Slug + "/invitations/" + s.text(t, "SELECT id FROM invitations") + "/resend"

				forged, elsewhere := first, first
				forged.mark = "mail_" + strings.Repeat("0", len(first.mark)-len("mail_"))
				forged.messageID, forged.queueID = "<"+forged.mark+"@example.com>", "q-forged-1234"
				elsewhere.to = b.email
				f.reports(t, "hard", forged)
				f.reports(t, "complained", elsewhere)
				says("")
				f.reports(t, "soft", first)
				says("Not taken for now")
				f.reports(t, "delivered", first)
				says("Delivered")
				f.reports(t, "soft", first)
				says("Delivered")
				if got := s.stopped(t); got != "" {
					t.Fatalf("mail to %s is stopped by what doesn't count", got)
				}
				f.reports(t, "hard", first)
				says("Bounced")
				if page := b.get(t, team); !strings.Contains(page.text(".c-lead .sub"), bounceText) {
					t.Errorf("the page doesn't say why: %q", page.text(".c-lead .sub"))
				}
				if got := s.stopped(t); got != to+" bounced" {
					t.Fatalf("mail is stopped to %q, want %s", got, to)
				}
				refused := b.post(t, again, url.Values{"by": {"mail"}})
				wantStatus(t, refused, http.StatusUnprocessableEntity)
				if list := server.take(t, s, to); len(list) != 0 || !strings.Contains(refused.text("main"), "Mail to this address is stopped") {
					t.Errorf("%d invitations went to an address that bounced; the page says %q", len(list), refused.text("main"))
				}
				wantStatus(t, b.post(t, again, url.Values{"by": {"link"}}), http.StatusCreated)

				s.clock.Advance(time.Minute)
				must(t, s.Store.Operator().LiftSuppression(t.Context(), strings.ToUpper(to)))
				s.clock.Advance(time.Minute)
				f.reports(t, "complained", first)
				if got := s.stopped(t); got != "" {
					t.Errorf("a message from before mail was allowed again stopped it: %s", got)
				}
				wantLocation(t, b.post(t, again, url.Values{"by": {"mail"}}), team)
				second := server.one(t, s, to)
				f.reports(t, "complained", second)
				says("Marked as spam")
				if got := s.stopped(t); got != to+" complained" {
					t.Errorf("mail is stopped to %q, want %s", got, to)
				}
				requests, _, err := s.Store.Operator().Receiving().Requests(t.Context(), models.RequestFilter{SourceID: f.source.ID}, models.Page{})
				must(t, err)
				if last := requests[0]; last.Processing != models.ProcessingProcessed || last.Reason != models.ReasonMail {
					t.Errorf("the last report is %s, %s; want it processed as one on mail", last.Processing, last.Reason)
				}
			})
		})
	}
}

// TestMailFeedback_of_an_organization has an organization's own source say that a
// message came back, which is nothing that it may say.
func TestMailFeedback_of_an_organization(t *testing.T) {
	eachSiteOf(t, store.Options{Mail: true}, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleOwner)
		server, provider := startMailServer(t), mailProviders(t)["resend"]
		wantLocation(t, b.post(t, "/o/"+org.Slug+"/invitations", url.Values{"email": {"priya@example.com"}, "role": {"member"}, "by": {"mail"}}), "/o/"+org.Slug+"/team")
		in := models.NewSourceInput()
		in.Name, in.Provider, in.Secrets = "Resend", "resend", []string{provider.secret}
		source, err := s.tenantOf(t, org).Receiving().CreateSource(t.Context(), in)
		must(t, err)
		f := &feedback{s, provider, source}
		f.reports(t, "hard", server.one(t, s, "priya@example.com"))
		if got := s.stopped(t) + s.text(t, "SELECT feedback FROM mail_messages"); got != "" {
			t.Errorf("an organization's source stopped mail: %q", got)
		}
	})
}

// TestSuppressedAccount has a person's address bounce: what still reaches them, what
// their page says, and how they lift it.
func TestSuppressedAccount(t *testing.T) {
	eachSiteOf(t, store.Options{Mail: true}, func(t *testing.T, s *site) {
		b, _ := s.member(t, "Acme", models.RoleOwner)
		server, f := startMailServer(t), s.feedback(t, "postmark", mailProviders(t)["postmark"])
		reset := func() []sentMail {
			t.Helper()
			s.clock.Advance(61 * time.Minute) // past the budget of an hour
			wantStatus(t, s.browser(t).post(t, "/forgot", url.Values{"email": {b.email}}), http.StatusOK)
			return server.take(t, s, b.email)
		}
		if banner := b.get(t, "/account").text(".banner"); banner != "" {
			t.Fatalf("before any report the page says %q", banner)
		}
		sent := reset()
		if len(sent) != 1 {
			t.Fatalf("%d links to set a new password went, want 1", len(sent))
		}
		f.reports(t, "hard", sent[0])
		for i := range 3 {
			if n := len(reset()); n != 1 {
				t.Errorf("link %d of the day to a stopped address went %d times, want once", i+1, n)
			}
		}
		if n := len(reset()); n != 0 {
			t.Errorf("a fourth link of the day went to a stopped address")
		}
		b.signIn(t)
		page := b.get(t, "/account")
		if got := page.text("main"); !strings.Contains(got, "A message to you came back") || !strings.Contains(got, bounceText) {
			t.Errorf("the person's page says %q, want why mail is stopped", got)
		}
		form := url.Values{"email": {b.email}}
		asked := b.post(t, "/account/email", form)
		wantStatus(t, asked, http.StatusUnprocessableEntity) // who they are, first
		form = asked.fieldsOf("main form")
		form.Set("confirm-password", password)
		wantLocation(t, b.post(t, "/account/email", form), "/account")
		confirm := server.one(t, s, b.email)
		_, token, found := strings.Cut(confirm.text, "/email/")
		token = strings.Fields(token + " ")[0]
		if !found || s.stopped(t) == "" {
			t.Fatalf("no link went to confirm the address, or mail goes again before it is opened: %s", confirm.text)
		}
		wantLocation(t, b.post(t, "/email/"+token, nil), "/account")
		if got := s.stopped(t); got != "" || b.get(t, "/account").text(".banner") != "" {
			t.Errorf("mail to %s is still stopped after it was confirmed", got)
		}
		if actions := s.audited(t, "mail.%"); strings.Join(actions, " ") != "mail.suppressed mail.suppression_lifted" {
			t.Errorf("the audit log has %v", actions)
		}
		if n := len(reset()); n != 1 {
			t.Errorf("%d links went after the address was confirmed, want 1", n)
		}
	})
}
