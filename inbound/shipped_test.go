package inbound

import (
	"context"
	"strings"
	"testing"
)

// TestRefunds fills in what one event doesn't say: the sum refunded, and the
// payment's amount.
func TestRefunds(t *testing.T) {
	verifier, secret, request := signed(t, "paddle", "adjustment.updated")
	_ = secret
	items, err := verifier.Items(request)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := CompileMappings(verifier.Provider(), verifier.Provider().Mappings)
	event := m.Apply(context.Background(), nil, items)[0].Events[0]
	if event.Payment == nil || event.Payment.ID != "txn_sample" || event.Payment.Paid != nil || *event.Payment.Refund != 1000 {
		t.Fatalf("Payment = %+v", event.Payment)
	}
	paid := int64(4900)
	for _, test := range []struct {
		total PaymentTotal
		want  string
	}{{PaymentTotal{&paid, 3000}, `"amount":4900,"amountRefunded":3000,`}, {PaymentTotal{nil, 3000}, `"amount":3000,"amountRefunded":3000,`}} {
		data, err := event.Data(test.total)
		if err != nil || !strings.Contains(string(data), test.want) {
			t.Errorf("Data(%+v) = %s, %v; want %s", test.total, data, err, test.want)
		}
	}
	for status, total := range map[string]PaymentTotal{"refunded": {&paid, 4900}, "partially_refunded": {nil, 4900}} {
		if got := total.value(lateStatus); got != status {
			t.Errorf("%+v is %s; want %s", total, got, status)
		}
	}
}

// TestShipped_mappings has what the samples don't show: which of several events
// count, and which don't.
func TestShipped_mappings(t *testing.T) {
	for name, test := range map[string]struct {
		provider, kind, body string
		want                 string // names of the mappings, or an outcome
	}{
		"an invoice of nothing is no payment": {"stripe", "invoice.paid", `{"data":{"object":{"id":"in_1","amount_paid":0}}}`, "filtered"},
		"invoice.payment_succeeded is left":   {"stripe", "invoice.payment_succeeded", `{}`, "unmapped"},
		"an intent of an invoice is left":     {"stripe", "payment_intent.succeeded", `{"data":{"object":{"id":"pi_1","invoice":"in_1","metadata":{"organizationId":"o"}}}}`, "filtered"},
		"an intent without our metadata":      {"stripe", "payment_intent.succeeded", `{"data":{"object":{"id":"pi_1","metadata":{}}}}`, "filtered"},
		"a session with an invoice":           {"stripe", "checkout.session.completed", `{"data":{"object":{"id":"cs_1","mode":"payment","payment_status":"paid","invoice":"in_1"}}}`, "filtered"},
		"a session of a subscription":         {"stripe", "checkout.session.completed", `{"data":{"object":{"id":"cs_1","mode":"subscription","payment_status":"paid"}}}`, "filtered"},
		"an incomplete subscription waits":    {"stripe", "customer.subscription.created", `{"data":{"object":{"id":"sub_1","status":"incomplete"}}}`, "filtered"},
		"and begins with its activation":      {"stripe", "customer.subscription.updated", `{"created":1,"data":{"object":{"id":"sub_1","status":"active","cancel_at_period_end":false},"previous_attributes":{"status":"incomplete"}}}`, "subscription_activated"},
		"metadata alone is no update":         {"stripe", "customer.subscription.updated", `{"created":1,"data":{"object":{"id":"sub_1","status":"active","cancel_at_period_end":false},"previous_attributes":{"metadata":{}}}}`, "filtered"},
		"a plan's change is one":              {"stripe", "customer.subscription.updated", `{"created":1,"data":{"object":{"id":"sub_1","status":"active","cancel_at_period_end":false},"previous_attributes":{"items":{"data":[{"price":{"id":"old"}}]}}}}`, "subscription_updated"},
		"a cancellation taken back is one":    {"stripe", "customer.subscription.updated", `{"created":1,"data":{"object":{"id":"sub_1","status":"active","cancel_at_period_end":false},"previous_attributes":{"cancel_at_period_end":true}}}`, "subscription_updated"},
		"flexible billing cancels by a date":  {"stripe", "customer.subscription.updated", `{"created":1,"data":{"object":{"id":"sub_1","status":"active","cancel_at_period_end":false,"cancel_at":9},"previous_attributes":{"cancel_at":null}}}`, "subscription_cancelled"},
		"cancelled at once is two events":     {"stripe", "customer.subscription.deleted", `{"created":1,"data":{"object":{"id":"sub_1","status":"canceled","cancel_at_period_end":false,"cancellation_details":{"reason":"cancellation_requested"}}}}`, "subscription_ended_at_once,subscription_expired"},
		"cancelled before is one":             {"stripe", "customer.subscription.deleted", `{"created":1,"data":{"object":{"id":"sub_1","status":"canceled","cancel_at_period_end":true,"cancellation_details":{"reason":"cancellation_requested"}}}}`, "subscription_expired"},
		"a pending refund is none":            {"paddle", "adjustment.created", `{"data":{"action":"refund","status":"pending_approval"}}`, "filtered"},
		"a chargeback is no refund":           {"paddle", "adjustment.created", `{"data":{"action":"chargeback","status":"approved"}}`, "filtered"},
		"a first payment is the order's":      {"lemon_squeezy", "subscription_payment_success", `{"data":{"id":"1","attributes":{"total":5,"billing_reason":"initial"}}}`, "filtered"},
		"an unpaid order is none":             {"lemon_squeezy", "order_created", `{"data":{"id":"1","attributes":{"total":5,"status":"pending"}}}`, "filtered"},
		"an update of a cancelled one":        {"lemon_squeezy", "subscription_updated", `{"data":{"id":"1","attributes":{"status":"cancelled"}}}`, "filtered"},
		"a refund without an amount":          {"dodo", "refund.succeeded", `{"data":{"refund_id":"r","amount":null}}`, "filtered"},
		"a catch-all is left":                 {"polar", "subscription.updated", `{}`, "unmapped"},
		"an order without a next attempt":     {"polar", "order.updated", `{"data":{"id":"1","status":"pending"}}`, "filtered"},
		"a future subscription":               {"chargebee", "subscription_created", `{"content":{"subscription":{"id":"1","status":"future"}}}`, "filtered"},
		"a refund hides in a cancellation":    {"revenuecat", "CANCELLATION", `{"event":{"id":"e","cancel_reason":"CUSTOMER_SUPPORT","price_in_purchased_currency":-1}}`, "payment_refunded"},
		"another cancellation is one":         {"revenuecat", "CANCELLATION", `{"event":{"id":"e","cancel_reason":"UNSUBSCRIBE"}}`, "subscription_cancelled"},
		"a free trial is no payment":          {"revenuecat", "INITIAL_PURCHASE", `{"event":{"id":"e","original_transaction_id":"t","price_in_purchased_currency":0}}`, "subscription_created"},
		"a purchase is two events":            {"revenuecat", "INITIAL_PURCHASE", `{"event":{"id":"e","transaction_id":"t","original_transaction_id":"t","price_in_purchased_currency":4.99,"currency":"USD"}}`, "subscription_created,payment_succeeded"},
	} {
		t.Run(name, func(t *testing.T) {
			provider := Named(test.provider)
			m, _ := CompileMappings(provider, provider.Mappings)
			result, _ := mapOne(t, m, test.kind, test.body, PaymentTotal{})
			got := string(result.Outcome)
			if result.Outcome == OutcomeMapped {
				var names []string
				for _, event := range result.Events {
					names = append(names, event.Mapping)
				}
				got = strings.Join(names, ",")
			}
			if got != test.want {
				t.Errorf("%s becomes %s, %v; want %s", test.body, got, result.Err, test.want)
			}
		})
	}
}

// TestShared_identity shows that a payment that an intent and a session report is
// one event.
func TestShared_identity(t *testing.T) {
	verifier, _ := source(t, "stripe")
	m, _ := CompileMappings(verifier.Provider(), verifier.Provider().Mappings)
	intent, _ := mapOne(t, m, "payment_intent.succeeded", `{"created":1,"data":{"object":{"id":"pi_1","amount_received":5,"currency":"usd","metadata":{"organizationId":"o"}}}}`, PaymentTotal{})
	session, _ := mapOne(t, m, "checkout.session.completed", `{"created":1,"data":{"object":{"id":"cs_1","payment_intent":"pi_1","mode":"payment","payment_status":"paid","amount_total":5,"currency":"usd"}}}`, PaymentTotal{})
	if a, b := intent.Events[0].Identity, session.Events[0].Identity; a != b {
		t.Errorf("identities %q and %q; want one", a, b)
	}
}
