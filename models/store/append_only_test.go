package store_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"hookwell/internal/storetest"
	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

// refusesChange tries to change the audit log's past, as whoever is connected.
func refusesChange(t *testing.T, s *store.Store) {
	t.Helper()
	before := dumpTable(t, s, "audit_entries")
	if len(before) == 0 {
		t.Fatal("nothing is logged")
	}
	statements := []string{"UPDATE audit_entries SET actor_name = 'nobody'", "DELETE FROM audit_entries"}
	columns := "organization_id, actor_kind, actor_id, actor_name, action, target_id, target_name, details, remote_address, request_id, created_at"
	forged := "SELECT id, " + strings.Replace(columns, "actor_name", "'nobody'", 1) + " FROM audit_entries"
	if onPostgres(s) {
		statements = append(statements, "TRUNCATE audit_entries",
			"INSERT INTO audit_entries (id, "+columns+") "+forged+" ON CONFLICT (id) DO UPDATE SET actor_name = excluded.actor_name")
	} else {
		statements = append(statements,
			"REPLACE INTO audit_entries (id, "+columns+") "+forged, "INSERT OR REPLACE INTO audit_entries (id, "+columns+") "+forged,
			"UPDATE OR REPLACE audit_entries SET actor_name = 'nobody'",
			"INSERT INTO audit_entries (id, "+columns+") "+forged+" WHERE true ON CONFLICT (id) DO UPDATE SET actor_name = excluded.actor_name",
			"INSERT OR REPLACE INTO audit_entries (rowid, id, "+columns+") SELECT rowid, id || 'x', "+columns+" FROM audit_entries",
			"INSERT INTO audit_entries (rowid, id, "+columns+") SELECT -1, id || 'y', "+columns+" FROM audit_entries LIMIT 1",
			"PRAGMA recursive_triggers = OFF; REPLACE INTO audit_entries (id, "+columns+") "+forged)
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

// twoRoles makes an empty database with one role that owns it and another that is
// to serve from it, and returns the addresses of both. In runs statements as the
// superuser; OWNER and APP stand for the roles.
func twoRoles(t *testing.T) (owner, serving string, in func(statements ...string)) {
	t.Helper()
	superuser := testenv.Database(t)
	at, err := url.Parse(superuser)
	must(t, err)
	name := strings.TrimPrefix(at.Path, "/")
	app, own := name+"_app", name+"_owner"
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, superuser)
	must(t, err)
	in = func(statements ...string) {
		t.Helper()
		for _, statement := range statements {
			if _, err := conn.Exec(ctx, strings.NewReplacer("OWNER_", own, "APP_", app, "DATABASE_", name).Replace(statement)); err != nil {
				t.Errorf("%s: %v", statement, err)
			}
		}
	}
	in(`CREATE ROLE APP_ LOGIN PASSWORD 'app'`, `CREATE ROLE OWNER_ LOGIN PASSWORD 'owner'`, `ALTER DATABASE DATABASE_ OWNER TO OWNER_`)
	t.Cleanup(func() {
		in(`REASSIGN OWNED BY APP_, OWNER_ TO CURRENT_USER`, `DROP OWNED BY APP_, OWNER_ CASCADE`, `DROP ROLE OWNER_`, `DROP ROLE APP_`)
		must(t, conn.Close(ctx))
	})
	as := func(role, password string) string {
		other := *at
		other.User = url.UserPassword(role, password)
		return other.String()
	}
	return as(own, "owner"), as(app, "app"), in
}

// servingFrom opens a store for a role, on a clock that is some days behind.
func servingFrom(t *testing.T, address string, days int) *fixture {
	t.Helper()
	f := &fixture{clock: &database.Clock{}, woken: &wakeRecord{}}
	f.clock.Advance(-time.Duration(days) * models.Day)
	f.opened = store.Options{DatabaseURL: address, Vault: vault(t, "1:"+masterKey(1)), Clock: f.clock, Waker: f.woken, Guard: webhook.NewGuard(nil)}
	var err error
	f.opened.Catalog, err = storetest.Catalog()
	must(t, err)
	f.Store = f.again(t)
	return f
}

func TestServingRoleCannotTouchTheAuditLog(t *testing.T) {
	t.Parallel()
	owner, serving, _ := twoRoles(t)
	f := servingFrom(t, serving, 40)
	if err := f.Database().Migrate(t.Context()); err == nil {
		t.Fatal("the serving role may make tables of the schema: this proves nothing")
	}
	for range 2 { // as at every start
		must(t, f.Database().MigrateAs(t.Context(), owner))
	}
	// A process that knows the serving role alone starts as well.
	must(t, f.Database().Migrate(t.Context()))
	s := auditedBy(t, f)
	f.clock.Advance(40 * models.Day)
	must(t, f.Database().MakePartitions(t.Context()))
	refusesChange(t, s)
	f.refusesServing(t)

	// It may do all that serving needs, the partitions of days included.
	publish(t, f.tenant, "payment.failed")
	before := partitions(t, f)
	must(t, f.Engine().Prune(t.Context(), f.Now().Add(-pipeline.MinRetention)))
	if after := partitions(t, f); len(before)-len(after) != 3*14 {
		t.Errorf("%d partitions are left of %d, want those of 14 days removed", len(after), len(before))
	}
	// And the owner still may make the next migration.
	must(t, f.Database().MigrateAs(t.Context(), owner))
	if err := f.Database().MigrateAs(t.Context(), serving); err == nil || !strings.Contains(err.Error(), "the same") {
		t.Errorf("one role for both: %v", err)
	}
}

// refusesServing tries, as the serving role, whatever would lay the audit log open.
func (f *fixture) refusesServing(t *testing.T) {
	t.Helper()
	today := f.Now().Format("_20060102")
	for _, statement := range []string{"DROP TABLE audit_entries", "DROP TRIGGER audit_entries_append_only ON audit_entries",
		"ALTER TABLE audit_entries DISABLE TRIGGER ALL", "DROP FUNCTION audit_entries_append_only() CASCADE", "DROP SCHEMA public CASCADE",
		"ALTER TABLE audit_entries RENAME TO other", "SET session_replication_role = replica",
		"CREATE RULE forget AS ON INSERT TO audit_entries DO INSTEAD NOTHING", "COPY audit_entries TO PROGRAM 'true'",
		"ALTER TABLE deliveries ADD COLUMN mine text", "TRUNCATE deliveries", "DROP TABLE events", "DROP TABLE deliveries" + today,
		"ALTER TABLE attempts OWNER TO CURRENT_USER", "CREATE TRIGGER mine BEFORE UPDATE ON deliveries EXECUTE FUNCTION audit_entries_append_only()",
		"CREATE TABLE public.mine (id int)", "CREATE FUNCTION public.format(text, text, text) RETURNS text LANGUAGE sql AS 'SELECT 1::text'",
		"SELECT make_partition('audit_entries', current_date)", "SELECT remove_partition('audit_entries', 'audit_entries_first')",
		"SELECT remove_partition('audit_entries', 'audit_entries')", "SELECT remove_partition('events', 'audit_entries')",
		"SELECT remove_partition('events', 'events" + today + "')", "SELECT remove_partition('events', 'deliveries" + today + "')",
		"SELECT remove_partition('events', 'events_first; DROP TABLE audit_entries')",
		"ALTER FUNCTION remove_partition(text, text) SET search_path = public", "ALTER FUNCTION remove_partition(text, text) RESET ALL",
		"CREATE OR REPLACE FUNCTION remove_partition(parent text, name text) RETURNS text LANGUAGE sql AS 'SELECT 1::text'"} {
		if err := f.DB().Exec(statement).Error; err == nil {
			t.Errorf("the serving role may %s", statement)
		}
	}
}

// An installation of one role, and one whose serving role keeps the tables that
// are partitioned, become one of two roles by migrating as the owner.
func TestServingRoleHandsItsTablesOver(t *testing.T) {
	t.Parallel()
	owner, serving, in := twoRoles(t)
	in(`GRANT CREATE ON SCHEMA public TO APP_`)
	f := servingFrom(t, serving, 0)
	must(t, f.Database().Migrate(t.Context()))
	s := auditedBy(t, f)
	if err := f.Database().MigrateAs(t.Context(), owner); err == nil || !strings.Contains(err.Error(), "GRANT") {
		t.Fatalf("MigrateAs() as no member returned %v, want what to grant", err)
	}
	in(`GRANT APP_ TO OWNER_`)
	must(t, f.Database().MigrateAs(t.Context(), owner))
	in(`REVOKE APP_ FROM OWNER_`)
	refusesChange(t, s)
	f.refusesServing(t)
	f.clock.Advance(20 * models.Day)
	must(t, f.Database().MakePartitions(t.Context()))
	publish(t, f.tenant, "payment.failed")
	must(t, f.Database().MigrateAs(t.Context(), owner))

	in(`GRANT OWNER_ TO APP_`)
	if err := f.Database().MigrateAs(t.Context(), owner); err == nil || !strings.Contains(err.Error(), "REVOKE") {
		t.Errorf("MigrateAs() for a member of the owner returned %v, want what to revoke", err)
	}
	in(`REVOKE OWNER_ FROM APP_`, `ALTER ROLE APP_ SUPERUSER`)
	if err := f.Database().MigrateAs(t.Context(), owner); err == nil || !strings.Contains(err.Error(), "NOSUPERUSER") {
		t.Errorf("MigrateAs() for a superuser returned %v, want that it is none", err)
	}
}

// auditedBy uses the store as its role, and so fills the log.
func auditedBy(t *testing.T, f *fixture) *store.Store {
	t.Helper()
	f.tenant = f.organization(t, "Acme")
	if _, _, err := f.tenant.CreateKey(t.Context(), models.NewKey{Name: "k", Scopes: []string{"read"}}); err != nil {
		t.Fatal(err)
	}
	publish(t, f.tenant, "payment.failed")
	return f.Store
}
