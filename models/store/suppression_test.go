package store_test

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/models/store"
)

// mailSource is the installation's source of Postmark.
func (f *fixture) mailSource(t *testing.T) *models.Source {
	t.Helper()
	return source(t, f.Operator().Receiving(), func(in *models.SourceInput) {
		in.Name, in.Provider, in.Secrets = "Postmark", "postmark", []string{"hookwell:a password of tests"}
	})
}

// reported has Postmark report what became of messages, and returns the request.
func (f *fixture) reported(t *testing.T, s *models.Source, kind string, m *models.Letter) string {
	t.Helper()
	at := f.Now().Format(time.RFC3339Nano)
	body := fmt.Sprintf(`{"RecordType":%q,"Type":"HardBounce","MessageID":%q,"Email":%q,"Recipient":%q,"Details":"550 gone","BouncedAt":%q,"DeliveredAt":%q,"Metadata":{"hookwell-mail":%q}}`,
		kind, m.ID+at, m.To, m.To, at, at, m.ID)
	h := f.handle(t, s, &inbound.Request{Method: "POST", URL: "https://hooks.example.com" + s.Path, Body: []byte(body), ReceivedAt: f.Now(), RemoteAddress: netip.MustParseAddr("203.0.113.7"),
		Headers: []inbound.Header{{Name: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte("hookwell:a password of tests"))}}})
	f.process(t)
	return h.RequestID
}

// suppressed has an address bounce by a message about its account.
func (f *fixture) suppressed(t *testing.T, s *models.Source, address string) *models.Letter {
	t.Helper()
	must(t, f.Post(t.Context(), models.Mail{To: address, Kind: models.MailSignUpKnown}, nil))
	list := f.letters(t)[address]
	if len(list) != 1 {
		t.Fatalf("%d messages go to %s, want 1", len(list), address)
	}
	f.reported(t, s, "Bounce", &list[0])
	if got := f.suppressions(t); !slices.Contains(got, address) {
		t.Fatalf("Suppressions() = %v, want %s among them", got, address)
	}
	return &list[0]
}

func (f *fixture) suppressions(t *testing.T) (addresses []string) {
	t.Helper()
	list, err := f.Operator().Suppressions(t.Context())
	must(t, err)
	for _, s := range list {
		addresses = append(addresses, s.Address)
	}
	return addresses
}

// alert queues an alert of an organization.
func alert(t *testing.T, f *fixture, tenant *store.Tenant, to string) {
	t.Helper()
	m := models.Mail{OrganizationID: tenant.Organization().ID, To: to, Kind: models.MailEndpointFailing, Values: models.MailValues{Organization: "Acme"}}
	must(t, f.Post(t.Context(), m, nil))
}

// TestSuppressionStopsAlerts holds for alerts that are queued later, and for those
// that waited already; other mail, and other people, are left alone.
func TestSuppressionStopsAlerts(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		s := f.mailSource(t)
		ada, bob := f.person(t, "ada@example.com"), f.person(t, "bob@example.com")
		must(t, f.Post(t.Context(), models.Mail{To: ada.Email, Kind: models.MailSignUpKnown}, nil))
		told := f.letters(t)[ada.Email]
		alert(t, f, f.tenant, ada.Email) // which waits as the report comes
		f.reported(t, s, "Bounce", &told[0])
		alert(t, f, f.tenant, ada.Email)
		alert(t, f, f.tenant, bob.Email)
		must(t, f.Post(t.Context(), models.Mail{To: ada.Email, Kind: models.MailTwoFactorOff}, nil))
		list := f.letters(t)
		if len(list[ada.Email]) != 1 || list[ada.Email][0].Kind != models.MailTwoFactorOff || len(list[bob.Email]) != 1 {
			t.Errorf("%+v went, want what is about the account, and Bob's alert", list)
		}
		var left int64
		must(t, f.DB().Model(&models.MailMessage{}).Where("recipient = ? AND failure = ? AND coalesce(length(sealed), 0) = 0", ada.Email, models.ErrSuppressed.Error()).Count(&left).Error)
		if left != 2 {
			t.Errorf("%d alerts are noted as left out, want 2", left)
		}
		must(t, f.Operator().LiftSuppression(t.Context(), ada.Email))
		alert(t, f, f.tenant, ada.Email)
		if list := f.letters(t)[ada.Email]; len(list) != 1 {
			t.Errorf("%d alerts went after the suppression was lifted, want 1", len(list))
		}
	})
}

// TestSuppressionLeavesThreeADay has strangers use up what they may have sent, which
// leaves what the account itself causes.
func TestSuppressionLeavesThreeADay(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		user := f.account(t, "ada@example.com")
		f.suppressed(t, f.mailSource(t), user.Email)
		ask := func() int {
			t.Helper()
			f.clock.Advance(61 * time.Minute)
			must(t, f.AskReset(t.Context(), user.Email, models.Actor{RemoteAddress: "192.0.2.1"}))
			return len(f.letters(t)[user.Email])
		}
		if got := []int{ask(), ask(), ask(), ask(), ask()}; !slices.Equal(got, []int{1, 1, 1, 0, 0}) {
			t.Errorf("five links to set a new password were sent %v times, want three of them", got)
		}
		post := func() error {
			return f.Transaction(t.Context(), func(tx *database.Tx) error {
				return f.Engine().Post(tx, pipeline.MailAccount, models.Actor{}, models.Mail{To: user.Email, Kind: models.MailPasswordChanged})
			})
		}
		for i := range 3 {
			if err := post(); err != nil {
				t.Errorf("message %d about the account: %v", i+1, err)
			}
		}
		if err := post(); !models.IsKind(err, models.TooMany) {
			t.Errorf("a fourth message about the account: %v, want TooMany, so that no change goes unreported", err)
		}
		if n := len(f.letters(t)[user.Email]); n != 3 {
			t.Errorf("%d messages about the account went, want 3", n)
		}
		f.clock.Advance(24 * time.Hour)
		if ask() != 1 || post() != nil {
			t.Error("nothing goes on the next day")
		}
		person := f.As(user, models.Actor{})
		if s, err := person.Suppression(t.Context()); err != nil || s == nil || s.Reason != "550 gone" || s.Kind != models.MailBounced {
			t.Errorf("Suppression() = %+v, %v", s, err)
		}
		must(t, f.Operator().LiftSuppression(t.Context(), user.Email))
		if s, err := person.Suppression(t.Context()); err != nil || s != nil {
			t.Errorf("Suppression() of a lifted one = %+v, %v; want none", s, err)
		}
	})
}

// TestMailNews_are_an_organizations_own has one person in two organizations: each sees
// what became of its own messages alone.
func TestMailNews_are_an_organizations_own(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		s, user := f.mailSource(t), f.account(t, "ada@example.com")
		one, other := f.organizationOf(t, user, "One"), f.organizationOf(t, user, "Other")
		news := func(tenant *store.Tenant) *models.MailNews {
			t.Helper()
			own, err := tenant.Own(t.Context())
			must(t, err)
			n, err := tenant.MemberNews(t.Context(), own.ID)
			must(t, err)
			return n
		}
		invited := func(tenant *store.Tenant) *models.MailNews {
			t.Helper()
			list, err := tenant.Invitations(t.Context())
			must(t, err)
			if len(list) != 1 {
				t.Fatalf("Invitations() returned %d rows, want 1", len(list))
			}
			return list[0].News
		}
		alert(t, f, one, user.Email)
		for _, tenant := range []*store.Tenant{one, other} {
			_, err := invite(tenant, t, "priya@example.com")
			must(t, err)
		}
		letters := f.letters(t)
		f.suppressed(t, s, user.Email) // by a message about the account, which is nobody's affair
		f.reported(t, s, "Delivery", &letters[user.Email][0])
		ofOne := slices.IndexFunc(letters["priya@example.com"], func(l models.Letter) bool { return l.OrganizationID == one.Organization().ID })
		f.reported(t, s, "Bounce", &letters["priya@example.com"][ofOne])
		if n := news(one); n == nil || n.Feedback != models.MailDelivered {
			t.Errorf("the first organization sees %+v, want its own alert delivered", n)
		}
		if n := invited(one); n == nil || n.Feedback != models.MailBounced || n.Reason != "550 gone" {
			t.Errorf("the first organization sees %+v, want its invitation bounced", n)
		}
		for _, tenant := range []*store.Tenant{one, other} { // an invitation by mail would be refused in both
			if list, err := tenant.Invitations(t.Context()); err != nil || !list[0].MailStopped {
				t.Errorf("Invitations() doesn't say that mail to the address is stopped, %v", err)
			}
		}
		if n, i := news(other), invited(other); n != nil || i != nil {
			t.Errorf("the other organization sees %+v and %+v of the first one's messages", n, i)
		}
		alert(t, f, other, user.Email)
		if n := news(other); n == nil || !n.Stopped || n.Feedback != models.MailUnreported || n.Reason != "" {
			t.Errorf("the other organization sees %+v, want that its own alert wasn't sent, and no more", n)
		}
		if entries, _, err := other.Audit(t.Context(), models.AuditFilter{}, models.Page{}); err != nil || slices.ContainsFunc(entries, func(e models.AuditEntry) bool { return strings.HasPrefix(e.Action, "mail.") }) {
			t.Errorf("the other organization's audit log tells of it: %v, %v", entries, err)
		}
	})
}

// TestSuppressionIsntRepeated replays a report, and has one come late, after the
// suppression was lifted; later messages count again, and what is over is deleted.
func TestSuppressionIsntRepeated(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		s := f.mailSource(t)
		const address = "ada@example.com"
		first := f.suppressed(t, s, address)
		requests, _, err := f.Operator().Receiving().Requests(t.Context(), models.RequestFilter{}, models.Page{})
		must(t, err)
		f.clock.Advance(time.Minute)
		must(t, f.Operator().LiftSuppression(t.Context(), address))
		if err := f.Operator().LiftSuppression(t.Context(), address); !models.IsKind(err, models.NotFound) {
			t.Errorf("LiftSuppression() once more = %v, want NotFound", err)
		}
		f.clock.Advance(time.Minute)
		_, err = f.Operator().Receiving().ReplayRequest(t.Context(), requests[0].ID, true)
		must(t, err)
		f.process(t)
		f.reported(t, s, "SpamComplaint", first)
		if got := f.suppressions(t); len(got) != 0 {
			t.Errorf("what was reported before stopped mail to %v again", got)
		}
		f.clock.Advance(time.Minute)
		f.suppressed(t, s, address)
		must(t, f.Operator().LiftSuppression(t.Context(), address))
		f.clock.Advance(31 * 24 * time.Hour)
		must(t, f.PruneMail(t.Context()))
		if rows := append(dumpTable(t, f.Store, "mail_suppressions"), dumpTable(t, f.Store, "mail_messages")...); len(rows) != 0 {
			t.Errorf("%q are kept for ever", rows)
		}
		f.reported(t, s, "Bounce", first)
		if got := f.suppressions(t); len(got) != 0 {
			t.Errorf("a report of a message that nobody remembers stopped mail to %v", got)
		}
	})
}

// TestReportsBeforeSending counts reports of messages that a worker took, though it
// hasn't noted yet that they were sent, and none of messages that nobody took.
func TestReportsBeforeSending(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		s := f.mailSource(t)
		must(t, f.Post(t.Context(), models.Mail{To: "ada@example.com", Kind: models.MailTest}, nil))
		var id string
		must(t, f.DB().Raw("SELECT id FROM mail_messages").Scan(&id).Error)
		f.reported(t, s, "Bounce", &models.Letter{ID: id, Mail: models.Mail{To: "ada@example.com"}})
		if got := f.suppressions(t); len(got) != 0 {
			t.Errorf("a message that wasn't sent yet stopped mail to %v", got)
		}
		letter := claimMail(t, f.Store)
		f.reported(t, s, "SpamComplaint", letter)
		if got := f.suppressions(t); len(got) != 1 {
			t.Errorf("Suppressions() = %v while the worker notes that it sent the message, want one", got)
		}
		must(t, f.MailSent(t.Context(), letter))
		if rows := dumpTable(t, f.Store, "mail_messages"); len(rows) != 1 || !strings.Contains(rows[0], "feedback=complained") {
			t.Errorf("noting that it was sent lost what was reported: %q", rows)
		}
	})
}
