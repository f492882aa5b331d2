package acceptance

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"hookwell/internal/testenv"
)

// A database that grants a process one or two connections is slow, and works:
// whoever needs one waits, the probe of readiness too.
func TestScarceConnections(t *testing.T) {
	for _, most := range []int{1, 2} {
		t.Run(fmt.Sprintf("of_which_there_are_%d_let_the_probe_wait", most), func(t *testing.T) {
			database := limited(t, 3) // migrating takes two at once
			here := onPostgres(t, database, "HOOKWELL_OPS_ADDR=127.0.0.1:0", "HOOKWELL_LOG_LEVEL=info")
			var made struct{ OrganizationID string }
			account := here.run(t, crawlPassword+"\n", "user", "create", "--email", "owner@example.com", "--name", "The owner", "--org", "Acme")
			if err := json.Unmarshal([]byte(account), &made); err != nil {
				t.Fatal(err)
			}
			p := &place{org: made.OrganizationID, platform: strings.TrimSpace(here.run(t, "", "platform-key", "create", "--name", "back end"))}
			u, err := url.Parse(database)
			if err != nil {
				t.Fatal(err)
			}
			onDatabase(t, testenv.Database(t), fmt.Sprintf(`ALTER ROLE %s CONNECTION LIMIT %d`, u.User.Username(), most))
			p.server = here.start(t)
			var operations []string
			eventually(t, "the address of operations", func() bool {
				operations = opsLine.FindStringSubmatch(p.server.Output())
				return operations != nil
			})
			eventually(t, "the first look for due deliveries", func() bool {
				response, err := http.Get(operations[1] + "/readyz")
				if err != nil {
					return false
				}
				defer response.Body.Close()
				told, _ := io.ReadAll(response.Body)
				return !strings.Contains(string(told), "starting")
			})
			var reporting sync.WaitGroup
			var done atomic.Bool
			for range 4 {
				reporting.Go(func() {
					for !done.Load() {
						p.reports(t)
					}
				})
			}
			// Operations have a probe of their own only once a second; the server's page
			// tells what that found.
			for range 10 {
				for _, address := range []string{operations[1], p.server.url} {
					response, err := http.Get(address + "/readyz")
					if err != nil {
						t.Fatal(err)
					}
					told, _ := io.ReadAll(response.Body)
					response.Body.Close()
					if response.StatusCode != http.StatusOK {
						t.Errorf("readiness is %d: %s", response.StatusCode, told)
					}
				}
			}
			done.Store(true)
			reporting.Wait()
			said := p.server.Output()
			if !strings.Contains(said, "grants this role fewer connections") || strings.Contains(said, "HOOKWELL_DATABASE_CONNECTIONS") {
				t.Errorf("the start names a setting that nobody made:\n%s", said)
			}
		})
	}
}
