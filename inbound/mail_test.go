package inbound

import (
	"strings"
	"testing"
)

// TestMailReport reads what the providers say of mail: only hard bounces and
// complaints count, and nothing but delivery is read.
func TestMailReport(t *testing.T) {
	resend := func(kind, more string) string {
		return `{"type":"` + kind + `","created_at":"2026-08-14T09:30:00Z","data":{"email_id":"re_1","to":["Priya@Acme.example"]` + more + `}}`
	}
	postmark := func(more string) string {
		return `{"MessageID":"pm_1","Recipient":"priya@acme.example","Email":"priya@acme.example",` + more + `}`
	}
	sendgrid := func(more string) string {
		return `[{"email":"priya@acme.example","timestamp":1786700000,"smtp-id":"<sg_1@acme.example>","sg_message_id":"sg_2.filter1",` + more + `}]`
	}
	mailgun := func(more string) string {
		return `{"event-data":{"recipient":"priya@acme.example","timestamp":1786700000.5,"message":{"headers":{"message-id":"mg_1@acme.example"}},` + more + `}}`
	}
	for name, test := range map[string]struct {
		provider, body string
		kind           MailKind
		hard           bool
		id             string
	}{
		"resend_delivered":         {"resend", resend("email.delivered", ""), MailDelivered, false, "re_1"},
		"resend_permanent":         {"resend", resend("email.bounced", `,"bounce":{"type":"Permanent","message":"no such user"}`), MailBounced, true, "re_1"},
		"resend_transient":         {"resend", resend("email.bounced", `,"bounce":{"type":"Transient","message":"mailbox full"}`), MailBounced, false, "re_1"},
		"resend_bounce_of_no_type": {"resend", resend("email.bounced", ""), MailBounced, false, "re_1"},
		"resend_on_its_list":       {"resend", resend("email.bounced", `,"bounce":{"type":"Permanent","subType":"Suppressed"}`), MailBounced, false, "re_1"},
		"postmark_marked":          {"postmark", postmark(`"RecordType":"Delivery","Metadata":{"x":"1","HOOKWELL-mail":"mail_1"}`), MailDelivered, false, "mail_1"},
		"sendgrid_marked":          {"sendgrid", sendgrid(`"event":"delivered","hookwell-mail":"mail_1"`), MailDelivered, false, "mail_1"},
		"resend_complained":        {"resend", resend("email.complained", ""), MailComplained, false, "re_1"},
		"resend_opened":            {"resend", resend("email.opened", ""), "", false, ""},
		"resend_to_two":            {"resend", strings.Replace(resend("email.bounced", ""), `["`, `["other@acme.example","`, 1), "", false, ""},
		"postmark_delivery":        {"postmark", postmark(`"RecordType":"Delivery"`), MailDelivered, false, "pm_1"},
		"postmark_hard":            {"postmark", postmark(`"RecordType":"Bounce","Type":"HardBounce","Details":"550"`), MailBounced, true, "pm_1"},
		"postmark_soft":            {"postmark", postmark(`"RecordType":"Bounce","Type":"SoftBounce"`), MailBounced, false, "pm_1"},
		"postmark_transient":       {"postmark", postmark(`"RecordType":"Bounce","Type":"Transient"`), MailBounced, false, "pm_1"},
		"postmark_complaint":       {"postmark", postmark(`"RecordType":"SpamComplaint","Type":"SpamComplaint"`), MailComplained, false, "pm_1"},
		"postmark_open":            {"postmark", postmark(`"RecordType":"Open"`), "", false, ""},
		"sendgrid_delivered":       {"sendgrid", sendgrid(`"event":"delivered"`), MailDelivered, false, "sg_1@acme.example"},
		"sendgrid_bounce":          {"sendgrid", sendgrid(`"event":"bounce","type":"bounce","bounce_classification":"Invalid Address","status":"5.1.1"`), MailBounced, true, "sg_1@acme.example"},
		"sendgrid_full":            {"sendgrid", sendgrid(`"event":"bounce","type":"bounce","bounce_classification":"Mailbox Unavailable","status":"5.2.2"`), MailBounced, false, "sg_1@acme.example"},
		"sendgrid_old_bounce":      {"sendgrid", sendgrid(`"event":"bounce","status":"5.1.1"`), MailBounced, true, "sg_1@acme.example"},
		"sendgrid_block":           {"sendgrid", sendgrid(`"event":"bounce","type":"blocked","status":"5.1.1"`), MailBounced, false, "sg_1@acme.example"},
		"sendgrid_complaint":       {"sendgrid", sendgrid(`"event":"spamreport"`), MailComplained, false, "sg_1@acme.example"},
		"sendgrid_dropped":         {"sendgrid", sendgrid(`"event":"dropped","reason":"Bounced Address"`), "", false, ""},
		"mailgun_delivered":        {"mailgun", mailgun(`"event":"delivered"`), MailDelivered, false, "mg_1@acme.example"},
		"mailgun_permanent":        {"mailgun", mailgun(`"event":"failed","severity":"permanent","reason":"bounce","delivery-status":{"message":"550"}`), MailBounced, true, "mg_1@acme.example"},
		"mailgun_temporary":        {"mailgun", mailgun(`"event":"failed","severity":"temporary","reason":"generic"`), MailBounced, false, "mg_1@acme.example"},
		"mailgun_suppressed":       {"mailgun", mailgun(`"event":"failed","severity":"permanent","reason":"suppress-bounce"`), MailBounced, false, "mg_1@acme.example"},
		"mailgun_complained":       {"mailgun", mailgun(`"event":"complained"`), MailComplained, false, "mg_1@acme.example"},
		"mailgun_clicked":          {"mailgun", mailgun(`"event":"clicked"`), "", false, ""},
		"of_another_shape":         {"mailgun", `{"event-data":[]}`, "", false, ""},
		"of_another_provider":      {"stripe", resend("email.bounced", ""), "", false, ""},
		"without_an_id":            {"postmark", `{"RecordType":"Delivery","Recipient":"priya@acme.example"}`, "", false, ""},
		"without_an_address":       {"postmark", `{"RecordType":"Delivery","MessageID":"pm_1"}`, "", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			verifier, _ := source(t, test.provider)
			items, err := verifier.Items(&Request{Body: []byte(test.body), ReceivedAt: testTime})
			if err != nil || len(items) != 1 {
				t.Fatalf("Items() returned %d items, %v", len(items), err)
			}
			got, ok := verifier.MailReport(items[0])
			if ok != (test.kind != "") {
				t.Fatalf("MailReport() = %+v, %t; want %q", got, ok, test.kind)
			}
			if !ok {
				return
			}
			if got.Kind != test.kind || got.Hard != test.hard || got.Address != "priya@acme.example" || got.MessageIDs[0] != test.id {
				t.Errorf("MailReport() = %+v; want %q, hard %t, of %q", got, test.kind, test.hard, test.id)
			}
		})
	}
}

// TestMailReport_keeps_little_of_a_strangers_text cuts what a receiving server
// wrote, and takes its control characters out.
func TestMailReport_keeps_little_of_a_strangers_text(t *testing.T) {
	verifier, _ := source(t, "postmark")
	got, ok := verifier.MailReport(Item{Body: []byte(`{"RecordType":"Bounce","Type":"HardBounce","MessageID":"1","Email":"a@b.example","Details":"550\r\nX: y\u0000` + strings.Repeat("z", 5000) + `"}`)})
	if !ok || len(got.Reason) > maxMailReason || strings.ContainsAny(got.Reason, "\r\n\x00") {
		t.Errorf("MailReport().Reason has %d bytes, %q", len(got.Reason), got.Reason[:20])
	}
}
