// Package apitest is for tests of the JSON API. Fixture is a server on a real
// database with organizations, keys and a receiver; Contract checks every
// response against the OpenAPI document.
package apitest

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/store"
	"hookwell/webhook"
)

// Server is what a fixture's requests go to.
type Server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

// Setup is what a fixture's server is made of.
type Setup struct {
	Store   *store.Store
	Tester  *Tester
	Log     *slog.Logger
	BaseURL *url.URL
}

// Fixture is a server on loopback with two organizations and their keys.
type Fixture struct {
	Store    *store.Store
	Database *sql.DB // the same one, to see that nothing changed
	Base     string
	Clock    *database.Clock
	Log      *bytes.Buffer

	Own, Other       *store.Tenant
	Key, OtherKey    string // every scope
	Platform         string
	Receiver         *httptest.Server
	ReceiverAnswer   http.HandlerFunc
	ReceivedRequests [][]byte
}

// New returns a fixture on a store with these options, which mean a new database
// of SQLite unless they name one of Postgres, and on the server that serve makes.
// Both end with the test.
func New(t testing.TB, o store.Options, serve func(Setup) Server) *Fixture {
	t.Helper()
	f := &Fixture{Clock: &database.Clock{}, Log: &bytes.Buffer{}}
	if o.DatabaseURL == "" && o.SQLitePath == "" {
		o.SQLitePath = storetest.SQLite(t).SQLitePath
	}
	o.Clock = f.Clock
	o = storetest.Complete(t, o)
	f.Store = storetest.Open(t, o)
	driver, source := "pgx", o.DatabaseURL
	if o.DatabaseURL == "" {
		driver, source = "sqlite", o.SQLitePath
	}
	var err error
	f.Database, err = sql.Open(driver, source)
	storetest.Must(t, err)
	t.Cleanup(func() { f.Database.Close() })
	sender := webhook.NewSender(o.Guard, f.Clock.Now)
	t.Cleanup(sender.Close)
	f.serve(t, NewTester(f.Store, sender), serve)
	f.receive(t)
	f.Own, f.Key = f.organization(t, "Acme Robotics")
	f.Other, f.OtherKey = f.organization(t, "Globex")
	_, f.Platform, err = f.Store.Operator().CreateKey(t.Context(), models.NewKey{Name: "Platform"})
	storetest.Must(t, err)
	return f
}

func (f *Fixture) serve(t testing.TB, tester *Tester, serve func(Setup) Server) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	storetest.Must(t, err)
	f.Base = "http://" + listener.Addr().String()
	base, err := url.Parse(f.Base)
	storetest.Must(t, err)
	server := serve(Setup{Store: f.Store, Tester: tester, Log: slog.New(slog.NewTextHandler(f.Log, nil)), BaseURL: base})
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		storetest.Must(t, server.Shutdown(context.Background()))
		storetest.Must(t, <-done)
	})
}

// Contract returns the document of the fixture's server.
func (f *Fixture) Contract(t testing.TB) *Contract {
	t.Helper()
	return ContractAt(t, f.Base)
}

// receive starts a receiver that keeps what it gets.
func (f *Fixture) receive(t testing.TB) {
	f.ReceiverAnswer = func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "thanks") }
	f.Receiver = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.ReceivedRequests = append(f.ReceivedRequests, body)
		f.ReceiverAnswer(w, r)
	}))
	t.Cleanup(f.Receiver.Close)
}

func (f *Fixture) organization(t testing.TB, name string) (*store.Tenant, string) {
	t.Helper()
	org, _, err := f.Store.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: name})
	storetest.Must(t, err)
	tenant, err := f.Store.Operator().Tenant(t.Context(), org.ID)
	storetest.Must(t, err)
	key := f.Scoped(t, tenant, "events:write", "read", "write", "requests:read", "sources:write")
	// What making them has reported is no event of the tests'.
	_, err = f.Database.ExecContext(t.Context(), "DELETE FROM events WHERE deliveries = 0")
	storetest.Must(t, err)
	return tenant, key
}

// Scoped returns a new key of the organization with these scopes.
func (f *Fixture) Scoped(t testing.TB, tenant *store.Tenant, scopes ...string) string {
	t.Helper()
	_, key, err := tenant.CreateKey(t.Context(), models.NewKey{Name: strings.Join(scopes, " "), Scopes: scopes})
	storetest.Must(t, err)
	return key
}

// Endpoint registers an endpoint for every event at the receiver.
func (f *Fixture) Endpoint(t testing.TB, tenant *store.Tenant) *models.Endpoint {
	t.Helper()
	in := models.NewEndpointInput()
	in.URL, in.EventTypes = f.Receiver.URL, []string{"*"}
	e, _, err := tenant.CreateEndpoint(t.Context(), in)
	storetest.Must(t, err)
	return e
}

// Delivery makes one delivery of one event to a new endpoint.
func (f *Fixture) Delivery(t testing.TB, tenant *store.Tenant) models.Delivery {
	t.Helper()
	e := f.Endpoint(t, tenant)
	_, err := tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: []byte(storetest.Example(t, "payment.failed"))})
	storetest.Must(t, err)
	AwaitWritten(t, f.Store)
	list, _, err := tenant.Deliveries(t.Context(), models.DeliveryFilter{EndpointID: e.ID}, models.Page{})
	storetest.Must(t, err)
	return list[0]
}

// AwaitWritten waits until every delivery of what was accepted is written: an
// event to many endpoints is answered with its first ones.
func AwaitWritten(t testing.TB, store *store.Store) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for store.Engine().Owed() > 0 {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("%d deliveries are yet to be written", store.Engine().Owed())
		}
	}
}

// Call makes a request. Headers come in pairs; a body is JSON unless they say
// otherwise.
func (f *Fixture) Call(t testing.TB, key, method, path, body string, headers ...string) Reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, f.Base+path, strings.NewReader(body))
	storetest.Must(t, err)
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
	storetest.Must(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	storetest.Must(t, err)
	if method != http.MethodHead {
		ContractAt(t, f.Base).Holds(t, method, request.URL.Path, response.StatusCode, response.Header, content)
	}
	return Reply{response.StatusCode, response.Header, content}
}
