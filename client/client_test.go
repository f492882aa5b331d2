package client_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hookwell/client"
	"hookwell/internal/apitest"
	"hookwell/internal/storetest"
	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/store"
	"hookwell/web"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(testenv.Run(m))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fixture is a whole server, and clients of it.
type fixture struct {
	*apitest.Fixture
	own, platform *client.Client
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{Fixture: apitest.New(t, store.Options{}, func(with apitest.Setup) apitest.Server {
		return web.New(web.Options{Store: with.Store, Tester: with.Tester, Log: with.Log, BaseURL: with.BaseURL, Ready: func(context.Context) error { return nil }})
	})}
	f.own = &client.Client{URL: f.Base, Key: f.Key}
	f.platform = &client.Client{URL: f.Base, Key: f.Platform, Organization: f.Own.Organization().ID}
	return f
}

func (f *fixture) refund(t *testing.T) client.Event {
	return client.Event{Type: "payment.failed", Data: json.RawMessage(storetest.Example(t, "payment.failed"))}
}

func (f *fixture) endpoint(t *testing.T) *client.Endpoint {
	t.Helper()
	made, err := f.own.CreateEndpoint(t.Context(), client.EndpointSettings{URL: &f.Receiver.URL, EventTypes: []string{"*"}})
	must(t, err)
	return made
}

// refused wants a refusal with a code, and a fault at the field unless it is "".
func refused(t *testing.T, err error, status int, code, field string) *client.Error {
	t.Helper()
	var e *client.Error
	if !errors.As(err, &e) || e.Status != status || e.Code != code || client.Code(err) != code {
		t.Fatalf("the error is %v; want %d %s", err, status, code)
	}
	if e.RequestID == "" || e.Title == "" || e.Detail == "" || e.Method == "" {
		t.Errorf("the error is %+v; want the call, a title, a detail and the request's id", e)
	}
	if field != "" && !slices.ContainsFunc(e.Fields, func(f client.FieldError) bool { return f.Field == field && f.Message != "" }) {
		t.Errorf("the fields at fault are %+v; want %s", e.Fields, field)
	}
	return e
}

func TestEndpoints(t *testing.T) {
	f, ctx := newFixture(t), t.Context()
	made, err := f.own.CreateEndpoint(ctx, client.EndpointSettings{URL: &f.Receiver.URL, EventTypes: []string{"payment.*"}, Name: new("Billing"),
		Schedule: &client.Schedule{Seconds: []int{0, 60}}, Headers: map[string]string{"X-Tenant": "acme"}})
	must(t, err)
	if made.ID == "" || !strings.HasPrefix(made.Secret, "whsec_") || made.ETag == "" || made.Name != "Billing" || !slices.Equal(made.Schedule.Seconds, []int{0, 60}) || !made.Enabled || made.Headers["X-Tenant"] == "acme" {
		t.Errorf("CreateEndpoint() returned %+v", made)
	}
	changed, err := f.own.UpdateEndpoint(ctx, made.ID, client.EndpointSettings{Name: new("Billing, EU"), Schedule: &client.Schedule{Name: "brisk"}, Headers: map[string]string{}}, client.IfMatch(made.ETag))
	must(t, err)
	if changed.Name != "Billing, EU" || changed.Schedule.Name != "brisk" || len(changed.Headers) != 0 || changed.ETag == made.ETag || changed.Secret != "" {
		t.Errorf("UpdateEndpoint() returned %+v", changed)
	}
	_, err = f.own.UpdateEndpoint(ctx, made.ID, client.EndpointSettings{Name: new("again")}, client.IfMatch(made.ETag))
	refused(t, err, 412, "precondition_failed", "")
	disabled, err := f.own.DisableEndpoint(ctx, made.ID)
	must(t, err)
	enabled, err := f.own.EnableEndpoint(ctx, made.ID)
	must(t, err)
	if disabled.Enabled || disabled.DisabledReason != "person" || !enabled.Enabled {
		t.Errorf("DisableEndpoint() returned %+v, EnableEndpoint() %+v", disabled, enabled)
	}
	rotated, err := f.own.RotateSecret(ctx, made.ID, client.Rotation{OverlapHours: new(0)})
	must(t, err)
	if rotated.Secret == "" || rotated.Secret == made.Secret {
		t.Errorf("RotateSecret() returned the secret %q after %q", rotated.Secret, made.Secret)
	}
	attempt, err := f.own.TestEndpoint(ctx, made.ID, "payment.failed", nil)
	must(t, err)
	if attempt.StatusCode != 200 || attempt.Trigger != "test" || attempt.Response == nil || attempt.Response.Body != "thanks" {
		t.Errorf("TestEndpoint() returned %+v", attempt)
	}
	read, err := f.own.Endpoint(ctx, made.ID)
	must(t, err)
	if read.Name != "Billing, EU" || read.Secret != "" {
		t.Errorf("Endpoint() returned %+v", read)
	}
	must(t, f.own.DeleteEndpoint(ctx, made.ID))
	refused(t, f.own.DeleteEndpoint(ctx, made.ID), 404, "not_found", "")
	_, err = f.own.CreateEndpoint(ctx, client.EndpointSettings{URL: new("ftp://example.com"), TimeoutSeconds: new(99)})
	refused(t, err, 422, "invalid", "url")
	refused(t, err, 422, "invalid", "timeoutSeconds")
	_, err = f.own.Endpoint(ctx, "../../healthz")
	refused(t, err, 404, "not_found", "")
}

func TestAll_goes_through_every_page(t *testing.T) {
	f := newFixture(t)
	want := map[string]bool{}
	for range 5 {
		want[f.endpoint(t).ID] = true
	}
	short := func(ctx context.Context, p client.Paging) (*client.Page[client.Endpoint], error) {
		p.Limit = 2
		return f.own.Endpoints(ctx, p)
	}
	got := map[string]bool{}
	for endpoint, err := range client.All(t.Context(), short) {
		must(t, err)
		got[endpoint.ID] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("All() went through other endpoints:\n%s", diff)
	}
	f.own.Key = "hwk_unknown"
	for endpoint, err := range client.All(t.Context(), f.own.Endpoints) {
		if refused(t, err, 401, "unauthorized", ""); endpoint.ID != "" {
			t.Errorf("beside an error All() gives %+v", endpoint)
		}
	}
}

func TestEvents(t *testing.T) {
	f, ctx := newFixture(t), t.Context()
	e := f.endpoint(t)
	event := f.refund(t)
	event.IdempotencyKey, event.Timestamp = "payment-1", time.Date(2026, 3, 3, 15, 22, 41, 0, time.FixedZone("", 3600))
	first, err := f.own.SendEvent(ctx, event)
	must(t, err)
	again, err := f.own.SendEvent(ctx, event)
	must(t, err)
	if first.ID == "" || first.Replayed || !again.Replayed || again.ID != first.ID || first.Deliveries != 1 {
		t.Errorf("SendEvent() returned %+v, then %+v", first, again)
	}
	event.Timestamp = time.Time{}
	_, err = f.own.SendEvent(ctx, event)
	refused(t, err, 409, "idempotency_conflict", "")
	for range 2 { // each call has a key of its own
		must(t, func() error { _, err := f.own.SendEvent(ctx, f.refund(t)); return err }())
	}
	_, err = f.own.SendEvent(ctx, client.Event{Type: "payment.failed", Data: map[string]any{"amount": "much"}})
	refused(t, err, 422, "invalid", "data.amount")

	read, err := f.own.Event(ctx, first.ID)
	must(t, err)
	if !read.Timestamp.Equal(time.Date(2026, 3, 3, 14, 22, 41, 0, time.UTC)) || len(read.Verdicts) != 1 || read.Verdicts[0].EndpointID != e.ID || len(read.Data) == 0 {
		t.Errorf("Event() returned %+v", read)
	}
	page, err := f.own.Events(ctx, []string{"payment.*", "org.created"}, client.Paging{Limit: 2})
	must(t, err)
	if len(page.Data) != 2 || page.NextCursor == "" {
		t.Errorf("Events() returned %d rows and the cursor %q; want 2 and more", len(page.Data), page.NextCursor)
	}
}

// The escapes of a text reach the server as they were given.
func TestSendEvent_keeps_the_data(t *testing.T) {
	f := newFixture(t)
	const data = `{"paymentId":"<&> \u00e9","amount":1900,"currency":"usd","status":"failed","errorMessage":"é"}`
	accepted, err := f.own.SendEvent(t.Context(), client.Event{Type: "payment.failed", Data: json.RawMessage(data)})
	must(t, err)
	event, err := f.Own.Event(t.Context(), accepted.ID)
	must(t, err)
	if !strings.Contains(string(event.Body), data) {
		t.Errorf("the event has the body %s, want %s in it", event.Body, data)
	}
}

func TestSendEvents(t *testing.T) {
	f, ctx := newFixture(t), t.Context()
	events := []client.Event{f.refund(t), {Type: "nothing.happened", Data: struct{}{}}, f.refund(t)}
	results, err := f.own.SendEvents(ctx, events, "nightly")
	must(t, err)
	if len(results) != 3 || results[0].Accepted == nil || results[0].Err != nil || results[1].Accepted != nil || client.Code(results[1].Err) != "invalid" || results[2].Accepted == nil {
		t.Fatalf("SendEvents() returned %+v", results)
	}
	again, err := f.own.SendEvents(ctx, events, "nightly")
	must(t, err)
	if again[0].Accepted.ID != results[0].Accepted.ID {
		t.Errorf("the repeated batch was accepted as %s and as %s", results[0].Accepted.ID, again[0].Accepted.ID)
	}
	_, err = f.own.SendEvents(ctx, nil, "")
	refused(t, err, 422, "invalid", "events")

	// A platform key's events may be of several organizations.
	events = []client.Event{f.refund(t), f.refund(t)}
	events[1].Organization = f.Other.Organization().ID
	results, err = f.platform.SendEvents(ctx, events, "")
	must(t, err)
	if results[0].Err != nil || results[1].Err != nil {
		t.Fatalf("SendEvents() returned %+v", results)
	}
	_, err = f.own.Event(ctx, results[0].Accepted.ID)
	must(t, err)
	_, err = f.own.Event(ctx, results[1].Accepted.ID)
	refused(t, err, 404, "not_found", "")
}

func TestDeliveries(t *testing.T) {
	f, ctx := newFixture(t), t.Context()
	made := f.Delivery(t, f.Own)
	filter := client.DeliveryFilter{States: []string{"pending", "retrying"}, Types: []string{"payment.*"}, EndpointID: made.EndpointID, EventID: made.EventID,
		Since: made.CreatedAt.Add(-time.Hour), Until: made.CreatedAt.Add(time.Hour)}
	page, err := f.own.Deliveries(ctx, filter, client.Paging{})
	must(t, err)
	if len(page.Data) != 1 || page.Data[0].ID != made.ID || page.Data[0].State != "pending" || page.NextCursor != "" {
		t.Errorf("Deliveries() returned %+v", page)
	}
	resent, err := f.own.ResendDelivery(ctx, made.ID)
	must(t, err)
	cancelled, err := f.own.CancelDelivery(ctx, made.ID)
	must(t, err)
	read, err := f.own.Delivery(ctx, made.ID)
	must(t, err)
	if resent.ID != made.ID || cancelled.State != "cancelled" || read.State != "cancelled" || read.EventType != "payment.failed" {
		t.Errorf("ResendDelivery() returned %+v, CancelDelivery() %+v, Delivery() %+v", resent, cancelled, read)
	}
	_, err = f.own.CancelDelivery(ctx, made.ID)
	refused(t, err, 409, "ended", "")
	_, err = f.own.Deliveries(ctx, client.DeliveryFilter{States: []string{"lost"}}, client.Paging{Limit: 500})
	refused(t, err, 422, "invalid", "state")
	refused(t, err, 422, "invalid", "limit")
}

func TestOrganizations(t *testing.T) {
	f, ctx := newFixture(t), t.Context()
	made, err := f.platform.CreateOrganization(ctx, client.NewOrganization{Name: "Initech", ExternalID: "customer/17",
		Endpoints: []client.EndpointSettings{{URL: &f.Receiver.URL, EventTypes: []string{"*"}}}})
	must(t, err)
	if made.ID == "" || made.ExternalID != "customer/17" || made.ETag == "" || len(made.Endpoints) != 1 || made.Endpoints[0].Secret == "" {
		t.Errorf("CreateOrganization() returned %+v", made)
	}
	changed, err := f.platform.UpdateOrganization(ctx, made.ID, client.OrganizationChange{Name: new("Initrode"), ExternalID: new("")}, client.IfMatch(made.ETag))
	must(t, err)
	read, err := f.platform.ReadOrganization(ctx, made.ID)
	must(t, err)
	if changed.Name != "Initrode" || changed.ExternalID != "" || read.Name != "Initrode" || read.ETag != changed.ETag {
		t.Errorf("UpdateOrganization() returned %+v, ReadOrganization() %+v", changed, read)
	}
	link, err := f.platform.CreatePortalLink(ctx, made.ID, client.NewPortalLink{Role: "member", Navigation: new(false)})
	must(t, err)
	if !strings.HasPrefix(link.URL, f.Base) || link.ExpiresAt.IsZero() {
		t.Errorf("CreatePortalLink() returned %+v", link)
	}
	_, err = f.platform.CreatePortalLink(ctx, made.ID, client.NewPortalLink{Role: "owner", Minutes: 99})
	refused(t, err, 422, "invalid", "role")
	page, err := f.platform.Organizations(ctx, client.Paging{})
	must(t, err)
	if !slices.ContainsFunc(page.Data, func(o client.Organization) bool { return o.ID == made.ID }) {
		t.Errorf("Organizations() returned %+v", page.Data)
	}
	other := *f.platform
	other.Organization = made.ID
	endpoints, err := other.Endpoints(ctx, client.Paging{})
	must(t, err)
	if len(endpoints.Data) != 1 || endpoints.Data[0].ID != made.Endpoints[0].ID {
		t.Errorf("Endpoints() of the new organization returned %+v", endpoints.Data)
	}
	must(t, f.platform.DeleteOrganization(ctx, made.ID))
	_, err = f.own.Organizations(ctx, client.Paging{})
	refused(t, err, 403, "platform_key_required", "")
	other.Organization = ""
	_, err = other.Endpoints(ctx, client.Paging{})
	refused(t, err, 422, "invalid", "organizationId")
}

// A key is in no error and no printed client, whatever went wrong.
func TestKey_is_shown_nowhere(t *testing.T) {
	f := newFixture(t)
	const key = "hwk_VERYSECRET"
	for name, c := range map[string]*client.Client{
		"unknown":        {URL: f.Base, Key: key},
		"line_break":     {URL: f.Base, Key: key + "\nX: y"},
		"no_server":      {URL: "http://127.0.0.1:1", Key: key},
		"no_URL":         {URL: "hooks.example.com", Key: key},
		"no_scheme":      {URL: "ftp://" + key + "@hooks.example.com", Key: key},
		"other_protocol": {URL: "https://someone:" + key + "@" + strings.TrimPrefix(f.Base, "http://"), Key: key},
	} {
		_, err := c.SendEvent(t.Context(), f.refund(t))
		if err == nil {
			t.Errorf("%s: SendEvent() returned no error", name)
		}
		for _, shown := range []string{fmt.Sprint(err), fmt.Sprintf("%+v %#v %v %s", c, c, *c, *c)} {
			if strings.Contains(shown, "VERYSECRET") && name != "no_scheme" {
				t.Errorf("%s: the key is in %s", name, shown)
			}
		}
	}
	c := client.Client{URL: "https://hooks.example.com", Key: key}
	type inside struct{ C client.Client }
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%t"} {
		fmt.Fprintf(&shown, verb+verb+verb+verb, c, &c, []any{c}, struct{ C *client.Client }{&c})
	}
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&shown, nil), slog.NewTextHandler(&shown, nil)} {
		slog.New(handler).Info("made", "value", c, "pointer", &c, "inside", inside{c})
	}
	for _, write := range []func(any) ([]byte, error){json.Marshal, xml.Marshal} {
		for _, value := range []any{c, &c, inside{c}} {
			text, err := write(value)
			if err != nil || len(text) == 0 {
				t.Errorf("marshalling a client returned %q, %v", text, err)
			}
			shown.Write(text)
		}
	}
	if text := shown.String(); strings.Contains(text, "VERYSECRET") || strings.Contains(text, fmt.Sprintf("%x", "VERYSECRET")) || !strings.Contains(text, `"client of https://hooks.example.com"`) {
		t.Errorf("a client is printed, logged and marshalled as %s", text)
	}
	if _, err := (&client.Client{URL: f.Base}).Events(t.Context(), nil, client.Paging{}); err == nil || !strings.Contains(err.Error(), "no key") {
		t.Errorf("without a key Events() returned %v", err)
	}
	withBreak := &client.Client{URL: f.Base + "/", Key: f.Key + "\n"}
	_, err := withBreak.Events(t.Context(), nil, client.Paging{})
	must(t, err)
}

// The types have every property of the API's document.
func TestTypes_follow_the_document(t *testing.T) {
	document := newFixture(t).Contract(t)
	for name, of := range map[string]struct {
		kind reflect.Type
		less []string // that the type leaves out
	}{
		"AcceptedEvent":        {reflect.TypeFor[client.AcceptedEvent](), nil},
		"EventAlone":           {reflect.TypeFor[client.ReportedEvent](), nil},
		"Verdict":              {reflect.TypeFor[client.Verdict](), nil},
		"Endpoint":             {reflect.TypeFor[client.Endpoint](), nil},
		"NewEndpoint":          {reflect.TypeFor[client.EndpointSettings](), []string{"organizationId"}},
		"EndpointChange":       {reflect.TypeFor[client.EndpointSettings](), []string{"organizationId"}},
		"SecretRotation":       {reflect.TypeFor[client.Rotation](), []string{"organizationId"}},
		"DeliveryAlone":        {reflect.TypeFor[client.Delivery](), nil},
		"Attempt":              {reflect.TypeFor[client.Attempt](), nil},
		"Timings":              {reflect.TypeFor[client.Timings](), nil},
		"Request":              {reflect.TypeFor[client.Request](), nil},
		"Response":             {reflect.TypeFor[client.Response](), nil},
		"OrganizationCreated":  {reflect.TypeFor[client.Organization](), nil},
		"NewOrganization":      {reflect.TypeFor[client.NewOrganization](), nil},
		"Source":               {reflect.TypeFor[client.Source](), nil},
		"NewSource":            {reflect.TypeFor[client.SourceSettings](), []string{"organizationId"}},
		"NewSourceSecret":      {reflect.TypeFor[client.NewSourceSecret](), []string{"organizationId"}},
		"PreviewedRequest":     {reflect.TypeFor[client.PreviewedRequest](), nil},
		"PreviewedEvent":       {reflect.TypeFor[client.PreviewedEvent](), nil},
		"PreviewFault":         {reflect.TypeFor[client.PreviewFault](), nil},
		"ReceivedRequestAlone": {reflect.TypeFor[client.ReceivedRequest](), nil},
		"NewReplay":            {reflect.TypeFor[client.NewReplay](), []string{"organizationId"}},
		"Replay":               {reflect.TypeFor[client.Replay](), nil},
		"NewPortalLink":        {reflect.TypeFor[client.NewPortalLink](), nil},
		"PortalLink":           {reflect.TypeFor[client.PortalLink](), nil},
		"Suppression":          {reflect.TypeFor[client.Suppression](), nil},
		"Problem":              {reflect.TypeFor[client.Error](), nil},
		"ProblemField":         {reflect.TypeFor[client.FieldError](), nil},
	} {
		var has []string
		for field := range fields(of.kind) {
			has = append(has, field)
		}
		var want []string
		for property := range document.At("components", "schemas", name, "properties") {
			if !slices.Contains(of.less, property) {
				want = append(want, property)
			}
		}
		slices.Sort(has)
		slices.Sort(want)
		if diff := cmp.Diff(want, has); diff != "" {
			t.Errorf("%v and the schema %s differ (-schema +type):\n%s", of.kind, name, diff)
		}
	}
}

// fields are the names of a struct in JSON.
func fields(kind reflect.Type) map[string]bool {
	names := map[string]bool{}
	for i := range kind.NumField() {
		if name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
			names[name] = true
		}
	}
	return names
}

// The retries are those of the server's own refusals too.
func TestSendEvent_comes_again_after_429(t *testing.T) {
	f := newFixture(t)
	waited := 0
	f.own.Retries = 1
	f.own.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if waited++; waited == 1 {
			return answer(429, `{"status":429,"code":"too_many_requests"}`, "Retry-After", "0"), nil
		}
		return http.DefaultTransport.RoundTrip(r)
	})}
	_, err := f.own.SendEvent(t.Context(), f.refund(t))
	must(t, err)
	if waited != 2 {
		t.Errorf("SendEvent() made %d requests, want 2", waited)
	}
}

// TestSources goes through what a client does with a source.
func TestSources(t *testing.T) {
	f := newFixture(t)
	c, ctx := f.own, t.Context()
	s, err := c.CreateSource(ctx, client.SourceSettings{Name: new("Stripe"), Provider: new("stripe"), Secrets: []string{"whsec_dGVzdHMtb2YtcmVjZWl2aW5nLTAxMjM0"}})
	must(t, err)
	if !strings.HasPrefix(s.URL, f.Base+"/in/") || s.SecretCount != 1 {
		t.Fatalf("CreateSource() returned %+v", s)
	}
	if s, err = c.UpdateSource(ctx, s.ID, client.SourceSettings{Name: new("Stripe, test mode")}, client.IfMatch(s.ETag)); err != nil || s.Name != "Stripe, test mode" {
		t.Fatalf("UpdateSource() returned %+v, %v", s, err)
	}
	if s, err = c.AddSourceSecret(ctx, s.ID, client.NewSourceSecret{Secret: "whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAxMg", OverlapHours: new(0)}); err != nil || s.SecretCount != 1 {
		t.Fatalf("AddSourceSecret() returned %+v, %v", s, err)
	}
	before := s.URL
	if s, err = c.RotateSourceURL(ctx, s.ID, 24); err != nil || s.URL == before || s.EarlierURLUntil == nil {
		t.Fatalf("RotateSourceURL() returned %+v, %v", s, err)
	}
	q, err := c.TestSource(ctx, s.ID, "invoice.paid")
	if err != nil || q.State != "verified" || !q.Test || q.Body == "" {
		t.Fatalf("TestSource() returned %+v, %v", q, err)
	}
	for n := 1; n > 0; {
		n, err = f.Store.Engine().ProcessRequests(ctx)
		must(t, err)
	}
	page, err := c.Requests(ctx, client.RequestFilter{SourceID: s.ID, States: []string{"verified"}}, client.Paging{})
	if err != nil || len(page.Data) != 1 || len(page.Data[0].EventIDs) != 2 {
		t.Fatalf("Requests() returned %+v, %v; want one with two events", page, err)
	}
	for _, id := range page.Data[0].EventIDs {
		if event, err := c.Event(ctx, id); err != nil || len(event.Data) == 0 {
			t.Errorf("Event(%s) returned %+v, %v", id, event, err)
		}
	}
	previewed, err := c.PreviewMappings(ctx, s.ID, nil)
	if err != nil || len(previewed) != 1 || previewed[0].RequestID != q.ID || len(previewed[0].Events) != 1 || !previewed[0].Events[0].Repeated || len(previewed[0].Events[0].Data) == 0 {
		t.Errorf("PreviewMappings() returned %+v, %v; want the event that was made", previewed, err)
	}
	if again, err := c.ReplayRequest(ctx, q.ID, true); err != nil || again.Processing != "waiting" {
		t.Errorf("ReplayRequest() returned %+v, %v", again, err)
	}
	replay, err := c.ReplayRequests(ctx, client.NewReplay{SourceID: s.ID, Processing: []string{"waiting"}})
	if err != nil || replay.Count != 1 {
		t.Fatalf("ReplayRequests() returned %+v, %v", replay, err)
	}
	if replay, err = c.CancelReplay(ctx, replay.ID); err != nil || replay.State != "cancelled" {
		t.Errorf("CancelReplay() returned %+v, %v", replay, err)
	}
	if _, err := c.AcceptRequest(ctx, q.ID); err == nil {
		t.Error("AcceptRequest() of a verified one made no fault")
	}
	must(t, f.platform.SetReferences(ctx, f.Own.Organization().ID, map[string]string{"stripe": "cus_9"}))
	if list, err := f.platform.References(ctx, f.Own.Organization().ID); err != nil || list["stripe"] != "cus_9" {
		t.Errorf("References() returned %v, %v", list, err)
	}
	must(t, f.Store.Database().Create(&models.Suppression{Address: "ada@example.com", Kind: models.MailBounced, Reason: "550", CreatedAt: f.Store.Now()}).Error)
	if list, err := f.platform.Suppressions(ctx); err != nil || len(list.Data) != 1 || list.Data[0].Kind != "bounced" || list.Data[0].Reason != "550" {
		t.Errorf("Suppressions() returned %+v, %v; want one", list, err)
	}
	must(t, f.platform.LiftSuppression(ctx, "ada@example.com"))
	refused(t, f.platform.LiftSuppression(ctx, "ada@example.com"), http.StatusNotFound, "not_found", "")
	must(t, c.DeleteSource(ctx, s.ID))
	if list, err := c.Sources(ctx); err != nil || len(list.Data) != 0 {
		t.Errorf("Sources() returned %v, %v; want none", list, err)
	}
}
