package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hookwell/internal/apitest"
	"hookwell/internal/storetest"
	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/store"
	"hookwell/webhook"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(testenv.Run(m))
}

// What storetest has and the tests of this package use on every page.
var (
	must        = storetest.Must
	addEndpoint = storetest.NamedEndpoint
)

const password = "correct horse battery staple"

// site is a server on a port of its own with a real database behind it.
type site struct {
	*Server
	url     string
	clock   *database.Clock
	feed    *stubFeed
	log     *logBuffer
	db      *sql.DB // the same database, for what no page can do
	overlap func()  // called in the middle of a request for /overlaps
}

// eachSite runs a test on both databases.
func eachSite(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	eachSiteOf(t, store.Options{}, test)
}

// eachSiteOf is eachSite with further options.
func eachSiteOf(t *testing.T, o store.Options, test func(t *testing.T, s *site)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, on store.Options) {
		with := o
		with.SQLitePath, with.DatabaseURL = on.SQLitePath, on.DatabaseURL
		test(t, openSite(t, with, nil))
	})
}

// newSite is a site on SQLite; change may be nil.
func newSite(t *testing.T, change func(*Options)) *site {
	t.Helper()
	return openSite(t, storetest.SQLite(t), change)
}

// mailing is the options of a site on SQLite that has a mail server, or none.
func mailing(t *testing.T, mail bool) store.Options {
	t.Helper()
	o := storetest.SQLite(t)
	o.Mail = mail
	return o
}

func openSite(t *testing.T, o store.Options, change func(*Options)) *site {
	t.Helper()
	s := &site{clock: &database.Clock{}, feed: newStubFeed(), log: &logBuffer{}}
	o.Clock = s.clock
	o = storetest.Complete(t, o)
	store := storetest.Open(t, o)
	driver, source := "sqlite", o.SQLitePath+"?_pragma=busy_timeout(5000)"
	if o.DatabaseURL != "" {
		driver, source = "pgx", o.DatabaseURL
	}
	var err error
	s.db, err = sql.Open(driver, source)
	must(t, err)
	t.Cleanup(func() { s.db.Close() })

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s.url = "http://" + listener.Addr().String()
	base, err := url.Parse(s.url)
	must(t, err)
	sender := webhook.NewSender(o.Guard, s.clock.Now)
	t.Cleanup(sender.Close)
	options := Options{Store: store, Tester: apitest.NewTester(store, sender), Feed: s.feed, Log: slog.New(slog.NewTextHandler(s.log, nil)),
		BaseURL: base, Signup: models.SignupOpen, Version: "test", Ready: store.Database().Ping}
	if change != nil {
		change(&options)
	}
	s.Server = New(options)
	s.addFaults()
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	t.Cleanup(func() {
		must(t, s.Shutdown(context.Background()))
		must(t, <-served)
	})
	return s
}

// stubFeed hands on what a test says has changed.
type stubFeed struct {
	mu   sync.Mutex
	open map[string][]chan []string
}

func newStubFeed() *stubFeed { return &stubFeed{open: map[string][]chan []string{}} }

func (f *stubFeed) Subscribe(organizationID string) (<-chan []string, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	changes := make(chan []string, 8)
	f.open[organizationID] = append(f.open[organizationID], changes)
	return changes, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.open[organizationID] = slices.DeleteFunc(f.open[organizationID], func(c chan []string) bool { return c == changes })
	}
}

func (f *stubFeed) publish(organizationID string, ids ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, changes := range f.open[organizationID] {
		changes <- ids
	}
}

// end closes what is subscribed.
func (f *stubFeed) end(organizationID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, changes := range f.open[organizationID] {
		close(changes)
	}
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (s *site) exec(t *testing.T, statement string) {
	t.Helper()
	_, err := s.db.ExecContext(t.Context(), statement)
	must(t, err)
}

// tables are all tables but the sessions' and partitions, whose rows their
// parents have.
func (s *site) tables(t *testing.T) []string {
	t.Helper()
	return s.column(t, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'sessions'`,
		`SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'sessions'
			AND NOT (SELECT relispartition FROM pg_class WHERE oid = to_regclass(tablename))`)
}

func (s *site) column(t *testing.T, sqlite, postgres string) (values []string) {
	t.Helper()
	query := sqlite
	if fmt.Sprintf("%T", s.db.Driver()) == "*stdlib.Driver" {
		query = postgres
	}
	rows, err := s.db.QueryContext(t.Context(), query)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var value string
		must(t, rows.Scan(&value))
		values = append(values, value)
	}
	must(t, rows.Err())
	slices.Sort(values)
	return values
}

// dump is every row but the sessions', to tell whether anything changed; see
// noted. Tests that ask often watch the changes instead.
func (s *site) dump(t *testing.T) string {
	t.Helper()
	var lines []string
	for _, table := range s.tables(t) {
		rows, err := s.db.QueryContext(t.Context(), "SELECT * FROM "+table)
		must(t, err)
		names, err := rows.Columns()
		must(t, err)
		for rows.Next() {
			values, into, row := make([]any, len(names)), make([]any, len(names)), map[string]any{}
			for i := range values {
				into[i] = &values[i]
			}
			must(t, rows.Scan(into...))
			for i, name := range names {
				row[name] = values[i]
			}
			if !noted(table, row) {
				lines = append(lines, fmt.Sprint(table, row))
			}
		}
		must(t, rows.Err())
		rows.Close()
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// changed is what one of two dumps has and the other lacks.
func changed(before, after string) string {
	old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
	var lines []string
	for _, line := range now {
		if !slices.Contains(old, line) {
			lines = append(lines, "+"+line)
		}
	}
	for _, line := range old {
		if !slices.Contains(now, line) {
			lines = append(lines, "-"+line)
		}
	}
	return strings.Join(lines, "\n")
}

// noted reports whether a row is no change to be looked for: a session, or one
// that only says that something was refused. It forgets when a key was last used.
func noted(table string, row map[string]any) bool {
	delete(row, "last_used_at")
	action, _ := row["action"].(string)
	return table == "sessions" || strings.HasSuffix(action, "refused")
}

// sessionsStored is how many sessions the database holds.
func (s *site) sessionsStored(t *testing.T) (n int) {
	t.Helper()
	must(t, s.db.QueryRowContext(t.Context(), `SELECT count(*) FROM sessions`).Scan(&n))
	return n
}

// member makes an account with a role in an organization, given by its id or a
// new name, and signs it in.
func (s *site) member(t *testing.T, organization string, role models.Role) (*browser, *models.Organization) {
	t.Helper()
	email := fmt.Sprintf("%s-%s@example.com", role, strings.ToLower(rand.Text()[:8]))
	account := models.Account{Name: "Ada " + string(role), Email: email, Password: password}
	_, org, err := s.Store.Operator().CreateUser(t.Context(), account, organization, role)
	must(t, err)
	s.exec(t, "DELETE FROM events WHERE deliveries = 0") // what making them has reported
	b := s.browser(t)
	b.email = email
	b.signIn(t)
	return b, org
}

// tenantOf is the organization as the command line sees it.
func (s *site) tenantOf(t *testing.T, org *models.Organization) *store.Tenant {
	t.Helper()
	tenant, err := s.Store.Operator().Tenant(t.Context(), org.ID)
	must(t, err)
	return tenant
}

// receiver answers every request as told.
func receiver(t *testing.T, status int, body string) *httptest.Server {
	t.Helper()
	r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(r.Close)
	return r
}
