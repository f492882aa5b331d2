package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

// apiFixture is a server on loopback with two organizations and their keys.
type apiFixture struct {
	server   *Server
	store    *store.Store
	database *sql.DB // the same one, to see that nothing changed
	base     string
	clock    *database.Clock
	log      *bytes.Buffer

	own, other       *store.Tenant
	key, otherKey    string // every scope
	platform         string
	receiver         *httptest.Server
	receiverAnswer   http.HandlerFunc
	receivedRequests [][]byte
}

// storeTester sends test events as the real one does.
type storeTester struct {
	store  *store.Store
	sender *webhook.Sender
}

func (t *storeTester) Test(ctx context.Context, tenant *store.Tenant, endpointID, eventType string, data []byte) (string, error) {
	job, err := tenant.BeginTest(ctx, endpointID, eventType, data)
	if err != nil {
		return "", err
	}
	if job.Sent {
		return job.DeliveryID, nil
	}
	result := pipeline.Result{Job: *job, Exchange: t.sender.Send(ctx, job.Message)}
	return job.DeliveryID, t.store.Engine().Record(ctx, []pipeline.Result{result})
}

var apiCatalog = sync.OnceValues(func() (*webhook.Catalog, error) { return webhook.NewCatalog(nil) })

// apiStores runs a test on both databases.
func apiStores(t *testing.T, test func(t *testing.T, f *apiFixture)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newAPIFixture(t)) })
	t.Run("postgres", func(t *testing.T) {
		address := testenv.DatabaseFrom(t, "migrated", func(address string) error {
			s, err := store.Open(context.Background(), store.Options{DatabaseURL: address})
			if err != nil {
				return err
			}
			defer s.Close()
			return s.Database().Migrate(context.Background())
		})
		test(t, newAPIFixtureOn(t, store.Options{DatabaseURL: address}, "pgx", address))
	})
}

func newAPIFixture(t testing.TB) *apiFixture {
	path := filepath.Join(t.TempDir(), "hookwell.db")
	return newAPIFixtureOn(t, store.Options{SQLitePath: path}, "sqlite", path)
}

func newAPIFixtureOn(t testing.TB, o store.Options, driver, source string) *apiFixture {
	t.Helper()
	f := &apiFixture{clock: &database.Clock{}, log: &bytes.Buffer{}}
	secret := make([]byte, 32)
	rand.Read(secret)
	var err error
	o.Vault, err = database.ParseVault(base64.StdEncoding.EncodeToString(secret))
	must(t, err)
	o.Catalog, err = apiCatalog()
	must(t, err)
	o.Guard, o.Clock, o.PasswordCost = webhook.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), f.clock, cheap
	f.store, err = store.Open(t.Context(), o)
	must(t, err)
	f.store.Engine().Start()
	t.Cleanup(func() { f.store.Close() })
	must(t, f.store.Database().Migrate(t.Context()))
	f.database, err = sql.Open(driver, source)
	must(t, err)
	t.Cleanup(func() { f.database.Close() })
	sender := webhook.NewSender(o.Guard, f.clock.Now)
	t.Cleanup(sender.Close)
	f.serve(t, &storeTester{f.store, sender})
	f.receive(t)
	f.own, f.key = f.organization(t, "Acme Robotics")
	f.other, f.otherKey = f.organization(t, "Globex")
	_, f.platform, err = f.store.Operator().CreateKey(t.Context(), models.NewKey{Name: "Platform"})
	must(t, err)
	return f
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *apiFixture) serve(t testing.TB, tester Tester) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	f.base = "http://" + listener.Addr().String()
	base, err := url.Parse(f.base)
	must(t, err)
	f.server = New(Options{Store: f.store, Tester: tester, Log: slog.New(slog.NewTextHandler(f.log, nil)), BaseURL: base,
		Ready: func(context.Context) error { return nil }})
	done := make(chan error, 1)
	go func() { done <- f.server.Serve(listener) }()
	t.Cleanup(func() {
		must(t, f.server.Shutdown(context.Background()))
		must(t, <-done)
	})
}

// receive starts a receiver that keeps what it gets.
func (f *apiFixture) receive(t testing.TB) {
	f.receiverAnswer = func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "thanks") }
	f.receiver = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.receivedRequests = append(f.receivedRequests, body)
		f.receiverAnswer(w, r)
	}))
	t.Cleanup(f.receiver.Close)
}

func (f *apiFixture) organization(t testing.TB, name string) (*store.Tenant, string) {
	t.Helper()
	org, _, err := f.store.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: name})
	must(t, err)
	tenant, err := f.store.Operator().Tenant(t.Context(), org.ID)
	must(t, err)
	key := f.scoped(t, tenant, "events:write", "read", "write")
	// What making them has reported is no event of the tests'.
	_, err = f.database.ExecContext(t.Context(), "DELETE FROM events WHERE deliveries = 0")
	must(t, err)
	return tenant, key
}

func (f *apiFixture) scoped(t testing.TB, tenant *store.Tenant, scopes ...string) string {
	t.Helper()
	_, key, err := tenant.CreateKey(t.Context(), models.NewKey{Name: strings.Join(scopes, " "), Scopes: scopes})
	must(t, err)
	return key
}

// endpoint registers an endpoint for every event at the receiver.
func (f *apiFixture) endpoint(t testing.TB, tenant *store.Tenant) *models.Endpoint {
	t.Helper()
	in := models.NewEndpointInput()
	in.URL, in.EventTypes = f.receiver.URL, []string{"*"}
	e, _, err := tenant.CreateEndpoint(t.Context(), in)
	must(t, err)
	return e
}

// delivery makes one delivery of one event to a new endpoint.
func (f *apiFixture) delivery(t testing.TB, tenant *store.Tenant) models.Delivery {
	t.Helper()
	e := f.endpoint(t, tenant)
	_, err := tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: []byte(example(t, "payment.failed"))})
	must(t, err)
	list, _, err := tenant.Deliveries(t.Context(), models.DeliveryFilter{EndpointID: e.ID}, models.Page{})
	must(t, err)
	return list[0]
}

// example is the catalog's data of a type.
func example(t testing.TB, eventType string) string {
	t.Helper()
	catalog, err := apiCatalog()
	must(t, err)
	found, ok := catalog.Lookup(eventType)
	if !ok {
		t.Fatalf("no event type %s", eventType)
	}
	return string(found.Example)
}

// report is the body that reports an event with its example.
func report(t testing.TB, eventType string) string {
	return fmt.Sprintf(`{"type":%q,"data":%s}`, eventType, example(t, eventType))
}

// reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// call makes a request. Headers come in pairs; a body is JSON unless they say
// otherwise.
func (f *apiFixture) call(t testing.TB, key, method, path, body string, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, f.base+path, strings.NewReader(body))
	must(t, err)
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	must(t, err)
	if method != http.MethodHead {
		theContract(t).holds(t, method, request.URL.Path, response.StatusCode, response.Header, content)
	}
	return reply{response.StatusCode, response.Header, content}
}

// into reads the answer, which must have the status.
func (r reply) into(t testing.TB, status int, target any) {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	if err := json.Unmarshal(r.body, target); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
}

func (r reply) object(t testing.TB, status int) map[string]any {
	t.Helper()
	var object map[string]any
	r.into(t, status, &object)
	return object
}

// isProblem checks a refusal; field "" asks for none.
func (r reply) isProblem(t testing.TB, status int, code, field string) {
	t.Helper()
	var body problemBody
	r.into(t, status, &body)
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	if body.Status != status || body.Code != code || body.Type != "about:blank" || body.Title != http.StatusText(status) || body.Detail == "" {
		t.Errorf("problem %+v, want status %d and code %s", body, status, code)
	}
	if body.RequestID == "" || body.RequestID != r.header.Get("X-Request-Id") {
		t.Errorf("request id %q, header %q", body.RequestID, r.header.Get("X-Request-Id"))
	}
	if field == "" {
		if len(body.Errors) > 0 {
			t.Errorf("errors %+v, want none", body.Errors)
		}
		return
	}
	for _, e := range body.Errors {
		if e.Field == field && e.Message != "" {
			return
		}
	}
	t.Errorf("errors %+v, want one at %s", body.Errors, field)
}
