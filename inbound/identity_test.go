package inbound

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hookwell/webhook"
)

func TestRelayType(t *testing.T) {
	for kind, want := range map[string]string{
		"invoice.paid": "src.invoice.paid", "Issue.create": "src.issue.create", "orders/create": "src.orders_create", "Push Hook": "src.push_hook",
		"INITIAL_PURCHASE": "src.initial_purchase", "": "src.received", "...": "src.received", "__": "src.received", "a..b": "src.a.b", "a. .b": "src.a.b", ".a.": "src.a", "größe": "src.gr_e",
		"/a/": "src.a", "a\r\nb": "src.a_b", "*": "src.received", strings.Repeat("x", 500): "src." + strings.Repeat("x", 124), strings.Repeat("x", 123) + ".y": "src." + strings.Repeat("x", 123),
	} {
		got := Identity{Type: kind}.RelayType("src")
		if got != want || !catalogType.MatchString(got) || len(got) > maxRelayType {
			t.Errorf("RelayType() of %q = %q; want %q", kind, got, want)
		}
	}
	if got := (Identity{Batch: true}).RelayType("sendgrid"); got != "sendgrid.batch" {
		t.Errorf("RelayType() of a batch = %q", got)
	}
}

// TestIdentify reads id, type, time and test mode where each provider has them.
func TestIdentify(t *testing.T) {
	at := time.Date(2026, 8, 14, 9, 30, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		provider string
		headers  []Header
		body     string
		want     Identity
	}{
		"stripe":           {"stripe", nil, `{"id":"evt_1","type":"invoice.paid","created":1786699800,"livemode":false}`, Identity{ID: "evt_1", IDSigned: true, Type: "invoice.paid", Time: at, Test: true}},
		"stripe_thin":      {"stripe", nil, `{"id":"evt_1","type":"v1.billing.meter.error","created":"2026-08-14T09:30:00Z"}`, Identity{ID: "evt_1", IDSigned: true, Type: "v1.billing.meter.error", Time: at}},
		"standard":         {"standard_webhooks", []Header{{"webhook-id", "msg_1"}}, `{"type":"a","timestamp":"2026-08-14T09:30:00Z"}`, Identity{ID: "msg_1", IDSigned: true, Type: "a", Time: at}},
		"svix_names":       {"standard_webhooks", []Header{{"webhook-id", "forged"}, {"svix-id", "msg_1"}, {"svix-signature", "v1,x"}}, `{"type":"a"}`, Identity{ID: "msg_1", IDSigned: true, Type: "a"}},
		"github":           {"github", []Header{{"X-GitHub-Event", "issues"}, {"x-github-delivery", "d1"}}, `{"action":"opened"}`, Identity{ID: "d1", Type: "issues.opened"}},
		"github_push":      {"github", []Header{{"X-GitHub-Event", "push"}}, `{}`, Identity{Type: "push"}},
		"linear":           {"linear", []Header{{"Linear-Delivery", "d1"}}, `{"type":"Issue","action":"create"}`, Identity{ID: "d1", Type: "Issue.create"}},
		"postmark":         {"postmark", nil, `{"MessageID":"m","RecordType":"Bounce","ID":7,"BouncedAt":"2026-08-14T09:30:00Z"}`, Identity{ID: "m:Bounce:7", Type: "Bounce", Time: at}},
		"sendgrid":         {"sendgrid", nil, `[{"event":"bounce","sg_event_id":"e1"}]`, Identity{Batch: true}},
		"adyen_of_one":     {"adyen", nil, `{"live":"false","notificationItems":[{"NotificationRequestItem":{"pspReference":"p","eventCode":"REFUND","success":"true"}}]}`, Identity{ID: "p:REFUND:true", Type: "REFUND", Test: true}},
		"adyen_of_two":     {"adyen", nil, `{"live":"true","notificationItems":[{"NotificationRequestItem":{"pspReference":"p","eventCode":"REFUND"}},{"NotificationRequestItem":{}}]}`, Identity{Batch: true}},
		"meta":             {"meta", nil, `{"object":"page","entry":[{"time":1786699800,"changes":[{"field":"messages"}]}]}`, Identity{Type: "messages", Time: at}},
		"meta_of_two":      {"meta", nil, `{"object":"page","entry":[{"changes":[{"field":"a"}]},{"changes":[{"field":"b"}]}]}`, Identity{Batch: true}},
		"mailgun":          {"mailgun", nil, `{"event-data":{"id":"e","event":"failed","severity":"permanent","timestamp":1786699800.25}}`, Identity{ID: "e", Type: "failed.permanent", Time: at.Add(250 * time.Millisecond)}},
		"numbers_as_text":  {"stripe", nil, `{"id":7,"type":true}`, Identity{ID: "7", IDSigned: true, Type: "true"}},
		"objects_as_none":  {"stripe", nil, `{"id":{"a":1},"type":["x"]}`, Identity{}},
		"control_chars":    {"stripe", nil, `{"id":"a\r\nb\u0000"}`, Identity{ID: "a__b_", IDSigned: true}},
		"time_of_garbage":  {"stripe", nil, `{"created":99999999999999999999}`, Identity{}},
		"time_of_year_1e5": {"stripe", nil, `{"created":9999999999999}`, Identity{}},
	} {
		t.Run(name, func(t *testing.T) {
			verifier, _ := source(t, test.provider)
			got := verifier.Identify(&Request{Headers: test.headers, Body: []byte(test.body)}, Refused)
			got.Keys = nil
			if got.ID == "" {
				got.IDSigned = false
			}
			if !got.Time.Equal(test.want.Time) {
				t.Errorf("Identify().Time = %s; want %s", got.Time, test.want.Time)
			}
			got.Time = test.want.Time
			if got.ID != test.want.ID || got.IDSigned != test.want.IDSigned || got.Type != test.want.Type || got.Batch != test.want.Batch || got.Test != test.want.Test {
				t.Errorf("Identify() = %+v; want %+v", got, test.want)
			}
		})
	}
	verifier, _ := source(t, "stripe")
	a := verifier.Identify(&Request{Body: []byte(`{"id":"` + strings.Repeat("x", 9999) + `1"}`)}, Verified)
	b := verifier.Identify(&Request{Body: []byte(`{"id":"` + strings.Repeat("x", 9999) + `2"}`)}, Verified)
	if len(a.ID) > MaxExternalID || sharesKey(a, b) {
		t.Errorf("two long ids of %d bytes share a key: %t", len(a.ID), sharesKey(a, b))
	}
}

// TestItems splits batches, each item with its own id, type and time.
func TestItems(t *testing.T) {
	verifier, _ := source(t, "sendgrid")
	items, err := verifier.Items(&Request{Body: []byte(`[{"event":"delivered","sg_event_id":"a","timestamp":1786699800},{"event":"bounce","sg_event_id":"b"}]` + "\r\n")})
	if err != nil || len(items) != 2 || items[0].ID != "a" || items[1].Type != "bounce" || items[0].Time.IsZero() {
		t.Errorf("Items() = %+v, %v", items, err)
	}
	for name, body := range map[string]string{"an_object": `{"a":1}`, "text": `hello`, "cut": `[{"a":1}`, "too_many": "[" + strings.TrimSuffix(strings.Repeat("{},", MaxItems+1), ",") + "]"} {
		if items, err := verifier.Items(&Request{Body: []byte(body)}); err == nil {
			t.Errorf("%s: Items() returned %d items; want an error", name, len(items))
		}
	}
	if items, err := verifier.Items(&Request{Body: []byte("[" + strings.TrimSuffix(strings.Repeat("{},", MaxItems), ",") + "]")}); err != nil || len(items) != MaxItems {
		t.Errorf("Items() returned %d items, %v; want %d", len(items), err, MaxItems)
	}
}

// TestDedupe_of_a_source shows that a source may choose another rule.
func TestDedupe_of_a_source(t *testing.T) {
	request := &Request{Body: []byte(`{"id":"evt_1"}`)}
	for rule, want := range map[Dedupe][]string{DedupeID: {"id"}, DedupeBody: {"body"}, DedupeIDOrBody: {"id", "body"}, DedupeIDWithBody: {"id_with_body"}, DedupeNone: nil} {
		verifier, faults := Named("stripe").Verifier(Options{Dedupe: rule})
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		var kinds []string
		for _, key := range verifier.Identify(request, Verified).Keys {
			kinds = append(kinds, key.Kind)
		}
		if !slices.Equal(kinds, want) {
			t.Errorf("%s: keys of %q; want %q", rule, kinds, want)
		}
	}
}

// TestOrganization finds an installation's organization by what no buyer sets.
func TestOrganization(t *testing.T) {
	verifier, _ := source(t, "stripe")
	got := verifier.Organization(Item{Body: []byte(`{"account":"acct_1","data":{"object":{"client_reference_id":"org_evil","customer":"cus_9","metadata":{"organizationId":"org_1"}}}}`)})
	if got.ID != "org_1" || !slices.Equal(got.References, []Reference{{"stripe", "cus_9"}, {"stripe", "acct_1"}}) {
		t.Errorf("Organization() = %+v", got)
	}
	if got := verifier.Organization(Item{Body: []byte(`{"data":{"object":{"client_reference_id":"org_evil"}}}`)}); got.ID != "" || len(got.References) > 0 {
		t.Errorf("Organization() = %+v; want nothing", got)
	}
	for _, name := range []string{"paddle", "lemon_squeezy", "dodo", "revenuecat"} {
		verifier, _ := source(t, name)
		body := `{"data":{"custom_data":{"organizationId":"org_evil"},"metadata":{"organizationId":"org_evil"}},"meta":{"custom_data":{"organization_id":"org_evil"}},"event":{"subscriber_attributes":{"organizationId":{"value":"org_evil"}}}}`
		if got := verifier.Organization(Item{Body: []byte(body)}); got.ID != "" {
			t.Errorf("%s: Organization() = %+v; want nothing that a buyer sets", name, got)
		}
	}
	for provider, bad := range map[string]string{"stripe": "$.data.object.client_reference_id", "paddle": "$.data.custom_data.organizationId", "lemon_squeezy": "$.meta.custom_data", "dodo": "$.data.metadata.org", "revenuecat": "$.event.subscriber_attributes.o.value", "generic_hmac": "$.checkout.client_reference_id"} {
		rule := OrganizationRule{IDs: []string{bad}, References: []ReferenceRule{{"BAD!", "nope"}, {"mine", bad}}}
		_, faults := Named(provider).Verifier(Options{Organization: &rule})
		if want := []string{"organizationRule.ids[0]", "organizationRule.references[0].system", "organizationRule.references[0].path", "organizationRule.references[1].path"}; !slices.Equal(fields(faults), want) {
			t.Errorf("%s: faults at %q; want %q", provider, fields(faults), want)
		}
	}
}

func fields(faults webhook.Faults) (list []string) {
	for _, fault := range faults {
		list = append(list, fault.Field)
	}
	return list
}
