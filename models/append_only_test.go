package models_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/webhook"
)

// refusesChange tries to change the audit log's past, as whoever is connected.
func refusesChange(t *testing.T, s *models.Store) {
	t.Helper()
	before := dumpTable(t, s, "audit_entries")
	if len(before) == 0 {
		t.Fatal("nothing is logged")
	}
	statements := []string{"UPDATE audit_entries SET actor_name = 'nobody'", "DELETE FROM audit_entries"}
	if onPostgres(s) {
		statements = append(statements, "TRUNCATE audit_entries")
	}
	for _, statement := range statements {
		if err := s.DB().Exec(statement).Error; err == nil {
			t.Errorf("%s was done", statement)
		}
	}
	sameRows(t, dump{"audit_entries": before}, dump{"audit_entries": dumpTable(t, s, "audit_entries")})
}

func TestAuditIsAppendOnly(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) { refusesChange(t, f.Store) })
}

// twoRoles makes a database that one role owns and another is to serve from,
// and answers the addresses of both.
func twoRoles(t *testing.T) (owner, serving string) {
	t.Helper()
	f := newFixture(t, models.Options{DatabaseURL: postgresURL(t)})
	if err := f.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(f.opened.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(at.Path, "/")
	run := func(ctx context.Context, statements ...string) {
		for _, statement := range statements {
			if err := f.DB().WithContext(ctx).Exec(statement).Error; err != nil {
				t.Errorf("%s: %v", statement, err)
			}
		}
	}
	app, own := name+"_app", name+"_owner"
	run(t.Context(), `DROP TABLE goose_db_version`, `CREATE ROLE "`+app+`" LOGIN PASSWORD 'app'`,
		`CREATE ROLE "`+own+`" LOGIN PASSWORD 'owner' IN ROLE "`+app+`"`,
		`ALTER DATABASE "`+name+`" OWNER TO "`+own+`"`, `ALTER SCHEMA public OWNER TO "`+own+`"`)
	t.Cleanup(func() {
		run(context.Background(), `ALTER SCHEMA public OWNER TO CURRENT_USER`, `DROP OWNED BY "`+app+`", "`+own+`" CASCADE`,
			`ALTER DATABASE "`+name+`" OWNER TO CURRENT_USER`, `DROP ROLE "`+own+`"`, `DROP ROLE "`+app+`"`)
	})
	as := func(role, password string) string {
		other := *at
		other.User = url.UserPassword(role, password)
		return other.String()
	}
	return as(own, "owner"), as(app, "app")
}

func TestServingRoleCannotTouchTheAuditLog(t *testing.T) {
	owner, serving := twoRoles(t)
	f := &fixture{clock: &models.Clock{}, woken: &wakeRecord{}}
	f.opened = models.Options{DatabaseURL: serving, Vault: vault(t, "1:"+masterKey(1)), Clock: f.clock, Waker: f.woken,
		Guard: webhook.NewGuard(nil)}
	var err error
	if f.opened.Catalog, err = catalog(); err != nil {
		t.Fatal(err)
	}
	f.Store = f.again(t)
	if err := f.Migrate(t.Context()); err == nil {
		t.Fatal("the serving role may make tables of the schema: this proves nothing")
	}
	for range 2 { // as at every start
		if err := f.MigrateAs(t.Context(), owner); err != nil {
			t.Fatal(err)
		}
	}
	// A process that knows the serving role alone starts as well.
	if err := f.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}

	refusesChange(t, auditedBy(t, f))
	for _, statement := range []string{"DROP TABLE audit_entries", "DROP TRIGGER audit_entries_append_only ON audit_entries",
		"ALTER TABLE audit_entries DISABLE TRIGGER ALL", "DROP FUNCTION audit_entries_append_only() CASCADE", "DROP SCHEMA public CASCADE",
		"ALTER TABLE audit_entries RENAME TO other", "SET session_replication_role = replica"} {
		if err := f.DB().Exec(statement).Error; err == nil {
			t.Errorf("the serving role may %s", statement)
		}
	}

	// It may do all that serving needs, partitions of the days included.
	f.clock.Advance(30 * 24 * time.Hour)
	if err := f.MakePartitions(t.Context()); err != nil {
		t.Error(err)
	}
	publish(t, f.tenant, "payment.failed")
	if err := f.Prune(t.Context(), f.Now().Add(-models.MinRetention)); err != nil {
		t.Error(err)
	}
	// And the owner still may make the next migration.
	if err := f.MigrateAs(t.Context(), owner); err != nil {
		t.Error(err)
	}
	if err := f.MigrateAs(t.Context(), serving); err == nil || !strings.Contains(err.Error(), "the same") {
		t.Errorf("one role for both: %v", err)
	}
}

// auditedBy uses the store as its role, and so fills the log.
func auditedBy(t *testing.T, f *fixture) *models.Store {
	t.Helper()
	f.tenant = f.organization(t, "Acme")
	if _, _, err := f.tenant.CreateKey(t.Context(), models.NewKey{Name: "k", Scopes: []string{"read"}}); err != nil {
		t.Fatal(err)
	}
	publish(t, f.tenant, "payment.failed")
	return f.Store
}
