package acceptance

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"hookwell/client"
	"hookwell/internal/testenv"
)

// onPostgres is an installation on a database and a Redis of its own.
func onPostgres(t *testing.T, database string, env ...string) installation {
	return installation{append([]string{"DATABASE_URL=" + database, "REDIS_URL=" + testenv.Redis(t), "HOOKWELL_ADDR=127.0.0.1:0", "HOOKWELL_OPS_ADDR=off",
		"HOOKWELL_SECRET_KEY=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32)), "HOOKWELL_ALLOW_NETWORKS=127.0.0.0/8"}, env...)}
}

// as is a database's URL for another role.
func as(t *testing.T, database, role, password string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, password)
	return u.String()
}

// onDatabase runs statements as the superuser.
func onDatabase(t *testing.T, database string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// limited is a database that grants its role few connections.
func limited(t *testing.T, most int) string {
	t.Helper()
	database := testenv.Database(t)
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	onDatabase(t, database, fmt.Sprintf(`CREATE ROLE %s_few LOGIN PASSWORD 'few' CONNECTION LIMIT %d`, name, most),
		fmt.Sprintf(`ALTER DATABASE %[1]s OWNER TO %[1]s_few`, name))
	return as(t, database, name+"_few", "few")
}

// isolated is a database whose transactions begin in an isolation.
func isolated(t *testing.T, level string) string {
	t.Helper()
	database := testenv.Database(t)
	onDatabase(t, database, fmt.Sprintf(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET default_transaction_isolation = %%L', current_database(), '%s'); END $$`, level))
	return database
}

// TestDatabases runs a server and a worker on databases that are not set up as
// the usual one is. Nothing of what 50 clients and a person ask for is refused.
func TestDatabases(t *testing.T) {
	for _, test := range []struct {
		name     string
		database func(t *testing.T) string
		env      []string
		said     string // in the server's log
	}{
		{name: "behind_a_transaction_pooler", said: "pooler=true", database: func(t *testing.T) string {
			return testenv.PgBouncer(t, testenv.Database(t), "default_pool_size = 5").URL()
		}},
		{name: "behind_a_transaction_pooler_that_is_named", env: []string{"HOOKWELL_DATABASE_POOLER=transaction"}, said: "pooler=true", database: func(t *testing.T) string {
			return testenv.PgBouncer(t, testenv.Database(t), "default_pool_size = 5").URL()
		}},
		{name: "serializable_behind_a_transaction_pooler", said: "pooler=true", database: func(t *testing.T) string {
			return testenv.PgBouncer(t, isolated(t, "serializable"), "default_pool_size = 5").URL()
		}},
		{name: "few_connections", said: "connections=4 granted=12", database: func(t *testing.T) string { return limited(t, 12) }},
		{name: "fewer_connections_than_asked_for", env: []string{"HOOKWELL_DATABASE_CONNECTIONS=20"}, said: "connections=20 granted=12", database: func(t *testing.T) string { return limited(t, 12) }},
		{name: "serializable", said: "isolation=serializable", database: func(t *testing.T) string { return isolated(t, "serializable") }},
		{name: "repeatable_read", said: `isolation="repeatable read"`, database: func(t *testing.T) string { return isolated(t, "repeatable read") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			here := onPostgres(t, test.database(t), test.env...)
			var made struct{ OrganizationID string }
			account := here.run(t, crawlPassword+"\n", "user", "create", "--email", "owner@example.com", "--name", "The owner", "--org", "Acme")
			if err := json.Unmarshal([]byte(account), &made); err != nil {
				t.Fatal(err)
			}
			p := &place{org: made.OrganizationID, platform: strings.TrimSpace(here.run(t, "", "platform-key", "create", "--name", "back end"))}
			p.server = here.start(t, "serve", "--no-workers")
			worker := here.start(t, "work")
			p.busy(t)
			if said := p.server.Output(); !strings.Contains(said, test.said) {
				t.Errorf("the server said nothing of %q:\n%s", test.said, said)
			}
			for _, process := range []*running{p.server, worker} {
				for line := range strings.Lines(process.Output()) {
					if strings.Contains(line, "level=ERROR") {
						t.Errorf("said: %s", line)
					}
				}
			}
		})
	}
}

const (
	clients = 50
	reports = 6 // of each client
	edited  = 3 // endpoints
)

// busy has clients report events while an endpoint is edited and a person looks
// at pages, and wants none of it refused and every event to arrive.
func (p *place) busy(t *testing.T) {
	t.Helper()
	var mu sync.Mutex
	arrived, answers := map[string]bool{}, map[string]int{}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		arrived[r.Header.Get("webhook-id")] = true
	}))
	t.Cleanup(receiver.Close)
	var endpoints [edited]*client.Endpoint
	for i := range endpoints {
		endpoints[i] = p.registers(t, receiver.URL)
	}
	api := p.api()
	noted := func(what string, err error) {
		mu.Lock()
		defer mu.Unlock()
		if answers[what]++; err != nil {
			t.Error(err)
		}
	}
	var asking sync.WaitGroup
	for asks := range clients {
		asking.Go(func() {
			for range reports {
				_, err := api.SendEvent(t.Context(), client.Event{Type: "payment.refunded", Data: refund})
				noted("reports", err)
			}
			if at := asks / 2; at < edited { // two at once for each
				_, err := api.UpdateEndpoint(t.Context(), endpoints[at].ID, client.EndpointSettings{Name: new(fmt.Sprintf("name %d", asks))})
				noted("edits", err)
			}
		})
	}
	asking.Go(func() { p.looksAround(t) })
	asking.Wait()
	t.Log(answers)
	eventually(t, "what was sent", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(arrived) >= clients*reports
	})
}

var csrfField = regexp.MustCompile(`name="_csrf" value="([^"]+)"`)

// looksAround signs the owner in without a browser, and opens pages.
func (p *place) looksAround(t *testing.T) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Error(err)
		return
	}
	client := &http.Client{Jar: jar}
	ask := func(method, path string, form url.Values) string {
		request, err := http.NewRequestWithContext(t.Context(), method, p.server.url+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Error(err)
			return ""
		}
		request.Header.Set("content-type", "application/x-www-form-urlencoded")
		request.Header.Set("origin", p.server.url)
		response, err := client.Do(request)
		if err != nil {
			t.Error(err)
			return ""
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("%s %s: %d %v", method, path, response.StatusCode, err)
		}
		return string(body)
	}
	token := csrfField.FindStringSubmatch(ask("GET", "/login", nil))
	if token == nil {
		t.Error("the sign-in form has no token")
		return
	}
	ask("POST", "/login", url.Values{"_csrf": {token[1]}, "email": {"owner@example.com"}, "password": {crawlPassword}})
	for range 3 {
		for _, page := range []string{"", "/deliveries", "/events", "/endpoints", "/team", "/keys", "/audit", "/settings"} {
			ask("GET", "/o/acme"+page, nil)
		}
	}
}
