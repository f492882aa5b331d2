package database

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
)

// auditTable is what the serving role may read and add to, and nothing else.
const auditTable = "audit_entries"

// MigrateAs applies the missing migrations as another role, the owner of all
// tables, and gives the store's own role what it needs: everything but the audit
// log's past, which it can then neither change nor lay open by dropping its
// guard. Tables and functions that the serving role owns, as in an installation
// with one role or of an earlier version, are made the owner's first, for which
// the owner has to be a member of the serving role. It fails, and says what to
// do, if the serving role is more than that in another way. Postgres alone.
func (db *DB) MigrateAs(ctx context.Context, ownerURL string) error {
	var role string
	if err := db.DB.WithContext(ctx).Raw("SELECT current_user").Scan(&role).Error; err != nil {
		return fmt.Errorf("asking for the serving role: %w", err)
	}
	owner, err := Open(ctx, Options{DatabaseURL: ownerURL, Clock: db.clock, Log: db.log, Connections: LeastConnections})
	if err != nil {
		return fmt.Errorf("as the owner: %w", err)
	}
	err = owner.migrateFor(ctx, role)
	if err := errors.Join(err, owner.Close()); err != nil {
		return fmt.Errorf("migrating as the owner: %w", err)
	}
	return nil
}

// migrateFor migrates as the owner, for a role that serves.
func (db *DB) migrateFor(ctx context.Context, role string) error {
	var r roles
	if err := db.DB.WithContext(ctx).Raw("SELECT current_user AS owner, current_schema() AS schema, ? AS serving", role).Scan(&r).Error; err != nil {
		return err
	}
	if err := r.check(db.DB.WithContext(ctx)); err != nil {
		return err
	}
	if err := db.Transaction(ctx, r.takeOver); err != nil {
		return err
	}
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	return db.Transaction(ctx, r.grant)
}

// roles are who owns the tables of a schema and who serves from them.
type roles struct{ Owner, Serving, Schema string }

// check fails where the serving role could do what it is not to in another way.
func (r roles) check(db *gorm.DB) error {
	if r.Owner == r.Serving {
		return errors.New("the owner and the serving role are the same")
	}
	var is struct{ Superuser, Member, Database bool }
	err := db.Raw(`SELECT s.rolsuper AS superuser, pg_has_role(s.oid, o.oid, 'MEMBER') AS member, pg_has_role(s.oid, d.datdba, 'MEMBER') AS "database"
		FROM pg_roles s, pg_roles o, pg_database d WHERE s.rolname = ? AND o.rolname = ? AND d.datname = current_database()`, r.Serving, r.Owner).Scan(&is).Error
	serving, owner := pgx.Identifier{r.Serving}.Sanitize(), pgx.Identifier{r.Owner}.Sanitize()
	switch {
	case err != nil:
		return err
	case is.Superuser:
		return fmt.Errorf("the serving role is a superuser, whom nothing keeps from the audit log: ALTER ROLE %s NOSUPERUSER", serving)
	case is.Member:
		return fmt.Errorf("the serving role is a member of the owner, so that it may do the same: REVOKE %s FROM %s", owner, serving)
	case is.Database:
		return fmt.Errorf("the serving role owns the database, and may drop what is in it: ALTER DATABASE ... OWNER TO %s", owner)
	}
	return nil
}

// takeOver makes the owner's what the serving role owns of the schema.
func (r roles) takeOver(tx *Tx) error {
	var owned []struct{ Kind, Name string }
	err := tx.Raw(`SELECT 'TABLE' AS kind, c.oid::regclass::text AS name FROM pg_class c
			WHERE c.relkind IN ('r', 'p') AND c.relnamespace = to_regnamespace(@schema) AND c.relowner = to_regrole(@serving)
		UNION ALL SELECT 'SEQUENCE', c.oid::regclass::text FROM pg_class c
			WHERE c.relkind = 'S' AND c.relnamespace = to_regnamespace(@schema) AND c.relowner = to_regrole(@serving)
			AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i'))
		UNION ALL SELECT 'FUNCTION', p.oid::regprocedure::text FROM pg_proc p
			WHERE p.pronamespace = to_regnamespace(@schema) AND p.proowner = to_regrole(@serving)`,
		map[string]any{"schema": pgx.Identifier{r.Schema}.Sanitize(), "serving": pgx.Identifier{r.Serving}.Sanitize()}).Scan(&owned).Error
	if err != nil || len(owned) == 0 {
		return err
	}
	var member bool
	if err := tx.Raw("SELECT pg_has_role(current_user, ?, 'USAGE')", r.Serving).Scan(&member).Error; err != nil {
		return err
	}
	owner, serving := pgx.Identifier{r.Owner}.Sanitize(), pgx.Identifier{r.Serving}.Sanitize()
	if !member {
		return fmt.Errorf("the serving role owns %d tables and functions that are to be the owner's: GRANT %s TO %s, migrate, and REVOKE %[2]s FROM %[3]s after that", len(owned), serving, owner)
	}
	for _, o := range owned {
		if err := tx.Exec(fmt.Sprintf("ALTER %s %s OWNER TO %s", o.Kind, o.Name, owner)).Error; err != nil {
			return fmt.Errorf("making %s the owner's: %w", o.Name, err)
		}
	}
	return nil
}

// grant gives the serving role its rights, and takes back what is beyond them.
func (r roles) grant(tx *Tx) error {
	var tables []string
	if err := tx.Raw("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = to_regnamespace(?) AND relowner = to_regrole(?)",
		pgx.Identifier{r.Schema}.Sanitize(), pgx.Identifier{r.Owner}.Sanitize()).Scan(&tables).Error; err != nil {
		return err
	}
	schema, to := pgx.Identifier{r.Schema}.Sanitize(), pgx.Identifier{r.Serving}.Sanitize()
	statements := []string{
		fmt.Sprintf("REVOKE CREATE ON SCHEMA %s FROM %s, PUBLIC", schema, to),
		fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s", schema, to),
		fmt.Sprintf("GRANT EXECUTE ON FUNCTION make_partition(text, date), remove_partition(text, text) TO %s", to),
	}
	for _, table := range tables {
		may := "SELECT, INSERT, UPDATE, DELETE"
		switch table {
		case auditTable:
			may = "SELECT, INSERT"
		case "goose_db_version":
			may = "SELECT"
		}
		name := pgx.Identifier{table}.Sanitize()
		statements = append(statements, fmt.Sprintf("REVOKE ALL ON %s FROM %s, PUBLIC", name, to), fmt.Sprintf("GRANT %s ON %s TO %s", may, name, to))
	}
	for _, statement := range statements {
		if err := tx.Exec(statement).Error; err != nil {
			return fmt.Errorf("granting %s its rights: %w", r.Serving, err)
		}
	}
	var creates bool
	if err := tx.Raw("SELECT has_schema_privilege(?, ?, 'CREATE')", r.Serving, r.Schema).Scan(&creates).Error; err != nil {
		return err
	}
	if creates {
		return fmt.Errorf("the serving role may still make tables and functions in the schema: ALTER SCHEMA %s OWNER TO %s", schema, pgx.Identifier{r.Owner}.Sanitize())
	}
	return nil
}
