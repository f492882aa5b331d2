package views

import (
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"hookwell/webhook"
)

// values are the values of the boxes that a browser would send.
func values(doc *goquery.Document, field string) []string {
	return doc.Find("input[name=" + field + "][checked]").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("value", "") })
}

func TestEndpointFormPage(t *testing.T) {
	categories := sampleCatalog(t).Categories()
	t.Run("what_was_typed_stays", func(t *testing.T) {
		form := NewEndpointForm(categories)
		form.Typed["url"], form.Typed["name"], form.Typed["timeoutSeconds"], form.Schedule = "ftp://x", "<Ledger>", "45", "brisk"
		form.Typed["description"], form.Enabled = "\nsecond line", false
		doc := parse(t, EndpointFormPage(samplePage(), form))
		got := map[string]string{}
		for _, name := range []string{"url", "name", "timeoutSeconds", "maxInFlight"} {
			got[name] = doc.Find("input[name="+name+"]").AttrOr("value", "")
		}
		got["schedule"] = strings.Join(values(doc, "schedule"), " ")
		got["enabled"] = strings.Join(values(doc, "enabled"), " ")
		want := map[string]string{"url": "ftp://x", "name": "<Ledger>", "timeoutSeconds": "45", "maxInFlight": "20", "schedule": "brisk", "enabled": ""}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if got := doc.Find("textarea[name=description]").Text(); got != "\nsecond line" {
			t.Errorf("description %q", got)
		}
	})
	t.Run("a_fault_stands_at_its_field_and_in_the_summary", func(t *testing.T) {
		form := NewEndpointForm(categories)
		form.Faults = webhook.Faults{{Field: "timeoutSeconds", Message: "Choose 1 to 30 seconds."}, {Field: "eventTypes", Message: "Choose at least one event type."}}
		doc := parse(t, EndpointFormPage(samplePage(), form))
		input := doc.Find("input[name=timeoutSeconds]")
		if input.AttrOr("aria-invalid", "") != "true" {
			t.Error("the input is not marked")
		}
		described := strings.Fields(input.AttrOr("aria-describedby", ""))
		if len(described) != 2 || !strings.Contains(doc.Find("#"+described[0]).Text(), "Choose 1 to 30 seconds.") {
			t.Errorf("described by %q", described)
		}
		summary := doc.Find("[role=alert]")
		if summary.Find("h2").Text() != "Two things need a change" || summary.Find("a[href='#"+input.AttrOr("id", "")+"']").Length() != 1 {
			t.Errorf("summary %q", summary.Text())
		}
		if doc.Find("input[name=url][aria-invalid]").Length() != 0 {
			t.Error("a field without a fault is marked")
		}
	})
	t.Run("an_own_schedule_comes_back_as_a_list", func(t *testing.T) {
		endpoint := sampleEndpoint("ep_1", "", "https://example.com", "*")
		endpoint.Schedule, _ = webhook.NewSchedule([]int{0, 60})
		doc := parse(t, EndpointFormPage(samplePage(), EditEndpointForm(endpoint, []string{"x-key"}, categories)))
		if diff := cmp.Diff([]string{"custom"}, values(doc, "schedule")); diff != "" {
			t.Error(diff)
		}
		if got := doc.Find("input[name=delays]").AttrOr("value", ""); got != "0s, 1m" {
			t.Errorf("the list is %q", got)
		}
		if got := doc.Find("#" + ScheduleTimesID).Text(); !strings.Contains(got, "at once, then ") {
			t.Errorf("the times are %q", got)
		}
		names := doc.Find("input[name=headerName]").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("value", "") })
		if diff := cmp.Diff([]string{"x-key", "", ""}, names); diff != "" {
			t.Error(diff)
		}
		if doc.Find("input[name=enabled]").Length() != 0 {
			t.Error("editing offers to enable from the start")
		}
	})
}

func TestEndpointFormPage_subscriptions(t *testing.T) {
	catalog := sampleCatalog(t)
	for name, chosen := range map[string][]string{
		"all":        {"*"},
		"a_category": {"payment.*"},
		"some_types": {"api_key.created", "org.deleted"},
		"mixed":      {"org.member.added", "subscription.*"},
		"none":       nil,
	} {
		t.Run(name+"_comes_back_as_it_was", func(t *testing.T) {
			form := NewEndpointForm(catalog.Categories())
			form.EventTypes = chosen
			sent := values(parse(t, EndpointFormPage(samplePage(), form)), "eventTypes")
			got, _ := catalog.ParseSubscriptions(sent)
			if diff := cmp.Diff(webhook.Subscriptions(chosen), got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("a_partly_chosen_category_says_so", func(t *testing.T) {
		form := NewEndpointForm(catalog.Categories())
		form.EventTypes = []string{"payment.failed"}
		doc := parse(t, EndpointFormPage(samplePage(), form))
		some := doc.Find("[data-some]")
		if some.Length() != 1 || some.AttrOr("value", "") != "payment.*" {
			t.Errorf("%d are partly chosen, the first %q", some.Length(), some.AttrOr("value", ""))
		}
		if got := some.Closest("fieldset").Find(".count").Text(); got != "1 of 3" {
			t.Errorf("count %q", got)
		}
	})
}

func TestCategoryPrefix(t *testing.T) {
	types := func(names ...string) []*webhook.EventType {
		var list []*webhook.EventType
		for _, name := range names {
			list = append(list, &webhook.EventType{Type: name})
		}
		return list
	}
	categories := []webhook.Category{
		{Name: "own", Types: types("own.a", "own.b.c")},
		{Name: "two", Types: types("x.a", "y.a")},
		{Name: "left", Types: types("shared.a")},
		{Name: "right", Types: types("shared.b", "shared.c")},
	}
	want := map[string]string{"own": "own.*", "two": "", "left": "", "right": "", "unknown": ""}
	for name, prefix := range want {
		if got := categoryPrefix(categories, name); got != prefix {
			t.Errorf("%s: %q, not %q", name, got, prefix)
		}
	}
}

func TestTestForm(t *testing.T) {
	t.Run("the_sample_of_the_type_is_there", func(t *testing.T) {
		bench := NewTestBench("ep_1", "payment.failed", sampleCatalog(t).Categories())
		doc := parse(t, TestForm(samplePage(), bench))
		sample, _ := sampleCatalog(t).Lookup("payment.failed")
		if diff := cmp.Diff(indentJSON(sample.Example), doc.Find("textarea[name=data]").Text()); diff != "" {
			t.Error(diff)
		}
		if got := doc.Find("option[selected]").AttrOr("value", ""); got != "payment.failed" {
			t.Errorf("chosen %q", got)
		}
	})
	t.Run("an_unknown_type_is_the_first", func(t *testing.T) {
		if got := NewTestBench("ep_1", "nothing", sampleCatalog(t).Categories()).Type; got != "org.created" {
			t.Errorf("type %q", got)
		}
	})
	t.Run("faults_inside_the_data_stand_at_it", func(t *testing.T) {
		bench := sampleBench(t)
		bench.Faults = webhook.Faults{{Field: "data.amount", Message: "must be an integer"}, {Field: "data.items[0].id", Message: "is required"}}
		doc := parse(t, TestForm(samplePage(), bench))
		data := doc.Find("textarea[name=data]")
		text := doc.Find("#" + data.AttrOr("aria-describedby", "none")).Text()
		for _, sentence := range []string{"data.amount must be an integer.", "data.items[0].id is required."} {
			if !strings.Contains(text, sentence) {
				t.Errorf("%q is not in %q", sentence, text)
			}
		}
	})
	t.Run("the_answer_brings_a_fresh_form", func(t *testing.T) {
		bench := sampleBench(t)
		bench.Result = sampleResult()
		doc := parse(t, TestResponse(samplePage(), bench))
		if doc.Find("form#"+TestFormID+"[hx-swap-oob]").Length() != 1 || doc.Find(".code.is-bad").Text() != "401" {
			t.Error("the form or the answer is missing")
		}
		if doc.Find("a[href^='"+DeliveryPath("acme", bench.Result.Delivery.ID)+"']").Length() != 1 {
			t.Error("no link to the delivery")
		}
	})
}
