package models

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
)

// auditTable is what the serving role may read and add to, and nothing else.
const auditTable = "audit_entries"

// MigrateAs applies the missing migrations as another role, the owner of the
// tables, and gives the store's own role what it needs: everything but the
// audit log's past, which it can then neither change nor lay open by dropping
// its guard. The owner has to be a member of the store's role, because that
// keeps the tables that are partitioned by day. Postgres alone.
func (s *Store) MigrateAs(ctx context.Context, ownerURL string) error {
	var role string
	if err := s.db.WithContext(ctx).Raw("SELECT current_user").Scan(&role).Error; err != nil {
		return fmt.Errorf("asking for the serving role: %w", err)
	}
	owner, err := Open(ctx, Options{DatabaseURL: ownerURL, Catalog: s.catalog, Guard: s.guard, Vault: s.vault, Clock: s.clock, Log: s.log})
	if err != nil {
		return fmt.Errorf("as the owner: %w", err)
	}
	provider, err := owner.migrator()
	if err == nil {
		err = owner.migrateUp(ctx, provider)
	}
	if err == nil {
		err = owner.transaction(ctx, func(tx *gorm.DB) error { return grantServing(tx, role) })
	}
	if err := errors.Join(err, owner.Close()); err != nil {
		return fmt.Errorf("migrating as the owner: %w", err)
	}
	return s.MakePartitions(ctx)
}

// grantServing gives a role the rights of the serving processes.
func grantServing(tx *gorm.DB, role string) error {
	var owner, schema string
	if err := tx.Raw("SELECT current_user, current_schema()").Row().Scan(&owner, &schema); err != nil {
		return err
	}
	if owner == role {
		return errors.New("the owner and the serving role are the same")
	}
	var tables []struct {
		Name        string
		Partitioned bool
	}
	// Only what the owner owns: a partition that is handed over already is not.
	if err := tx.Raw(`SELECT relname AS name, relkind = 'p' OR relispartition AS partitioned FROM pg_class
		WHERE relkind IN ('r', 'p') AND relnamespace = to_regnamespace(?) AND relowner = to_regrole(?)`,
		pgx.Identifier{schema}.Sanitize(), pgx.Identifier{owner}.Sanitize()).Scan(&tables).Error; err != nil {
		return err
	}
	to := pgx.Identifier{role}.Sanitize()
	statements := []string{fmt.Sprintf("GRANT USAGE, CREATE ON SCHEMA %s TO %s", pgx.Identifier{schema}.Sanitize(), to)}
	for _, table := range tables {
		name := pgx.Identifier{table.Name}.Sanitize()
		switch {
		case table.Partitioned:
			statements = append(statements, fmt.Sprintf("ALTER TABLE %s OWNER TO %s", name, to))
		case table.Name == auditTable:
			statements = append(statements, fmt.Sprintf("REVOKE ALL ON %s FROM %s, PUBLIC", name, to), fmt.Sprintf("GRANT SELECT, INSERT ON %s TO %s", name, to))
		case table.Name == "goose_db_version":
			statements = append(statements, fmt.Sprintf("GRANT SELECT ON %s TO %s", name, to))
		default:
			statements = append(statements, fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %s", name, to))
		}
	}
	for _, statement := range statements {
		if err := tx.Exec(statement).Error; err != nil {
			return fmt.Errorf("granting %s its rights: %w", role, err)
		}
	}
	return nil
}
