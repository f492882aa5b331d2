package store_test

import (
	"net/url"
	"strings"
	"testing"

	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/store"
)

// TestRefusedConnections opens a database, and one behind a pooler, in a way in
// which no try will ever succeed: it is refused at the first, and told what to
// change.
func TestRefusedConnections(t *testing.T) {
	t.Parallel()
	direct := testenv.Database(t)
	pooled := testenv.PgBouncer(t, direct).URL()
	option := func(name, value string) func(*url.URL) {
		return func(u *url.URL) {
			query := u.Query()
			query.Set(name, value)
			u.RawQuery = query.Encode()
		}
	}
	for name, c := range map[string]struct {
		change         func(u *url.URL)
		direct, pooled string // what is said; "" where it works
	}{
		"a_wrong_password": {func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "hunter2") },
			"refuses the user or the password; correct them", "refuses the user or the password; correct them"},
		"an_unknown_user": {func(u *url.URL) { u.User = url.UserPassword("nobody", "hunter2") },
			"refuses the user or the password; correct them", "refuses the user or the password; correct them"},
		"an_unknown_database": {func(u *url.URL) { u.Path = "/hookwell_nowhere" }, "there is no such database; correct its name", "there is no such database; correct its name"},
		"search_path":         {option("search_path", "public"), "", "remove search_path from the URL, or use ALTER ROLE ... SET"},
		"an_unknown_option":   {option("sslmod", "disable"), "Postgres knows no parameter sslmod; remove sslmod from the URL", "remove sslmod from the URL"},
		"sslmode_require":     {option("sslmode", "require"), "the server speaks no TLS; remove sslmode", "the server speaks no TLS; remove sslmode"},
		"sslmode_prefer":      {option("sslmode", "prefer"), "", ""},
		"an_unknown_user_and_sslmode_prefer": {func(u *url.URL) {
			u.User = url.UserPassword("nobody", "hunter2")
			option("sslmode", "prefer")(u)
		}, "refuses the user or the password; correct them", "refuses the user or the password; correct them"},
	} {
		for where, at := range map[string]struct{ address, says string }{"directly": {direct, c.direct}, "pooled": {pooled, c.pooled}} {
			t.Run(name+"_"+where, func(t *testing.T) {
				u, err := url.Parse(at.address)
				must(t, err)
				c.change(u)
				opened, err := store.Open(t.Context(), store.Options{DatabaseURL: u.String()})
				if err == nil {
					must(t, opened.Close())
				}
				switch {
				case at.says == "" && err != nil:
					t.Errorf("Open() = %v", err)
				case at.says == "":
				case err == nil || !strings.Contains(err.Error(), at.says):
					t.Errorf("Open() = %v, want that it says %q", err, at.says)
				case models.IsCode(err, models.CodeDatabaseBusy) || strings.Contains(err.Error(), "right now") || strings.Contains(err.Error(), "hunter2"):
					t.Errorf("Open() = %v, which says more than that", err)
				}
			})
		}
	}
	t.Run("no_session_free", func(t *testing.T) {
		pooler := testenv.PgBouncer(t, direct, "query_wait_timeout = 1", "default_pool_size = 2") // migrating takes two
		f := newFixture(t, store.Options{DatabaseURL: pooler.URL()})
		for range 2 {
			tx := f.Database().DB.Begin()
			must(t, tx.Exec("SELECT 1").Error)
			defer tx.Rollback()
		}
		if _, err := f.Engine().Depth(t.Context()); !models.IsCode(err, models.CodeDatabaseBusy) {
			t.Errorf("Depth() = %v where the pooler has no session free, want %s", err, models.CodeDatabaseBusy)
		}
	})
}
