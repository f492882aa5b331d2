package web

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/inbound"
	"hookwell/internal/apitest"
	"hookwell/models"
	"hookwell/models/store"
	"hookwell/web/api"
)

// route is what the tests know of a route. A page under /o/:org asks for a
// right, an API route for what apiTable says; any other page for a session,
// unless it is public.
type route struct {
	method, path string
	public       bool
	right        models.Right
	query        string     // of a page that shows nothing without one
	form         url.Values // what a page's form sends; nil is GET
	body         string     // what an API request sends
	status       int        // of who may; 0 is 200 for GET and API, 303 for a form
	// ready puts the rows into the state that the request is for.
	ready func(t *testing.T, store *store.Store, tenant *store.Tenant, ids rows)
	// own makes the person whose own page it is, and adds to the ids what it needs.
	own func(t *testing.T, w *world, ids rows) *browser
	// after mends what the tests of other routes need.
	after func(t *testing.T, w *world)
	// still marks what changes no row but a session.
	still bool
}

// knownRoutes says of every route what it asks for. In query, form and body
// stands :delivery for the id of a delivery, and so on; see fill.
func knownRoutes() []route {
	return slices.Concat(pageRoutes(), receivingRoutes(), accountKnown(), teamRoutes(), apiKnown(), lastRoutes())
}

func pageRoutes() []route {
	see, operate, administer := models.RightSee, models.RightOperate, models.RightAdminister
	return []route{
		{path: "/healthz", public: true}, {path: "/readyz", public: true}, {path: "/static/:file", public: true}, {method: "GET", path: api.DocumentPath, public: true}, {path: referencePath, public: true},
		{path: "/", public: true, status: 303}, {path: "/login", public: true}, {path: "/signup", public: true},
		{path: "/login", public: true, form: url.Values{"email": {"nobody@example.com"}, "password": {"x"}}, status: 422},
		{path: "/signup", public: true, form: url.Values{"email": {":delivery@example.com"}, "name": {"New"}, "password": {password}}, status: 200},
		{path: "/logout", public: true, form: url.Values{}, still: true},
		{path: "/appearance", public: true, form: url.Values{"theme": {"dark"}}, still: true},
		{path: "/portal", public: true}, {path: "/portal/:token", public: true, status: 404},
		{path: "/portal/:token", public: true, form: url.Values{}, status: 404, still: true},
		{path: "/orgs"}, {path: "/orgs", form: url.Values{"name": {"Globex"}}},
		{path: "/o/:org", right: see}, {path: "/o/:org/find", right: see, query: "?q=:delivery", status: 303}, {path: "/o/:org/stream", right: see},
		{path: "/o/:org/events", right: see}, {path: "/o/:org/events/:event", right: see},
		{path: "/o/:org/deliveries", right: see}, {path: "/o/:org/deliveries/:delivery", right: see},
		{path: "/o/:org/deliveries/:delivery/row", right: see}, {path: "/o/:org/catalog", right: see},
		{path: "/o/:org/catalog/:type", right: see}, {path: "/o/:org/endpoints", right: see}, {path: "/o/:org/endpoints/:endpoint", right: see},
		{path: "/o/:org/endpoints/:endpoint/recovery", right: see},
		{path: "/o/:org/deliveries/:delivery/resend", right: operate, form: url.Values{}},
		{path: "/o/:org/deliveries/:delivery/cancel", right: operate, form: url.Values{}},
		{path: "/o/:org/deliveries/resend", right: operate, form: url.Values{"id": {":delivery"}}},
		{path: "/o/:org/deliveries/cancel", right: operate, form: url.Values{"id": {":delivery"}}},
		{path: "/o/:org/endpoints/:endpoint/recover", right: operate},
		{path: "/o/:org/endpoints/:endpoint/recover", right: operate, form: url.Values{"since": {"2020-01-01T00:00"}}, ready: noRecovery},
		{path: "/o/:org/notices/:notice/dismiss", right: operate, form: url.Values{}},
		{path: "/o/:org/recoveries/:recovery/cancel", right: operate, form: url.Values{}},
		{path: "/o/:org/endpoints/:endpoint/test", right: operate},
		{path: "/o/:org/endpoints/:endpoint/test", right: operate, form: url.Values{"type": {"org.member.added"}}, status: 200},
		{path: "/o/:org/endpoints", right: administer, form: endpointFields("http://127.0.0.1:9/new"), status: 201},
		{path: "/o/:org/endpoints/schedule", right: administer, query: "?schedule=custom&delays=0s,5m"},
		{path: "/o/:org/endpoints/new", right: administer}, {path: "/o/:org/endpoints/:endpoint/edit", right: administer},
		{path: "/o/:org/endpoints/:endpoint/edit", right: administer, form: endpointFields("http://127.0.0.1:9/edited")},
		{path: "/o/:org/endpoints/:endpoint/enable", right: administer, form: url.Values{}, ready: disabled},
		{path: "/o/:org/endpoints/:endpoint/disable", right: administer, form: url.Values{}},
		{path: "/o/:org/endpoints/:endpoint/delete", right: administer, form: url.Values{}},
		{path: "/o/:org/endpoints/:endpoint/secret", right: administer},
		{path: "/o/:org/endpoints/:endpoint/secret/rotate", right: administer, form: url.Values{"overlapHours": {"24"}}, status: 201},
		{path: "/o/:org/endpoints/:endpoint/secret/reveal", right: administer, form: url.Values{"password": {password}}, status: 200},
		{path: "/o/:org/endpoints/:endpoint/secret/switch", right: administer, form: url.Values{}},
		{path: "/o/:org/endpoints/:endpoint/secret/:secret/expire", right: administer, form: url.Values{}},
		{path: "/o/:org/audit", right: administer}, {path: "/o/:org/audit/export.csv", right: administer},
		{path: "/o/:org/keys", right: administer},
		{path: "/o/:org/keys", right: administer, form: url.Values{"name": {"k"}, "scopes": {"read"}}, status: 201},
		{path: "/o/:org/keys/:key/revoke", right: administer, form: url.Values{}},
	}
}

// apiKnown are the routes of the API, :id in their paths by its noun.
func apiKnown() []route {
	list := []route{
		{method: "POST", path: "/events", body: `{"type":":type","data":{"organizationId":"o","memberId":"m","userId":"u","email":"a@example.com","role":"member"}}`, status: 202},
		{method: "POST", path: "/events/batch", body: `{"events":[{"type":":type","data":{"organizationId":"o","memberId":"m","userId":"u","email":"a@example.com","role":"member"}}]}`},
		{method: "GET", path: "/events"}, {method: "GET", path: "/events/:event"},
		{method: "GET", path: "/event-types"}, {method: "GET", path: "/event-types/:type"},
		{method: "GET", path: "/endpoints"}, {method: "GET", path: "/endpoints/:endpoint"},
		{method: "POST", path: "/endpoints", body: `{"url":"http://127.0.0.1:9/new","eventTypes":["*"]}`, status: 201},
		{method: "PATCH", path: "/endpoints/:endpoint", body: `{"name":"Taken over","enabled":false}`},
		{method: "DELETE", path: "/endpoints/:endpoint", status: 204},
		{method: "POST", path: "/endpoints/:endpoint/enable", ready: disabled},
		{method: "GET", path: "/endpoints/:endpoint/missed"},
		{method: "POST", path: "/endpoints/:endpoint/disable"},
		{method: "POST", path: "/endpoints/:endpoint/rotate-secret", body: `{"overlapHours":1}`},
		{method: "POST", path: "/endpoints/:endpoint/test", body: `{"type":":type"}`},
		{method: "POST", path: "/endpoints/:endpoint/recover", body: `{"since":"2026-01-01T00:00:00Z"}`, status: 202, ready: noRecovery},
		{method: "GET", path: "/deliveries"}, {method: "GET", path: "/deliveries/:delivery"},
		{method: "POST", path: "/deliveries/:delivery/resend", status: 202},
		{method: "POST", path: "/deliveries/:delivery/cancel"},
		{method: "GET", path: "/recoveries/:recovery"}, {method: "POST", path: "/recoveries/:recovery/cancel"},
		{method: "GET", path: "/sources"}, {method: "GET", path: "/sources/:source"},
		{method: "POST", path: "/sources", body: `{"name":"GitHub","provider":"github","secrets":["a secret of tests, long enough"]}`, status: 201},
		{method: "PATCH", path: "/sources/:source", body: `{"name":"Taken over","enabled":false}`},
		{method: "DELETE", path: "/sources/:source", status: 204},
		{method: "POST", path: "/sources/:source/secrets", body: `{"secret":"whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAxMg"}`},
		{method: "POST", path: "/sources/:source/rotate-url"},
		{method: "POST", path: "/sources/:source/test"},
		{method: "POST", path: "/sources/:source/preview", body: `{"mappings":[]}`, still: true},
		{method: "GET", path: "/requests"}, {method: "GET", path: "/requests/:request"},
		{method: "POST", path: "/requests/replay", body: `{}`, status: 202},
		{method: "POST", path: "/requests/:request/replay", status: 202},
		{method: "POST", path: "/requests/:refused/accept"},
		{method: "GET", path: "/replays/:replay"}, {method: "POST", path: "/replays/:replay/cancel"},
		{method: "GET", path: "/organizations/:organization/references"},
		{method: "PUT", path: "/organizations/:organization/references", body: `{"stripe":":delivery"}`},
		{method: "POST", path: "/organizations", body: `{"name":"One more"}`, status: 201},
		{method: "GET", path: "/organizations"}, {method: "GET", path: "/organizations/:organization"},
		{method: "PATCH", path: "/organizations/:organization", body: `{"name":"Renamed"}`},
		{method: "DELETE", path: "/organizations/:organization", status: 204, ready: anotherOrganization},
		{method: "POST", path: "/organizations/:organization/portal-link", body: `{"role":"admin"}`, status: 201},
		{method: "GET", path: "/suppressions", ready: suppression},
		{method: "POST", path: "/suppressions/lift", body: `{"address":"priya@acme.example"}`, status: 204, ready: suppression},
	}
	for i := range list {
		list[i].path = api.Path + list[i].path
	}
	return list
}

func disabled(t *testing.T, _ *store.Store, tenant *store.Tenant, ids rows) {
	_, err := tenant.DisableEndpoint(t.Context(), ids["endpoint"])
	must(t, err)
}

// suppression stops mail to an address.
func suppression(t *testing.T, store *store.Store, _ *store.Tenant, _ rows) {
	s := &models.Suppression{Address: "priya@acme.example", Kind: models.MailBounced, Reason: "550", CreatedAt: store.Now()}
	must(t, store.Database().Save(s).Error)
}

// anotherOrganization spares the one that the tests of other routes need.
func anotherOrganization(t *testing.T, store *store.Store, _ *store.Tenant, ids rows) {
	org, _, err := store.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: "Short"})
	must(t, err)
	ids["organization"] = org.ID
}

func noRecovery(t *testing.T, _ *store.Store, tenant *store.Tenant, ids rows) {
	_, err := tenant.CancelRecovery(t.Context(), ids["recovery"])
	must(t, err)
}

// anyID is a parameter that names a row, for comparing paths.
var anyID = regexp.MustCompile(`:(id|event|endpoint|delivery|recovery|organization|source|request|refused|replay)\b`)

// name is the route as Fiber lists it: the API calls every row :id.
func (r route) name() string {
	if r.api() {
		return r.method + " " + anyID.ReplaceAllString(r.path, ":id")
	}
	return r.method + " " + r.path
}

func (r route) api() bool { return strings.HasPrefix(r.path, api.Path+"/") }

func (r route) inOrganization() bool { return strings.HasPrefix(r.path, "/o/:org") }

// table is every route, from the server itself. One that knownRoutes does not
// know fails the test, and so does one that is gone.
func (s *site) table(t *testing.T) []route {
	t.Helper()
	known := knownRoutes()
	var names []string
	for i := range known {
		r := &known[i]
		if r.method == "" {
			r.method = http.MethodGet
			if r.form != nil {
				r.method = http.MethodPost
			}
		}
		if r.status == 0 {
			r.status = http.StatusOK
			if r.form != nil {
				r.status = http.StatusSeeOther
			}
		}
		names = append(names, r.name())
	}
	var served []string
	for _, r := range s.app.GetRoutes(true) {
		if r.Method == fiber.MethodHead || slices.Contains([]string{"/fails", "/panics", "/overlaps"}, strings.TrimPrefix(r.Path, api.Path)) {
			continue
		}
		if strings.HasPrefix(r.Path, models.ReceivePath) {
			continue // which asks for a token alone: see web/receive
		}
		name := r.Method + " " + r.Path
		served = append(served, name)
		if !slices.Contains(names, name) {
			t.Errorf("the tests don't know the route %s: say in knownRoutes what it asks for", name)
		}
	}
	for _, n := range names {
		if !slices.Contains(served, n) {
			t.Errorf("the route %s is gone", n)
		}
	}
	return known
}

// pageTable are the routes of the table that browsers use.
func (s *site) pageTable(t *testing.T) []route {
	t.Helper()
	return slices.DeleteFunc(s.table(t), route.api)
}

// access is what an API route asks of a key.
func (r route) access(t *testing.T) api.Access {
	t.Helper()
	for _, known := range api.Routes() {
		if r.name() == known.Method+" "+api.Path+known.Path {
			return known.Access
		}
	}
	t.Fatalf("%s is not in apiTable", r.name())
	return ""
}

// rows are the ids of one organization's rows, to fill into paths.
type rows map[string]string

// placeholder is a name that rows fills in.
var placeholder = regexp.MustCompile(`:[a-z]+\b`)

// path fills in the names that the rows have; what is no name stays.
func (r rows) path(pattern string) string {
	return placeholder.ReplaceAllStringFunc(pattern, func(name string) string {
		if id, ok := r[name[1:]]; ok {
			return id
		}
		return name
	})
}

// with is the same rows but for one.
func (r rows) with(name, id string) rows {
	other := maps.Clone(r)
	other[name] = id
	return other
}

// fill gives an organization one of everything.
func (s *site) fill(t *testing.T, org *models.Organization) rows {
	t.Helper()
	tenant := s.tenantOf(t, org)
	key, _, err := tenant.CreateKey(t.Context(), models.NewKey{Name: "k", Scopes: []string{"read"}})
	must(t, err)
	invitation, token, err := tenant.Invite(t.Context(), models.NewInvitation{Email: strings.ToLower(rand.Text()) + "@example.com", Role: models.RoleMember})
	must(t, err)
	in := models.NewEndpointInput()
	in.URL, in.EventTypes = "http://127.0.0.1:9/hook", []string{"*"}
	e, _, err := tenant.CreateEndpoint(t.Context(), in)
	must(t, err)
	_, _, err = tenant.RotateSecret(t.Context(), e.ID, models.Rotation{OverlapHours: 24})
	must(t, err)
	secrets, err := tenant.Secrets(t.Context(), e.ID)
	must(t, err)
	kind, _ := s.Store.Catalog().Lookup("org.member.added")
	_, err = tenant.Publish(t.Context(), models.NewEvent{Type: kind.Type, Data: kind.Example})
	must(t, err)
	apitest.AwaitWritten(t, s.Store)
	list, _, err := tenant.Deliveries(t.Context(), models.DeliveryFilter{EndpointID: e.ID}, models.Page{})
	must(t, err)
	recovery, err := tenant.Recover(t.Context(), e.ID, models.RecoveryInput{Since: s.Store.Now().Add(-time.Hour)})
	must(t, err)
	received := received(t, s.Store, s.db, tenant)
	return rows{"credential": received.credential, "source": received.source, "request": received.request, "refused": received.refused, "replay": received.replay, "organization": org.ID, "member": s.colleague(t, org), "invitation": invitation.ID, "token": token, "recovery": recovery.ID, "notice": s.notice(t, org, e), "org": org.Slug, "endpoint": e.ID, "secret": secrets[1].ID, "key": key.ID, "delivery": list[0].ID, "event": list[0].EventID, "type": kind.Type, "file": "app.js"}
}

// taken is a source with what it took in.
type taken struct{ source, credential, request, refused, replay string }

// received makes a source with a request that it took in, one that it refused and
// takes by now, and a replay.
func received(t *testing.T, s *store.Store, db *sql.DB, tenant *store.Tenant) taken {
	t.Helper()
	// An organization has few of them, and runs fewer replays at once.
	for _, old := range []string{"UPDATE request_replays SET state = 'done'", "UPDATE sources SET deleted_at = created_at"} {
		_, err := db.Exec(old + " WHERE organization_id = '" + tenant.Organization().ID + "'")
		must(t, err)
	}
	r := tenant.Receiving()
	in := models.NewSourceInput()
	in.Name, in.Provider, in.Secrets = "Stripe", "stripe", []string{"whsec_dGVzdHMtb2YtcmVjZWl2aW5nLTAxMjM0"}
	in.Slug = "stripe_" + strings.ToLower(rand.Text()[:8])
	source, err := r.CreateSource(t.Context(), in)
	must(t, err)
	sample, err := r.SendSample(t.Context(), source.ID, "")
	must(t, err)
	opened, err := s.Engine().SourceByToken(t.Context(), strings.TrimPrefix(source.Path, models.ReceivePath))
	must(t, err)
	const later = "whsec_dGVzdHMtb2YtcmVjZWl2aW5nLTk4NzY1"
	secret, err := opened.Verifier.ParseSecret(later)
	must(t, err)
	request, err := opened.Verifier.SignSample("", secret, "https://hooks.example.com"+source.Path, s.Now())
	must(t, err)
	request.ReceivedAt, request.RemoteAddress = s.Now(), netip.MustParseAddr("127.0.0.1")
	_, err = s.Engine().Handle(t.Context(), opened, request, "", false)
	must(t, err)
	_, err = r.AddSourceSecret(t.Context(), source.ID, later, nil)
	must(t, err)
	refused, _, err := r.Requests(t.Context(), models.RequestFilter{SourceID: source.ID, States: []inbound.State{inbound.Refused}}, models.Page{})
	must(t, err)
	replay, err := r.ReplayRequests(t.Context(), models.RequestFilter{SourceID: source.ID}, 0, false)
	must(t, err)
	secrets, err := r.SourceSecrets(t.Context(), source.ID)
	must(t, err)
	return taken{source.ID, secrets[0].ID, sample.ID, refused[0].ID, replay.ID}
}

// notice opens one about the endpoint.
func (s *site) notice(t *testing.T, org *models.Organization, e *models.Endpoint) string {
	t.Helper()
	id := "ntc_" + e.ID
	_, err := s.db.Exec(fmt.Sprintf("INSERT INTO notices (id, organization_id, endpoint_id, kind, created_at, dismissed_by) VALUES ('%s', '%s', '%s', 'gone', '%s', '')",
		id, org.ID, e.ID, s.Store.Now().Format("2006-01-02 15:04:05.000000-07:00")))
	must(t, err)
	return id
}
