package views

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/webhook"
)

func sampleSource(provider string) models.SourceSummary {
	return models.SourceSummary{Source: models.Source{ID: "src_01kpcvh2wvb6c1j9s0dk3xpy7g", OrganizationID: "org_0198f6c2a7b47e1c", Name: "<Stripe>", Slug: "stripe", Provider: provider,
		MaxBodyBytes: models.DefaultSourceBody, RateLimitPerSecond: models.DefaultSourceRate, CreatedAt: ago(900 * time.Second), Secrets: 1}, Accepted: 1842, Refused: 2, Failed: 14, LastRequestAt: agoP(12 * time.Second)}
}

func sampleRequests() []models.Request {
	base := models.Request{OrganizationID: "org_0198f6c2a7b47e1c", SourceID: "src_01kpcvh2wvb6c1j9s0dk3xpy7g", SourceName: "<Stripe>", SourceSlug: "stripe", State: inbound.Verified,
		Checked: "HMAC-SHA256 of the body", Method: "POST", Query: "a=<b>", RemoteAddress: "203.0.113.61", Headers: models.Headers{{Name: "<X>", Value: "<b>"}, {Name: "authorization", Value: maskedValue}},
		Body: []byte(hostileBody), BodyBytes: len(hostileBody), ExternalID: "evt_<1>", ExternalType: "invoice.<paid>", ExternalTime: agoP(60 * time.Second), StatusCode: 200, Processing: models.ProcessingProcessed, ReceivedAt: ago(90 * time.Second),
		Duplicates: 2, Repeats: []models.DuplicateSeen{{Number: 1, Reason: "id", ReceivedAt: ago(50 * time.Second)}, {Number: 2, Reason: "id", ReceivedAt: ago(40 * time.Second)}},
		Events: []models.RequestEvent{{EventID: "evt_01kpcvh2wvb6c1j9s0dk3xpy7g", EventType: "payment.succeeded", Mapping: "paid"}, {EventID: "evt_01kpcvh2wvb6c1j9s0dk3xpy7h", EventType: "stripe.invoice.paid"}}}
	refused, failed, handshake, waiting := base, base, base, base
	for _, r := range []*models.Request{&refused, &failed, &handshake, &waiting} {
		r.Events, r.Duplicates, r.Repeats = nil, 0, nil
	}
	refused.State, refused.Cause, refused.StatusCode, refused.Processing, refused.DiagnosisText = inbound.Refused, inbound.CauseSignature, 401, "", "The signature fits an <earlier> secret."
	failed.Processing, failed.Reason, failed.Error = models.ProcessingFailed, models.ReasonMappingFailed, "data.<amount> is required"
	handshake.State, handshake.Reason, handshake.Processing, handshake.ExternalType = inbound.Unverified, models.ReasonHandshake, models.ProcessingIgnored, ""
	waiting.State, waiting.Processing, waiting.RemoteAddress, waiting.Test = inbound.Authenticated, models.ProcessingWaiting, "", true
	rows := []models.Request{base, refused, failed, handshake, waiting}
	for i := range rows {
		rows[i].ID = "req_01kpcvh2wvb6c1j9s0dk3xpy7" + string(rune('a'+i))
	}
	return rows
}

// receivingSamples are the pages of sources and requests.
func receivingSamples(page, guest Page) map[string]templ.Component {
	source, fresh, paused := sampleSource("stripe"), sampleSource("meta"), sampleSource("generic_hmac")
	source.FirstVerifiedAt, paused.DisabledAt, paused.DisabledBy = agoP(800*time.Second), agoP(60*time.Second), "<Ada>"
	fresh.Secrets, fresh.LastRequestAt, fresh.Accepted, fresh.Refused, fresh.Failed = 0, nil, 0, 0, 0
	refusing := source
	refusing.Refusals = &models.RefusedInARow{Count: 37, Since: ago(600 * time.Second), Cause: inbound.CauseSignature}
	rows := sampleRequests()
	const url = "https://hooks.example.com/in/q7f2m4x9kd3wz8t5b1vn6hjc0rypaesg"
	secrets := SourceSecretsView{Source: &source.Source, URL: url, RotateHours: "48", Secrets: []models.SourceSecret{
		{ID: "sec_2", Hint: "rsT2", CreatedBy: "<Ada>", CreatedAt: ago(60 * time.Second)}, {ID: "sec_1", CreatedBy: "Ada", CreatedAt: ago(90 * time.Second), EndedAt: agoP(30 * time.Second)}}}
	refusedSecret := secrets
	refusedSecret.Faults = webhook.Faults{{Field: "secret", Message: "The secret is empty."}, {Field: "hours", Message: "Choose 0 to 168 hours."}, {Field: "overlapHours", Message: "Choose 0 to 168 hours."}}
	hmac, edit := NewSourceForm(inbound.Named("generic_hmac")), EditSourceForm(&paused.Source)
	hmac.Faults = SourceFaults(webhook.Faults{{Field: "scheme.algorithm", Message: "is one of hmac-sha256"}, {Field: "scheme", Message: "A scheme has no field x."}})
	hmac.Faults = append(hmac.Faults, webhook.Faults{{Field: "slug", Message: "Choose another slug."}, {Field: "secret", Message: "The secret is empty."}}...)
	edit.Faults = webhook.Faults{{Field: "allowNetworks.0", Message: "This isn’t a network."}, {Field: "responseStatus", Message: "Choose a status from 200 to 204."}}
	unproven := sampleSource("none")
	mappings := NewSourceMappings(&source.Source)
	mappings.Own, mappings.Faults = true, webhook.Faults{{Field: "mappings[0].type", Message: "is an event type of the catalog"}}
	previewed := NewSourceMappings(&source.Source)
	previewed.Asked, previewed.Preview = true, []models.PreviewedRequest{
		{Request: rows[0], Relayed: "stripe.invoice.<paid>", More: 3, Events: []models.PreviewedEvent{
			{Mapping: "paid", Type: "payment.succeeded", OrganizationID: "<org>", OccurredAt: ago(60 * time.Second), Test: true, Repeated: true, Data: []byte(`{"a":"<b>"}`)},
			{Mapping: "paid", Type: "payment.succeeded", OccurredAt: ago(60 * time.Second), Data: []byte(`{"b":1}`)},
			{Mapping: "paid", Type: "payment.failed", OccurredAt: ago(60 * time.Second), Faults: webhook.Faults{{Field: "data.<amount>", Message: "is required"}}}}},
		{Request: rows[2], Faults: []models.PreviewFault{{Item: 1, Mapping: "paid", Field: "mappings[0].data.<amount>", Source: `{"cel":"<body>"}`, Message: "no such key: <amount>"}, {Message: "The body isn’t <JSON>."}}},
		{Request: rows[4]}}
	unasked := NewSourceMappings(&source.Source)
	unasked.Asked = true
	log := RequestsView{Rows: rows, Older: "cursor", Sources: []models.Source{source.Source}, Replays: []models.RequestReplay{{ID: "rpl_1", Total: 12, Queued: 3, PerSecond: 5, CreatedBy: "<Ada>", CreatedAt: ago(60 * time.Second)}}}
	narrowed := RequestsView{Query: RequestQuery{State: inbound.Refused, SourceID: source.ID, Cause: inbound.CauseSignature, Type: "invoice.*", Search: "evt_1", Period: "24h", Cursor: "x"}}
	all := map[string]templ.Component{
		"sources": SourcesPage(page, SourcesView{Rows: []models.SourceSummary{source, fresh, paused, refusing}}), "sources-guest": SourcesPage(guest, SourcesView{Rows: []models.SourceSummary{source}}),
		"sources-none": SourcesPage(page, SourcesView{}), "source-new": SourceNewPage(page, SourceForm{Search: "mail"}), "source-new-faults": SourceNewPage(page, hmac),
		"source": SourcePage(page, SourceView{Source: source, URL: url, Recent: rows}), "source-refusing": SourcePage(page, SourceView{Source: refusing, URL: url, Recent: rows}), "source-guest": SourcePage(guest, SourceView{Source: source, Recent: rows}),
		"source-setup": SourcePage(page, SourceView{Source: fresh, URL: url, Recent: rows[1:2]}), "source-paused": SourcePage(page, SourceView{Source: paused, URL: url, Token: "t"}),
		"source-edit": SourceEditPage(page, edit, &paused.Source), "source-edit-none": SourceEditPage(page, EditSourceForm(&unproven.Source), &unproven.Source),
		"source-secrets": SourceSecretsPage(page, secrets), "source-secrets-faults": SourceSecretsPage(page, refusedSecret), "source-mappings": SourceMappingsPage(page, mappings),
		"source-mappings-preview": SourceMappingsPage(page, previewed), "source-mappings-preview-none": SourceMappingsPage(page, unasked),
		"requests": RequestsPage(page, log), "requests-guest": RequestsPage(guest, log), "requests-none": RequestsPage(page, RequestsView{}), "requests-narrowed": RequestsPage(page, narrowed),
		"source-acceptable": SourcePage(page, SourceView{Source: refusing, URL: url, Recent: rows, Acceptable: 37}),
		"source-accept":     SourceAcceptPage(page, AcceptForm{Source: &source.Source, Count: 37, PerSecond: "many", Faults: webhook.Faults{{Field: "perSecond", Message: "Write a number."}}}),
		"replay":            ReplayPage(page, ReplayForm{Query: narrowed.Query, Count: 12, PerSecond: "many", Faults: webhook.Faults{{Field: "perSecond", Message: "Write a number."}}}),
	}
	for i := range rows {
		for _, form := range BodyForms() {
			name := "request-" + string(rune('a'+i)) + "-" + string(form)
			all[name] = RequestPage(page, RequestView{Request: &rows[i], Source: &source.Source, Form: form, Deliveries: sampleDeliveries()[:2]})
		}
	}
	all["request-guest"] = RequestPage(guest, RequestView{Request: &rows[1]})
	return all
}

func TestRequestPage(t *testing.T) {
	page, rows := samplePage(), sampleRequests()
	source := sampleSource("stripe")
	t.Run("after_the_first_failure_nothing_is_checked", func(t *testing.T) {
		doc := parse(t, RequestPage(page, RequestView{Request: &rows[1], Source: &source.Source}))
		if ok, failed, off := doc.Find(".checks .is-ok").Length(), doc.Find(".checks .is-failed").Length(), doc.Find(".checks .is-off").Length(); ok != 3 || failed != 1 || off != 2 {
			t.Errorf("%d checks passed, %d failed, %d were not made; want 3, 1, 2", ok, failed, off)
		}
	})
	t.Run("what_did_not_arrive_is_shown_and_the_rest_summed_up", func(t *testing.T) {
		event := rows[0].Events[0].EventID
		list := sampleDeliveries()
		for i := range list {
			list[i].EventID = event
		}
		view := RequestView{Request: &rows[0], Source: &source.Source, Deliveries: list, Counts: map[string]map[models.State]int{event: {models.Delivered: 34, models.Failed: 2, models.Retrying: 1, models.Pending: 1, models.Cancelled: 1}}}
		nodes := parse(t, RequestPage(page, view)).Find(".path__branch .path__branch .node").First().Parent().Parent()
		if got := nodes.Find(".is-delivered").Length(); got != 0 || !strings.Contains(nodes.Text(), "34 delivered") || nodes.Children().Length() != 6 {
			t.Errorf("the path has %d delivered nodes of %d: %s", got, nodes.Children().Length(), nodes.Text())
		}
		view.Counts = map[string]map[models.State]int{event: {models.Delivered: 3, models.Failed: 1}}
		view.Deliveries = []models.Delivery{list[0], list[1], list[4], list[7]}
		if got := parse(t, RequestPage(page, view)).Find(".path .is-delivered").Length(); got != 3 {
			t.Errorf("of four deliveries %d delivered ones are shown, want 3", got)
		}
	})
	t.Run("a_failed_mapping_shows_beside_what_was_relayed", func(t *testing.T) {
		failed := rows[2]
		failed.Events = rows[0].Events[1:]
		doc := parse(t, RequestsPage(page, RequestsView{Rows: []models.Request{failed}}))
		if got := doc.Find("#row-" + failed.ID).Text(); !strings.Contains(got, models.ReasonMappingFailed) || !strings.Contains(got, "stripe.invoice.paid") {
			t.Errorf("the row says %q", got)
		}
		if got := parse(t, RequestPage(page, RequestView{Request: &failed})).Find("#became .node--none").Text(); !strings.Contains(got, models.ReasonMappingFailed) {
			t.Errorf("the path says %q", got)
		}
	})
	for name, of := range map[string]struct {
		reason, mappings string
		row, node        []string
	}{
		"filtered":   {models.ReasonFiltered, "invoice_paid", []string{"Ignored by a filter"}, []string{"Ignored by a filter", "The condition of invoice_paid is false.", "replay it"}},
		"filtered_2": {models.ReasonFiltered, "a, b, c", []string{"Ignored by a filter"}, []string{"The conditions of a, b and c are false."}},
		"unmapped":   {models.ReasonUnmapped, "", []string{"No mapping for its type"}, []string{"No mapping is for invoice.<paid>.", "add a mapping"}},
		"not_JSON":   {models.ReasonNotJSON, "", []string{"Its body isn’t JSON"}, []string{"Its body isn’t JSON", "no mapping can read it"}},
		"repeated":   {models.ReasonRepeated, "invoice_paid", []string{"Its event was made before"}, []string{"Another request became the event of invoice_paid before."}},
	} {
		t.Run("why_it_was_relayed_alone/"+name, func(t *testing.T) {
			r := rows[0]
			r.Reason, r.ReasonMappings, r.Events = of.reason, of.mappings, rows[0].Events[1:]
			row := parse(t, RequestsPage(page, RequestsView{Rows: []models.Request{r}})).Find("#row-" + r.ID).Text()
			view := RequestView{Request: &r, Source: &models.Source{ID: r.SourceID, Provider: "stripe"}}
			node := parse(t, RequestPage(page, view)).Find("#became .node--none").FilterFunction(func(_ int, n *goquery.Selection) bool { return !strings.Contains(n.Text(), "Not sent") })
			for _, want := range append(of.row, "stripe.invoice.paid") {
				if !strings.Contains(row, want) {
					t.Errorf("the row says %q, want %q", row, want)
				}
			}
			for _, want := range of.node {
				if !strings.Contains(node.Text(), want) {
					t.Errorf("the path says %q, want %q", node.Text(), want)
				}
			}
			if href, links := node.Find("a").Attr("href"); links != (of.mappings != "") || links && !strings.HasSuffix(href, "/mappings") {
				t.Errorf("the node leads to %q", href)
			}
			why, _ := unmappedWords(&r)
			if got := parse(t, MappingsPreviewPart(page, SourceMappingsView{Source: view.Source, Asked: true, Preview: []models.PreviewedRequest{{Request: r, Relayed: "stripe.invoice.paid"}}})).Text(); !strings.Contains(got, why) {
				t.Errorf("the preview says %q, want %q", got, why)
			}
		})
	}
	t.Run("making_events_again_is_asked_first", func(t *testing.T) {
		r, at := rows[0], RequestReplayPath(page.slug(), rows[0].ID)
		doc := parse(t, RequestPage(page, RequestView{Request: &r}))
		if doc.Find("input[name=force]").Length() != 0 || doc.Find("#became a[href='"+at+"']").Length() != 1 {
			t.Errorf("the page makes events again at once; want a link that asks")
		}
		endpoints := []models.Endpoint{{EventTypes: webhook.Subscriptions{"*"}}, {EventTypes: webhook.Subscriptions{"stripe.*"}}, {EventTypes: webhook.Subscriptions{"payment.*"}}, {EventTypes: webhook.Subscriptions{"*"}, DisabledAt: agoP(time.Second)}}
		becomes := models.PreviewedRequest{Request: r, Relayed: "stripe.invoice.paid", Events: []models.PreviewedEvent{{Type: "payment.succeeded"}, {Type: "org.created", Test: true}}}
		form := parse(t, RequestReplayPage(page, RequestReplayForm{Request: &r, Becomes: &becomes, Endpoints: endpoints}))
		got := strings.Join(strings.Fields(form.Find("main").Text()), " ")
		for _, want := range []string{"3 deliveries", "payment.succeeded2 endpoints", "org.created0 endpoints", "stripe.invoice.paid1 endpoint", "invoice.<paid> from <Stripe>"} {
			if !strings.Contains(got, want) {
				t.Errorf("the question says %q, want %q", got, want)
			}
		}
		if form.Find("form[action='"+at+"'] input[name=force]").Length() != 1 {
			t.Error("the question has no form that forces the replay")
		}
	})
	t.Run("mappings_are_edited_as_they_are_read", func(t *testing.T) {
		own := models.Source{ID: "src_1", Provider: "stripe", Mappings: `[{"name":"a","when":"body.a \u003e 1.50 \u0026\u0026 body.b < 2","n":1.50,"é":"\u00e9"}]`}
		for of, s := range map[string]*models.Source{"own": &own, "shipped": {ID: "src_2", Provider: "stripe"}} {
			text := parse(t, SourceMappingsPage(page, NewSourceMappings(s))).Find("textarea[name=mappings]").Text()
			if strings.Contains(text, `\u`) || !strings.Contains(text, " > ") || !strings.Contains(text, " && ") {
				t.Errorf("the %s mappings are shown as %s; want > and && as themselves", of, text)
			}
			if of == "own" && !strings.Contains(text, `"n": 1.50`) {
				t.Errorf("the own mappings are shown as %s; want 1.50 as it was written", text)
			}
		}
	})
	t.Run("a_replay_that_makes_nothing_new_is_told", func(t *testing.T) {
		r := rows[0]
		r.UnchangedAt = agoP(30 * time.Second)
		doc := parse(t, RequestPage(page, RequestView{Request: &r}))
		if got := doc.Find("#became .panel__head").Text(); !strings.Contains(got, "2 events") || !strings.Contains(got, "nothing new came of it") {
			t.Errorf("the head says %q, want both events and that nothing new came", got)
		}
	})
	t.Run("repeats_are_listed_with_their_reasons", func(t *testing.T) {
		repeated := rows[0]
		repeated.Duplicates, repeated.Repeats = 30, slices.Clone(repeated.Repeats)
		repeated.Repeats[1].Reason = "body"
		got := parse(t, RequestPage(page, RequestView{Request: &repeated})).Find("#repeats").Text()
		for _, want := range []string{"The same id", "The same body", "28 more repeats were only counted"} {
			if !strings.Contains(got, want) {
				t.Errorf("the repeats don’t say %q: %s", want, got)
			}
		}
	})
	t.Run("of_a_long_body_the_beginning_is_shown", func(t *testing.T) {
		for name, c := range map[string]struct {
			body string
			form BodyForm
			most int
			copy bool
		}{
			"text": {strings.Repeat("é", maxShown), BodyPretty, maxShown, false}, "raw": {strings.Repeat("é", maxShown), BodyRaw, maxShown, false},
			"bytes": {strings.Repeat("\xff", 2*maxHex), BodyPretty, 6 * maxHex, false}, "a short one": {"short", BodyPretty, 5, true},
		} {
			r := rows[0]
			r.Body, r.BodyBytes = []byte(c.body), len(c.body)
			b := RequestView{Request: &r, Form: c.form}.shownBody()
			if text := strings.Join(b.lines, "\n"); len(text) > c.most || !utf8.ValidString(text) || (b.raw != "") != c.copy || (b.note == "") != c.copy {
				t.Errorf("%s: %d bytes of text are shown with the note %q; it can be copied: %t, want %t", name, len(text), b.note, b.raw != "", c.copy)
			}
		}
	})
	t.Run("a_guest_sees_neither_headers_nor_body", func(t *testing.T) {
		guest := page
		guest.Role = models.RoleGuest
		doc := parse(t, RequestPage(guest, RequestView{Request: &rows[0], Source: &source.Source}))
		if doc.Find(".http, .json, form[action*='/replay']").Length() != 0 {
			t.Error("a guest sees headers, a body or a button to replay")
		}
	})
	t.Run("a_guest_sees_the_place_of_an_error_alone", func(t *testing.T) {
		guest := page
		guest.Role = models.RoleGuest
		for text, place := range map[string]string{
			`paid: data.when: invalid RFC 3339 timestamp "SECRETVAL"`:      "paid: data.when.",
			"paid: mappings[0].data.a_b: no such key: SECRETVAL":           "paid: mappings[0].data.a_b.",
			"paid: what it makes doesn’t fit org.created: data: SECRETVAL": "paid: what it makes doesn’t fit org.created.",
			"json: invalid character: SECRETVAL":                           "Members see what failed.",
			"SECRETVAL":                                                    "Members see what failed.",
			"No organization has the reference SECRETVAL of stripe.":       "isn’t known",
		} {
			failed := rows[2]
			failed.Processing, failed.Reason, failed.Error = models.ProcessingFailed, models.ReasonMappingFailed, text
			if strings.HasPrefix(text, "No organization") {
				failed.Reason = models.ReasonNoOrganization
			}
			one := RequestView{Request: &failed, Source: &source.Source}
			for what, doc := range map[string]*goquery.Document{"page": parse(t, RequestPage(guest, one)), "part": parse(t, RequestPart(guest, one)),
				"log": parse(t, RequestsPage(guest, RequestsView{Rows: []models.Request{failed}}))} {
				html, err := doc.Html()
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(html, "SECRETVAL") || what != "log" && !strings.Contains(doc.Text(), strings.TrimSuffix(place, ".")) {
					t.Errorf("of %q a guest’s %s doesn’t say just %q", text, what, place)
				}
			}
			if !strings.Contains(parse(t, RequestPage(page, one)).Text(), "SECRETVAL") {
				t.Errorf("a member doesn’t see %q", text)
			}
		}
	})
	t.Run("the_title_says_what_is_known_of_the_cause", func(t *testing.T) {
		for name, c := range map[string]struct {
			cause      inbound.Cause
			diagnosis  inbound.Reason
			want, not  string
			diagnosedA string
		}{
			"an older signature": {inbound.CauseSignatureMissing, inbound.ReasonDowngrade, "Only an older signature came", "Somebody else", "It has no entry v1."},
			"in the future":      {inbound.CauseTooNew, "", "in the future", "old request again", ""},
			"malformed":          {inbound.CauseSignatureMalformed, "", "can’t be read", "accepted", ""},
			"a changed body":     {inbound.CauseSignature, inbound.ReasonBodyReencoded, "The body was changed on the way", "No secret of the source fits", "It was written anew."},
		} {
			r := rows[1]
			r.Cause, r.Diagnosis, r.DiagnosisText = c.cause, c.diagnosis, c.diagnosedA
			got := parse(t, RequestPage(page, RequestView{Request: &r, Source: &source.Source})).Find(".banner").Text()
			if !strings.Contains(got, c.want) || !strings.Contains(got, c.diagnosedA) || strings.Contains(got, c.not) {
				t.Errorf("%s: the page says %q; want %q and not %q", name, got, c.want, c.not)
			}
		}
	})
	t.Run("the_actions_are_those_that_mend_the_cause", func(t *testing.T) {
		ended := &models.SourceSecret{ID: "sec_of_the_sample"}
		for name, c := range map[string]struct {
			cause          inbound.Cause
			diagnosis      inbound.Reason
			secrets        *models.SecretsTried
			restore        int
			accept         int
			labels, absent string
		}{
			"an ended secret": {inbound.CauseSignature, inbound.ReasonEarlierSecret, &models.SecretsTried{Ended: 1, Fits: ended}, 1, 0, "Fix the secret", "none"},
			"a wrong secret":  {inbound.CauseSignature, inbound.ReasonWrongSecret, &models.SecretsTried{InForce: 1}, 0, 1, "Fix the secret", "Source settings"},
			"a changed body":  {inbound.CauseSignature, inbound.ReasonBodyTrimmed, &models.SecretsTried{InForce: 1}, 0, 1, "View all", "Fix the secret"},
			"another form":    {inbound.CauseSignature, inbound.ReasonSecretForm, &models.SecretsTried{InForce: 1}, 0, 1, "Source settings", "Fix the secret"},
			"another URL":     {inbound.CauseSignature, inbound.ReasonURL, &models.SecretsTried{InForce: 1}, 0, 1, "View the source", "Fix the secret"},
			"it passes":       {inbound.CauseSignature, inbound.ReasonWrongSecret, &models.SecretsTried{InForce: 2, Passes: true}, 0, 1, "passes by now", "Fix the secret"},
			"a method":        {inbound.CauseMethod, "", nil, 0, 0, "View all", "Source settings"},
		} {
			r := rows[1]
			r.Cause, r.Diagnosis, r.Secrets = c.cause, c.diagnosis, c.secrets
			doc := parse(t, RequestPage(page, RequestView{Request: &r, Source: &source.Source}))
			banner := doc.Find(".banner").Text()
			if doc.Find("#restore").Length() != c.restore || doc.Find("#accept").Length() != c.accept || !strings.Contains(banner, c.labels) || strings.Contains(banner, c.absent) {
				t.Errorf("%s: %d buttons to restore, %d to accept, and the banner says %q; want %d, %d, %q and not %q", name,
					doc.Find("#restore").Length(), doc.Find("#accept").Length(), banner, c.restore, c.accept, c.labels, c.absent)
			}
		}
	})
	t.Run("of_a_body_that_is_too_large_it_says_what_came", func(t *testing.T) {
		for name, c := range map[string]struct {
			headers []webhook.Header
			want    string
		}{"announced": {[]webhook.Header{{Name: "content-length", Value: "1048577"}}, "1,048,577 bytes were announced"}, "chunked": {nil, "More than 1,048,576 bytes came"}} {
			r := rows[1]
			r.Cause, r.Headers, r.Body, r.BodyBytes = inbound.CauseTooLarge, c.headers, []byte(strings.Repeat("a", 16<<10)), 1<<20+1
			got := parse(t, RequestPage(page, RequestView{Request: &r, Source: &source.Source})).Find("#received").Text()
			if !strings.Contains(got, c.want) || !strings.Contains(got, "the first 16 KiB are kept") || !strings.Contains(got, "16 KiB, the beginning") {
				t.Errorf("%s: the page says %.200q, want %q", name, got, c.want)
			}
		}
	})
	t.Run("it_names_the_header_and_how_many_secrets_were_tried", func(t *testing.T) {
		r := rows[1]
		r.Secrets = &models.SecretsTried{InForce: 1, Ended: 2}
		got := parse(t, RequestPage(page, RequestView{Request: &r, Source: &source.Source})).Text()
		if !strings.Contains(got, "Stripe-Signature is there and well formed") || !strings.Contains(got, "1 current, 2 ended") {
			t.Error("the page names neither Stripe-Signature nor the secrets that were tried")
		}
	})
	t.Run("only_a_whole_request_with_a_wrong_signature_can_be_accepted", func(t *testing.T) {
		old, cut := rows[1], rows[1]
		old.Cause, cut.BodyBytes = inbound.CauseTooOld, len(cut.Body)+1
		for name, c := range map[string]struct {
			request models.Request
			want    int
		}{"whole": {rows[1], 1}, "too old": {old, 0}, "cut": {cut, 0}, "verified": {rows[0], 0}} {
			if got := parse(t, RequestPage(page, RequestView{Request: &c.request, Source: &source.Source})).Find("#accept").Length(); got != c.want {
				t.Errorf("%s: %d buttons to accept, want %d", name, got, c.want)
			}
		}
	})
}

// TestMappingsPreview gives each region a name of its own, by which a screen reader
// tells it from the others.
func TestMappingsPreview(t *testing.T) {
	page := samplePage()
	doc := parse(t, receivingSamples(page, page)["source-mappings-preview"])
	seen := map[string]bool{}
	doc.Find("#" + MappingsPreviewID + " [role=region]").Each(func(_ int, s *goquery.Selection) {
		label := s.AttrOr("aria-label", "")
		if seen[label] {
			t.Errorf("two regions are called %q", label)
		}
		seen[label] = true
	})
	if len(seen) < 2 {
		t.Errorf("the preview has %d regions; want one for each event's data", len(seen))
	}
	if got := doc.Find("#" + MappingsPreviewID + " .story > li.is-failed").Length(); got != 2 {
		t.Errorf("%d requests are shown as failed; want 2", got)
	}
}

// TestSources_attention gives every source whose health isn't good a line with the next
// step, on its list and, if it refuses everything, on its page and the overview.
func TestSources_attention(t *testing.T) {
	page := samplePage()
	refusing := sampleSource("stripe")
	refusing.FirstVerifiedAt, refusing.Failed = agoP(800*time.Second), 0
	refusing.Refusals = &models.RefusedInARow{Count: 57, Since: time.Date(page.Now.Year(), page.Now.Month(), page.Now.Day(), 0, 0, 0, 0, time.UTC), Cause: inbound.CauseSignature}
	yesterday, clock, ended, degraded := refusing, refusing, refusing, refusing
	yesterday.Refusals = &models.RefusedInARow{Count: 3, Since: page.Now.Add(-20 * time.Hour), Cause: inbound.CauseSignature, AllDay: true}
	clock.Refusals = &models.RefusedInARow{Count: 3, Since: page.Now, Cause: inbound.CauseTooOld}
	ended.Refusals, ended.Secrets, degraded.Refusals = nil, 0, nil
	for name, test := range map[string]struct {
		source     models.SourceSummary
		says, does string
	}{
		"since":            {refusing, "has refused every request since 00:00 UTC", "Fix the secret"},
		"all_day":          {yesterday, "has refused every request of the last 24 hours", "Fix the secret"},
		"for_its_clock":    {clock, "The signature is too old", "View them"},
		"without_a_secret": {ended, "has no secret in force", "Fix the secret"},
		"now_and_then":     {degraded, "refused 2 requests within 24 hours", "View them"},
	} {
		t.Run(name, func(t *testing.T) {
			line := parse(t, SourcesPage(page, SourcesView{Rows: []models.SourceSummary{test.source}})).Find(".todo li")
			if got := line.Text(); line.Length() != 1 || !strings.Contains(got, test.says) || !strings.Contains(line.Find(".btn").Text(), test.does) {
				t.Errorf("the list says %q; want %q and the button %q", got, test.says, test.does)
			}
			if test.source.Health() != models.SourceRefusing {
				return
			}
			banner := parse(t, SourcePage(page, SourceView{Source: test.source})).Find("#source-setup .banner").Text()
			view := OverviewView{Refusing: []models.SourceSummary{test.source}}
			todo := parse(t, OverviewPart(page, view)).Find(".todo").Text()
			if !strings.Contains(banner, test.says) || !strings.Contains(todo, test.says) {
				t.Errorf("the source's page says %q, the overview %q; want %q", banner, todo, test.says)
			}
		})
	}
	guest := page
	guest.Role = models.RoleGuest
	if got := parse(t, SourcesPage(guest, SourcesView{Rows: []models.SourceSummary{refusing}})).Find(".todo .btn").Text(); !strings.Contains(got, "View them") {
		t.Errorf("a guest is offered %q; want only to look", got)
	}
}

// TestSourcePage_counts has a source's numbers lead to what they count, and its set-up say
// how many were refused and what was found about the last one.
func TestSourcePage_counts(t *testing.T) {
	page, rows := samplePage(), sampleRequests()
	source := sampleSource("generic_hmac")
	source.Name, source.Refused, source.Failed, source.BodyRetentionDays = "Warehouse", 14, 0, 7
	setup := parse(t, SourcePage(page, SourceView{Source: source, Recent: rows})).Find("#source-setup")
	refused := setup.Find("[aria-label='Refused so far']")
	if got := refused.Text(); !strings.Contains(got, "14 requests were refused within 24 hours") || !strings.Contains(got, rows[1].DiagnosisText) {
		t.Errorf("the set-up says %q; want 14 refused, and the diagnosis of the last one", got)
	}
	if got := setup.Find("h2").Text() + setup.Find("h3").Text(); !strings.Contains(got, "Set up Warehouse") || strings.Contains(got, "Generic HMAC") {
		t.Errorf("the set-up is called %q; want it to name the source, not the method", got)
	}
	doc := parse(t, SourcePage(page, SourceView{Source: source, Recent: rows}))
	want := RequestQuery{SourceID: source.ID, State: inbound.Refused, Period: "24h"}.Path(page.slug())
	if links := doc.Find(".stats a"); links.Length() != 1 || links.AttrOr("href", "") != want {
		t.Errorf("the numbers lead to %d places, the first %q; want only the refused ones to lead to %q", links.Length(), links.AttrOr("href", ""), want)
	}
	if got := doc.Find("[aria-labelledby=policy-title]").Text(); !strings.Contains(got, "Bodies kept7 days") {
		t.Errorf("the settings say %q; want how long bodies are kept", got)
	}
	list := parse(t, SourcesPage(page, SourcesView{Rows: []models.SourceSummary{source}}))
	if shown, hidden := list.Find("td[data-label=Refused]:not(.c-hide)").Length(), list.Find("td[data-label='Not processed'].c-hide").Length(); shown != 1 || hidden != 1 {
		t.Errorf("on a narrow screen the list shows %d counts of refused ones and hides %d of nothing; want 1 and 1", shown, hidden)
	}
}
