package webhook

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSubscriptions(t *testing.T) {
	c := catalog(t)
	cases := map[string]struct {
		list []string
		want Subscriptions
		bad  Faults
	}{
		"nothing_chosen":           {nil, nil, Faults{{Field: "eventTypes", Message: "Choose at least one event type."}}},
		"sorted_without_repeats":   {[]string{"payment.failed", " org.created ", "payment.failed"}, Subscriptions{"org.created", "payment.failed"}, nil},
		"capital_letters":          {[]string{"Payment.Failed", "ORG.*", "org.created\n"}, Subscriptions{"org.*", "payment.failed"}, nil},
		"a_category_alone":         {[]string{"payment"}, nil, Faults{{Field: "eventTypes", Message: "No event type of the catalog is named by payment. For all of them write payment.*."}}},
		"all":                      {[]string{"*"}, Subscriptions{"*"}, nil},
		"all_covers_the_rest":      {[]string{"org.*", "*", "payment.failed"}, Subscriptions{"*"}, nil},
		"prefix_covers_its_own":    {[]string{"org.member.*", "org.created", "org.*", "payment.failed"}, Subscriptions{"org.*", "payment.failed"}, nil},
		"inner_prefix":             {[]string{"org.member.*"}, Subscriptions{"org.member.*"}, nil},
		"unknown_type":             {[]string{"org.created", "org.exploded"}, nil, Faults{{Field: "eventTypes", Message: "No event type of the catalog is named by org.exploded."}}},
		"prefix_of_nothing":        {[]string{"invoice.*"}, nil, Faults{{Field: "eventTypes", Message: "No event type of the catalog is named by invoice.*. Types of a source can be chosen once it exists: make a source with the slug invoice first."}}},
		"prefix_within_a_word":     {[]string{"org.mem*"}, nil, Faults{{Field: "eventTypes", Message: "No event type of the catalog is named by org.mem*."}}},
		"prefix_of_a_whole_type":   {[]string{"org.created.*"}, nil, Faults{{Field: "eventTypes", Message: "No event type of the catalog is named by org.created.*."}}},
		"empty_text":               {[]string{""}, nil, Faults{{Field: "eventTypes", Message: `No event type of the catalog is named by "".`}}},
		"bare_dot_star":            {[]string{".*"}, nil, Faults{{Field: "eventTypes", Message: "No event type of the catalog is named by .*."}}},
		"line_break_is_made_plain": {[]string{"a\r\nb"}, nil, Faults{{Field: "eventTypes", Message: `No event type of the catalog is named by "a\r\nb".`}}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			got, faults := c.ParseSubscriptions(test.list)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.bad, faults); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSubscriptions_Matches(t *testing.T) {
	cases := []struct {
		patterns Subscriptions
		of       string
		want     bool
	}{
		{Subscriptions{"*"}, "anything.at_all", true},
		{Subscriptions{"org.*"}, "org.created", true},
		{Subscriptions{"org.*"}, "org.member.added", true},
		{Subscriptions{"org.*"}, "organ.created", false},
		{Subscriptions{"org.*"}, "org", false},
		{Subscriptions{"org.member.*"}, "org.created", false},
		{Subscriptions{"payment.failed"}, "payment.failed", true},
		{Subscriptions{"payment.failed"}, "payment.failed_twice", false},
		{nil, "org.created", false},
	}
	for _, test := range cases {
		if got := test.patterns.Matches(test.of); got != test.want {
			t.Errorf("%v.Matches(%q) = %v", test.patterns, test.of, got)
		}
	}
	wanted := Subscriptions{"org.*", "payment.failed"}
	if n := testing.AllocsPerRun(100, func() { wanted.Matches("payment.failed") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMatches(b *testing.B) {
	wanted := Subscriptions{"api_key.*", "org.*", "payment.failed", "security.*"}
	b.ReportAllocs()
	for b.Loop() {
		wanted.Matches("security.email_changed")
	}
}

// What sources relay is subscribed to by name or prefix; "*" is the catalog's alone.
func TestSubscriptions_of_sources(t *testing.T) {
	c := catalog(t)
	got, faults := c.ParseSubscriptionsTo([]string{"stripe"}, []string{"*", "stripe.*", "stripe.invoice.paid"})
	if want := (Subscriptions{"*", "stripe.*"}); !slices.Equal(got, want) || faults != nil {
		t.Errorf("ParseSubscriptionsTo() returned %v, %v; want %v", got, faults, want)
	}
	for _, pattern := range []string{"github.push", "stripe", "stripe.", "stripe.In*", "stripe.a b"} {
		if got, faults := c.ParseSubscriptionsTo([]string{"stripe"}, []string{pattern}); faults == nil {
			t.Errorf("ParseSubscriptionsTo() of %q returned %v, want a fault", pattern, got)
		}
	}
	if (Subscriptions{"*"}).Names("stripe.invoice.paid") || !(Subscriptions{"*", "stripe.*"}).Names("stripe.invoice.paid") {
		t.Error("Names() goes by *, or not by a prefix")
	}
}
