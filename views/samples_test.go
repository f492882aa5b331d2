package views

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"

	"hookwell/models"
	"hookwell/webhook"
)

var sampleNow = time.Date(2026, 4, 20, 9, 42, 18, 0, time.UTC)

func ago(d time.Duration) time.Time   { return sampleNow.Add(-d) }
func agoP(d time.Duration) *time.Time { t := ago(d); return &t }

func samplePage() Page {
	return Page{
		Now: sampleNow, Nonce: "nonce", CSRF: "csrf-token", URL: "/o/acme/endpoints", Host: "hooks.example.com", Version: "0.1",
		User:         &models.User{ID: "usr_1", Name: "Priya Raman", Email: "priya.raman@example.com"},
		Organization: &models.Organization{ID: "org_0198f6c2a7b47e1c", Name: "Acme Robotics", Slug: "acme"},
		Role:         models.RoleOwner,
		Memberships: []Membership{
			{Name: "Acme Robotics", Slug: "acme", Role: models.RoleOwner},
			{Name: "Northwind Parts", Slug: "northwind", Role: models.RoleGuest},
		},
		Endpoints: 5,
	}
}

func signedOut() Page {
	page := samplePage()
	page.User, page.Organization, page.Memberships, page.Role = nil, nil, nil, ""
	return page
}

func sampleCatalog(t testing.TB) *webhook.Catalog {
	t.Helper()
	catalog, err := webhook.NewCatalog(nil)
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

func sampleEndpoint(id, name, url string, types ...string) *models.Endpoint {
	return &models.Endpoint{
		ID: id, OrganizationID: "org_0198f6c2a7b47e1c", URL: url, Name: name, EventTypes: types,
		EndpointPolicy: models.NewEndpointInput().EndpointPolicy, CreatedAt: ago(98 * 24 * time.Hour),
	}
}

func sampleEndpoints() []EndpointRow {
	rows := []EndpointRow{
		{Endpoint: sampleEndpoint("ep_crm", "CRM bridge", "https://crm-bridge.example.net/in/acme", "payment.failed", "subscription.*"),
			State: models.EndpointState{LastSuccessAt: agoP(97 * time.Hour), LastFailureAt: agoP(4 * time.Second)}, Waiting: models.CountSoFar{N: 372}},
		{Endpoint: sampleEndpoint("ep_bill", "Billing sync", "https://billing.acme-robotics.example.com/webhooks", "payment.*", "subscription.*"),
			State: models.EndpointState{LastSuccessAt: agoP(3 * time.Second), LastFailureAt: agoP(20 * time.Second)}, Waiting: models.CountSoFar{N: 40}},
		{Endpoint: sampleEndpoint("ep_prod", "Production API", "https://api.acme-robotics.example.com/hooks/hookwell", "*"),
			State: models.EndpointState{LastSuccessAt: agoP(0)}, Waiting: models.CountSoFar{N: 1}},
		{Endpoint: sampleEndpoint("ep_siem", "", "https://siem.example.com/ingest/acme-robotics", "security.*", "api_key.*", "org.member.removed"),
			State: models.EndpointState{LastSuccessAt: agoP(49 * time.Hour)}},
		{Endpoint: sampleEndpoint("ep_stag", "Staging", "https://staging.acme-robotics.example.com/hooks", "*"), Waiting: models.CountSoFar{N: 3}},
	}
	rows[4].Endpoint.DisabledAt = agoP(9 * 24 * time.Hour)
	rows[4].Endpoint.DisabledReason = "Disabled by Marcus Lindqvist"
	for i := range rows {
		rows[i].Strip, rows[i].Counts = sampleStrip(i), models.Counts{Attempts: 400 * i, FailedAttempts: 11 * i, Failed: i, Ms100: 300 * i, Ms500: 100 * i}
		rows[i].Health = models.HealthOf(rows[i].Endpoint, rows[i].State, nil, sampleNow)
	}
	return rows
}

func sampleEndpointList(rows []EndpointRow, filter EndpointQuery) EndpointsView {
	view := EndpointsView{Query: filter, Counts: map[models.Health]int{}}
	for _, row := range rows {
		view.Counts[row.Health]++
		if filter.Health == "" || filter.Health == row.Health {
			view.Rows = append(view.Rows, row)
		}
	}
	if filter.Cursor != "" {
		view.Before, view.Next = "~ep_a", "ep_b"
	}
	return view
}

// sampleStrip has hours without failures, with some, and with nothing else.
func sampleStrip(endpoint int) []models.Step {
	hours := make([]models.Step, models.StripHours)
	for i := range hours {
		hours[i] = models.Step{At: ago(time.Duration(len(hours)-i) * time.Hour), Counts: models.Counts{Attempts: 40 * endpoint, FailedAttempts: endpoint * (i % 5 * 10)}}
	}
	return hours
}

// sampleChooser has more endpoints than are offered.
func sampleChooser() EndpointChooser {
	chooser := EndpointChooser{EndpointChoices: models.EndpointChoices{More: true}}
	for _, row := range sampleEndpoints() {
		chooser.Rows = append(chooser.Rows, models.EndpointChoice{ID: row.Endpoint.ID, Name: row.Endpoint.Name, URL: row.Endpoint.URL})
	}
	return chooser
}

func sampleOverview(period OverviewPeriod, rows []EndpointRow) OverviewView {
	view := OverviewView{Period: period, Before: models.Counts{Delivered: 999, Failed: 1}, Endpoints: len(rows) + 900, Failed: 12, Needing: len(rows) + 40, Worst: rows, Needy: rows,
		States: map[models.State]models.CountSoFar{models.Pending: {N: 119}, models.Retrying: {N: 1000, More: true}}}
	for at := sampleNow.Add(-period.Length); at.Before(sampleNow); at = at.Add(period.Step) {
		n := len(view.Steps)
		view.Steps = append(view.Steps, models.Step{At: at, Counts: models.Counts{Attempts: 10 * n, FailedAttempts: n % 7, Delivered: 9 * n, Failed: n % 3, Ms70: 8 * n, Ms500: n, Ms5000: n % 4}})
	}
	return view
}

func sampleDelivery(n int, eventType, endpoint string, state models.State, attempts, status int, cause webhook.Cause) models.Delivery {
	d := models.Delivery{
		ID: fmt.Sprintf("dlv_01kpcvh2x3f9qa7t5m8rw4z%02d", n), EventID: "evt_01kpcvh2wvb6c1j9s0dk3xpy7g", EventType: eventType,
		EndpointID: "ep_crm", EndpointTitle: endpoint, State: state, AttemptCount: attempts, PlannedAttempts: 10,
		CreatedAt: ago(time.Duration(n*n) * time.Minute), LastStatusCode: status, LastCause: cause,
	}
	if attempts > 0 {
		at := d.CreatedAt.Add(10 * time.Second)
		d.LastAttemptAt, d.LastDurationUs = &at, 192_400
	}
	return d
}

func sampleDeliveries() []models.Delivery {
	rows := []models.Delivery{
		sampleDelivery(1, "payment.failed", "CRM bridge", models.Failed, 10, 401, webhook.CauseStatus),
		sampleDelivery(2, "subscription.updated", "Production API", models.Delivered, 1, 200, ""),
		sampleDelivery(3, "payment.succeeded", "Billing sync", models.Retrying, 2, 0, webhook.CauseTimeout),
		sampleDelivery(4, "subscription.created", "https://siem.example.com/ingest/acme-robotics/a/rather/long/path", models.Pending, 0, 0, ""),
		sampleDelivery(5, "org.member.role_changed", "Production API", models.Delivered, 2, 204, ""),
		sampleDelivery(6, "api_key.created", "Staging", models.Cancelled, 3, 0, webhook.CauseRefused),
		sampleDelivery(7, "payment.refunded", "Data warehouse", models.Failed, 10, 302, webhook.CauseRedirect),
		sampleDelivery(8, "security.2fa_enabled", "CRM bridge", models.Delivered, 1, 202, ""),
	}
	rows[7].Test, rows[7].PlannedAttempts = true, 1
	return rows
}

const hostileBody = "<script>alert(1)</script></pre></code><img src=x onerror=alert(2)>\x00\x1b[31m\"&'"

func sampleAttempt(number int, at time.Time, status int, cause webhook.Cause, body []byte) models.Attempt {
	return models.Attempt{
		DeliveryID: "dlv_01kpcvh2x3f9qa7t5m8rw4zn6e", Number: number, Trigger: models.TriggerSchedule, StartedAt: at,
		DurationUs: 192_300, StatusCode: status, Cause: cause, Requests: 1, RemoteAddress: "203.0.113.24", TLSVersion: "TLS 1.3",
		DNSUs: 5000, ConnectUs: 29_000, TLSUs: 56_000, FirstByteUs: 102_000,
		RequestURL: "https://crm-bridge.example.net/in/acme",
		RequestHeaders: []webhook.Header{{Name: "content-type", Value: "application/json"}, {Name: "webhook-id", Value: "evt_01kpcvh2wvb6c1j9s0dk3xpy7g"},
			{Name: "webhook-signature", Value: "v1,Jr3nq8cVt0mYw2Lx5bKfHs7dPzUeA1oG9iN4RkTQvXE="}, {Name: "x-webhook-retry", Value: "2"}},
		ResponseHeaders: []webhook.Header{{Name: "content-type", Value: "application/json"}, {Name: "server", Value: "<b>nginx</b>"}},
		ResponseBody:    body,
	}
}

func sampleEvent() *models.Event {
	return &models.Event{
		ID: "evt_01kpcvh2wvb6c1j9s0dk3xpy7g", Type: "payment.failed", Origin: models.OriginAPI,
		Body: []byte(`{"id":"evt_01kpcvh2wvb6c1j9s0dk3xpy7g","type":"payment.failed","timestamp":"2026-04-17T02:05:08.731Z","data":{"amount":9007199254740993,"currency":"usd","nested":{"a":[1,-2.5e10,true,null]},"note":"<b>\"quoted\"</b>"}}`),
	}
}

// sampleDeliveryView is a delivery that is being retried: two attempts made,
// eight to come.
func sampleDeliveryView(body []byte) DeliveryView {
	d := sampleDelivery(3, "payment.failed", "CRM bridge", models.Retrying, 2, 401, webhook.CauseStatus)
	next := sampleNow.Add(133 * time.Second)
	d.NextAttemptAt = &next
	return DeliveryView{
		Delivery: &d, Event: sampleEvent(), Endpoint: sampleEndpoints()[0].Endpoint,
		Attempts: []models.Attempt{
			sampleAttempt(1, d.CreatedAt, 0, webhook.CauseTimeout, nil),
			sampleAttempt(2, d.CreatedAt.Add(5*time.Second), 401, webhook.CauseStatus, body),
		},
		Siblings: sampleDeliveries()[1:4],
	}
}

func sampleBench(t testing.TB) TestBench {
	return NewTestBench("ep_crm", "payment.failed", sampleCatalog(t).Categories())
}

func sampleEndpointView(t testing.TB) EndpointView {
	row := sampleEndpoints()[0]
	view := EndpointView{EndpointRow: row, Bench: sampleBench(t), Recent: sampleDeliveries()}
	view.Endpoint.Description = "Tells sales what customers pay."
	return view
}

// sampleVerdicts are every verdict there is.
func sampleVerdicts() []models.Verdict {
	rows := sampleEndpoints()
	prod, billing, crm, siem, staging := rows[2].Endpoint, rows[1].Endpoint, rows[0].Endpoint, rows[3].Endpoint, rows[4].Endpoint
	delivery := func(n int, e *models.Endpoint, state models.State, attempts, status int, cause webhook.Cause) *models.Delivery {
		d := sampleDelivery(n, "payment.failed", e.Title(), state, attempts, status, cause)
		d.EndpointID, d.CreatedAt = e.ID, ago(39*time.Minute)
		return &d
	}
	delivered := delivery(1, prod, models.Delivered, 1, 200, "")
	delivered.DeliveredAt = &delivered.CreatedAt
	retrying := delivery(2, billing, models.Retrying, 3, 503, webhook.CauseStatus)
	next := sampleNow.Add(133 * time.Second)
	retrying.NextAttemptAt = &next
	other := func(name string) *models.Endpoint {
		return sampleEndpoint("ep_"+name, name, "https://example.com/"+name, "payment.*")
	}
	deleted := other("Old CRM")
	deleted.DeletedAt = agoP(4 * 24 * time.Hour)
	return []models.Verdict{
		{Endpoint: prod, Delivery: delivered},
		{Endpoint: billing, Delivery: retrying, Reason: models.Reason(webhook.CauseStatus)},
		{Endpoint: crm, Delivery: delivery(3, crm, models.Pending, 0, 0, ""), Reason: models.ReasonCircuit},
		{Endpoint: deleted, Delivery: delivery(4, deleted, models.Cancelled, 2, 0, webhook.CauseRefused), Reason: models.ReasonEndpointDeleted},
		{Endpoint: siem, Reason: models.ReasonNotSubscribed},
		{Endpoint: staging, Reason: models.ReasonDisabled},
		{Endpoint: other("Younger"), Reason: models.ReasonNotCreated},
		{Endpoint: deleted, Reason: models.ReasonDeleted},
	}
}

func sampleEventView() EventView {
	event := sampleEvent()
	event.CreatedAt, event.OccurredAt = ago(39*time.Minute), ago(50*time.Minute)
	view := EventView{Event: event, Verdicts: sampleVerdicts(), InCatalog: true}
	focus := FocusOf(view.Verdicts)
	view.Focus = &DeliveryView{Delivery: focus.Delivery, Event: event, Endpoint: focus.Endpoint, Attempts: []models.Attempt{
		sampleAttempt(1, event.CreatedAt, 0, webhook.CauseTimeout, nil),
		sampleAttempt(2, event.CreatedAt.Add(20*time.Second), 503, webhook.CauseStatus, nil),
		sampleAttempt(3, event.CreatedAt.Add(5*time.Minute), 503, webhook.CauseStatus, nil),
	}}
	return view
}

func sampleEventsView(t testing.TB) EventsView {
	view := EventsView{Older: "next", Categories: sampleCatalog(t).Categories(), Endpoints: sampleChooser()}
	for i, origin := range models.Origins() {
		view.Rows = append(view.Rows, models.Event{ID: fmt.Sprintf("evt_01kpcvh2wvb6c1j9s0dk3xpy%02d", i), Type: "payment.failed", Origin: origin,
			Test: origin == models.OriginTest, CreatedAt: ago(time.Duration(i*i) * time.Hour), NotSent: models.ReasonDisabled})
	}
	view.States = map[string]map[models.State]int{
		view.Rows[0].ID: {models.Delivered: 12, models.Failed: 1, models.Retrying: 2, models.Pending: 3, models.Cancelled: 1},
		view.Rows[2].ID: {models.Delivered: 1},
	}
	return view
}

func sampleSecret(text string) webhook.Secret {
	secret, err := webhook.ParseSecret(text)
	if err != nil {
		panic(err)
	}
	return secret
}

// sampleSecretView is a rotation of an hour ago, with an overlap.
func sampleSecretView() SecretView {
	end := sampleNow.Add(23 * time.Hour)
	return SecretView{Endpoint: sampleEndpoints()[0].Endpoint, Health: models.HealthFailing, Rotate: RotateForm{OverlapHours: "24"}, Secrets: []models.EndpointSecret{
		{ID: "sec_2", CreatedBy: "Priya Raman", CreatedAt: ago(time.Hour)},
		{ID: "sec_1", CreatedBy: "Marcus Lindqvist", CreatedAt: ago(98 * 24 * time.Hour), ExpiresAt: &end, SignsOlder: true},
	}}
}

func sampleResult() *TestResult {
	d := sampleDelivery(1, "payment.failed", "CRM bridge", models.Failed, 1, 401, webhook.CauseStatus)
	a := sampleAttempt(1, ago(4*time.Second), 401, webhook.CauseStatus, []byte(`{"error":"invalid_signature","requestId":"b7c1f0a2"}`))
	return &TestResult{Delivery: &d, Attempt: &a}
}

func sampleKeys() []models.Key {
	org := "org_0198f6c2a7b47e1c"
	key := func(id, name string, revoked *time.Time, scopes ...models.Scope) models.Key {
		return models.Key{ID: id, OrganizationID: &org, Name: name, Hint: "a1B2", Scopes: scopes, CreatedBy: "Priya Raman",
			CreatedAt: ago(30 * time.Hour), LastUsedAt: agoP(90 * time.Second), RevokedAt: revoked}
	}
	return []models.Key{
		key("key_1", "Production back end", nil, models.ScopeEventsWrite),
		key("key_2", "Reporting", nil, models.ScopeRead, models.ScopeWrite),
		key("key_3", "CI deploy", agoP(time.Hour), models.Scopes()...),
	}
}

// samples are every page and partial in the states that matter.
func samples(t testing.TB) map[string]templ.Component {
	page, out := samplePage(), signedOut()
	categories := sampleCatalog(t).Categories()
	chosen := categories[1].Types[1]
	rows := sampleEndpoints()
	endpoints := []models.Endpoint{*rows[0].Endpoint, *rows[1].Endpoint, *rows[4].Endpoint}
	counts := map[string]int{chosen.Type: 3, "org.created": 2}

	flashed := page
	flashed.Flash = &Flash{FlashDone, "Attempt 11 is under way."}
	guest := page
	guest.Role = models.RoleGuest
	dark := page
	dark.Theme = ThemeDark
	fresh := page
	fresh.Organization, fresh.Memberships = nil, nil
	chooser := page
	chooser.Organization = nil

	faulty := NewEndpointForm(categories)
	faulty.Typed["url"], faulty.Typed["timeoutSeconds"], faulty.Typed["name"] = "https://hooks.internal.example.com/in", "45", "Ledger"
	faulty.EventTypes = []string{"payment.*", "subscription.cancelled"}
	faulty.Faults = webhook.Faults{
		{Field: "url", Message: "hooks.internal.example.com leads to a private address. Use one that can be reached from the internet."},
		{Field: "timeoutSeconds", Message: "Choose 1 to 30 seconds."},
	}
	custom := sampleEndpoint("ep_crm", "CRM bridge", "https://crm-bridge.example.net/in/acme", "*")
	custom.Schedule, _ = webhook.NewSchedule([]int{0, 5, 60})

	created := sampleEndpointView(t)
	created.Secret, created.Recent = sampleSecret("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"), nil
	disabled := sampleEndpointView(t)
	disabled.Endpoint, disabled.Health, disabled.Waiting = rows[4].Endpoint, models.HealthDisabled, models.CountSoFar{N: 3}
	disabled.Bench.Result = sampleResult()
	bench := sampleBench(t)
	bench.Data = `{"amount":"many"}`
	bench.Faults = webhook.Faults{{Field: "data.amount", Message: "must be an integer"}, {Field: "data.paymentId", Message: "is required"}}
	sent := sampleBench(t)
	sent.Result = sampleResult()
	faultyEndpoint := sampleEndpointView(t)
	faultyEndpoint.Bench = bench

	hostile := sampleDeliveryView([]byte(hostileBody))
	failed := sampleDeliveryView([]byte(`{"error":"invalid_signature","message":"webhook-signature does not match"}`))
	failed.Delivery.State, failed.Delivery.NextAttemptAt = models.Failed, nil
	failed.Delivery.AttemptCount, failed.Delivery.EndedAt = 10, agoP(time.Hour)
	failed.Attempts = nil
	at := ago(75 * time.Hour)
	for i, delay := range webhook.Schedules()[0].Delays {
		at = at.Add(delay)
		failed.Attempts = append(failed.Attempts, sampleAttempt(i+1, at, 401, webhook.CauseStatus, []byte(`{"error":"invalid_signature","requestId":"b7c1f0a2"}`)))
	}
	failed.Delivery.CreatedAt = ago(75 * time.Hour)
	waiting := sampleDeliveryView(nil)
	waiting.Attempts, waiting.Delivery.AttemptCount, waiting.Delivery.State, waiting.Delivery.LastCause = nil, 0, models.Pending, ""

	log := DeliveriesView{Rows: sampleDeliveries(), Older: "cursor", Endpoints: sampleChooser(), Categories: categories}
	filtered := log
	filtered.Query = DeliveryQuery{State: models.Failed, EndpointID: "ep_crm", Type: "payment.*", Period: "24h", Cursor: "next"}
	none := filtered
	none.Rows, none.Older = nil, ""
	spoilt := none
	spoilt.Query = DeliveryQuery{Since: "yesterday"}
	_, spoilt.Faults = spoilt.Query.Filter(sampleNow)

	events := sampleEventsView(t)
	missed := events
	missed.Query = EventQuery{Type: "payment.*", Origin: models.OriginAPI, MissedBy: "ep_stag", Period: "24h", Cursor: "next"}
	noEvents := missed
	noEvents.Rows, noEvents.Older = nil, ""
	missedNone := noEvents
	missedNone.Query = EventQuery{MissedBy: "ep_stag"}
	spoiltEvents := EventsView{Query: EventQuery{Since: "yesterday"}, Categories: categories}
	_, spoiltEvents.Faults = spoiltEvents.Query.Filter(sampleNow)
	unsent := sampleEventView()
	unsent.Verdicts, unsent.Focus, unsent.InCatalog = nil, nil, false
	recovering := sampleEndpointView(t)
	recovering.Recovery = RecoveryView{"ep_crm", &models.Recovery{ID: "rec_1", State: models.RecoveryRunning, PerSecond: 10, Total: 372, Queued: 226, Skipped: 3, Waiting: 8}}
	recovered := RecoveryView{"ep_crm", &models.Recovery{ID: "rec_1", State: models.RecoveryDone, PerSecond: 10, Total: 372, Queued: 369, Skipped: 3, EndedAt: agoP(time.Minute)}}
	stopped := RecoveryView{"ep_crm", &models.Recovery{ID: "rec_1", State: models.RecoveryCancelled, PerSecond: 10, Total: 372, Queued: 20, EndedAt: agoP(time.Minute)}}
	recover := RecoverForm{Endpoint: rows[0].Endpoint, Kind: models.RecoverFailed, Since: "2026-04-16T08:39", Type: "payment.*", Causes: []string{"4xx", "timeout"},
		PerSecond: "10", Categories: categories, Count: 372}
	nothingMissing, recoverFaults := recover, recover
	nothingMissing.Kind, nothingMissing.Count = models.RecoverMissing, 0
	recoverFaults.Since, recoverFaults.PerSecond = "yesterday", "many"
	_, recoverFaults.Faults = recoverFaults.Input()

	catalog := CatalogView{Categories: categories, Counts: counts}
	typeView := func(tab CatalogTab, subscribers []models.Endpoint) CatalogView {
		return CatalogView{Categories: categories, Counts: counts, Chosen: chosen, Tab: tab, Subscribers: subscribers}
	}
	keys := KeysView{Rows: sampleKeys(), Form: KeyForm{Scopes: []string{"events:write"}}}
	made := keys
	made.Created, made.Text = &keys.Rows[0], "hwk_3u8wq0Zk5mYb7dXn2VtR4sLpJhGfAcE9iN6oT1yUa1B2"
	refused := keys
	refused.Form = KeyForm{Faults: webhook.Faults{{Field: "name", Message: "Give the key a name."}, {Field: "scopes", Message: "Choose at least one."}}}

	alone := sampleSecretView()
	alone.Secrets = alone.Secrets[:1]
	alone.Secrets[0].SignsOlder = true
	rotated := sampleSecretView()
	rotated.Fresh = sampleSecret("the text of an older sender")
	revealed := sampleSecretView()
	for _, secret := range revealed.Secrets {
		revealed.Revealed = append(revealed.Revealed, models.RevealedSecret{EndpointSecret: secret, Secret: sampleSecret("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")})
	}
	faultySecret := sampleSecretView()
	faultySecret.Faults = webhook.Faults{{Field: "password", Message: "This is not your password."}, {Field: "overlapHours", Message: "Choose 0 to 168 hours."},
		{Field: "secret", Message: "A secret has 16 to 256 characters."}}

	told := sampleOverview(OverviewPeriods()[0], rows)
	told.Notices = []models.Notice{{ID: "not_2", EndpointID: rows[0].Endpoint.ID, Endpoint: rows[0].Endpoint, Kind: models.NoticeDisabling, Since: agoP(50 * time.Hour), DueAt: agoP(-22 * time.Hour), CreatedAt: sampleNow},
		{ID: "not_1", EndpointID: rows[2].Endpoint.ID, Endpoint: rows[2].Endpoint, Kind: models.NoticeRecovered, CreatedAt: ago(time.Hour)}}

	all := map[string]templ.Component{
		"secret":              SecretPage(page, alone),
		"secret-overlap":      SecretPage(page, sampleSecretView()),
		"secret-rotated":      SecretPage(page, rotated),
		"secret-revealed":     SecretPage(page, revealed),
		"secret-faults":       SecretPage(page, faultySecret),
		"recovering":          EndpointPage(page, recovering),
		"recovering-part":     RecoveryBanner(guest, recovering.Recovery),
		"recovered":           RecoveryBanner(page, recovered),
		"recovery-cancelled":  RecoveryBanner(page, stopped),
		"recovery-none":       RecoveryBanner(page, RecoveryView{EndpointID: "ep_crm"}),
		"recover":             RecoverPage(page, recover),
		"recover-nothing":     RecoverPage(page, nothingMissing),
		"recover-faults":      RecoverPage(page, recoverFaults),
		"recover-count":       RecoverCount(page, recover),
		"login":               LoginPage(out, LoginForm{SignupOpen: true, Next: "/o/acme/keys"}),
		"login-wrong":         LoginPage(out, LoginForm{Email: "priya.raman@example.com", Faults: webhook.Faults{{Field: "password", Message: "Email and password don’t match an account."}}}),
		"signup":              SignupPage(out, SignupForm{CodeNeeded: true}),
		"signup-faults":       SignupPage(out, SignupForm{Name: "Priya", Email: "p@example.com", Faults: webhook.Faults{{Field: "password", Message: "Use at least 15 characters."}}}),
		"failure-out":         FailurePage(out, Failure{Status: 404}),
		"failure-404":         FailurePage(page, Failure{Status: 404}),
		"failure-500":         FailurePage(page, Failure{Status: 500, RequestID: "req_01kpcvh2x3f9qa7t"}),
		"failure-429":         FailurePage(out, Failure{Status: 429}),
		"orgs-first":          OrganizationsPage(fresh, OrganizationForm{}),
		"orgs":                OrganizationsPage(chooser, OrganizationForm{Faults: webhook.Faults{{Field: "name", Message: "Give it a name."}}}),
		"overview":            OverviewPage(page, sampleOverview(OverviewPeriods()[0], rows)),
		"overview-notices":    OverviewPage(page, told),
		"overview-month":      OverviewPage(guest, sampleOverview(OverviewPeriods()[2], rows)),
		"overview-nothing":    OverviewPage(dark, OverviewView{Period: OverviewPeriods()[1], Endpoints: 1, Worst: rows[3:4], Steps: make([]models.Step, 56)}),
		"overview-empty":      OverviewPage(page, OverviewView{Period: OverviewPeriods()[0]}),
		"endpoints":           EndpointsPage(flashed, sampleEndpointList(rows, EndpointQuery{})),
		"endpoints-dark":      EndpointsPage(dark, sampleEndpointList(rows, EndpointQuery{Search: "Acme", Health: models.HealthFailing, Cursor: "ep_x"})),
		"endpoints-empty":     EndpointsPage(page, EndpointsView{}),
		"endpoints-guest":     EndpointsPage(guest, sampleEndpointList(rows, EndpointQuery{})),
		"endpoint-new":        EndpointFormPage(page, NewEndpointForm(categories)),
		"endpoint-new-faults": EndpointFormPage(page, faulty),
		"endpoint-edit":       EndpointFormPage(page, EditEndpointForm(custom, []string{"x-api-key"}, categories)),
		"endpoint":            EndpointPage(page, sampleEndpointView(t)),
		"endpoint-created":    EndpointPage(page, created),
		"endpoint-disabled":   EndpointPage(page, disabled),
		"endpoint-faults":     EndpointPage(page, faultyEndpoint),
		"endpoint-guest":      EndpointPage(guest, sampleEndpointView(t)),
		"deliveries":          DeliveriesPage(page, log),
		"deliveries-filtered": DeliveriesPage(page, filtered),
		"deliveries-none":     DeliveriesPage(page, none),
		"deliveries-spoilt":   DeliveriesPage(page, spoilt),
		"delivery":            DeliveryPage(page, sampleDeliveryView([]byte(`{"error":"invalid_signature"}`))),
		"delivery-hostile":    DeliveryPage(page, hostile),
		"delivery-failed":     DeliveryPage(page, failed),
		"delivery-waiting":    DeliveryPage(page, waiting),
		"events":              EventsPage(page, events),
		"events-missed":       EventsPage(page, missed),
		"events-missed-none":  EventsPage(page, missedNone),
		"events-none":         EventsPage(page, noEvents),
		"events-first":        EventsPage(page, EventsView{Categories: categories}),
		"events-spoilt":       EventsPage(page, spoiltEvents),
		"event":               EventPage(page, sampleEventView()),
		"event-guest":         EventPage(guest, sampleEventView()),
		"event-unsent":        EventPage(page, unsent),
		"partial-events":      EventList(page, events),
		"partial-event":       EventPart(page, sampleEventView()),
		"catalog":             CatalogPage(page, catalog),
		"type":                CatalogPage(page, typeView(TabExample, endpoints)),
		"type-schema":         CatalogPage(page, typeView(TabSchema, endpoints)),
		"type-verify":         CatalogPage(page, typeView(TabVerify, endpoints)),
		"type-endpoints":      CatalogPage(page, typeView(TabEndpoints, endpoints)),
		"type-nobody":         CatalogPage(page, typeView(TabEndpoints, nil)),
		"keys":                KeysPage(page, keys),
		"keys-created":        KeysPage(page, made),
		"keys-refused":        KeysPage(page, refused),
		"keys-none":           KeysPage(page, KeysView{}),
		"partial-form":        TestForm(page, bench),
		"partial-answer":      TestResponse(page, sent),
		"partial-recent":      EndpointRecent(page, "ep_crm", sampleDeliveries()),
		"partial-log":         DeliveryLog(page, log),
		"partial-delivery":    DeliveryPart(page, failed),
	}
	maps.Copy(all, accountSamples())
	maps.Copy(all, linkSamples())
	maps.Copy(all, teamSamples(page, out))
	return all
}

func render(t testing.TB, component templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := component.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func parse(t testing.TB, component templ.Component) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(bytes.NewBufferString(render(t, component)))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
