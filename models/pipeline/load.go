package pipeline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"hookwell/models"
	"hookwell/models/database"
)

// LoadHistory writes a history in one transaction, by the fastest way that the
// database has. The partitions that it needs must exist.
func (p *Engine) LoadHistory(ctx context.Context, h *models.History) error {
	err := p.db.WithContext(ctx).Connection(func(on *gorm.DB) error {
		l := loader{ctx: ctx, statements: p.statements, connection: on.Statement.ConnPool.(*sql.Conn)}
		return on.Transaction(func(tx *gorm.DB) error {
			l.tx = tx
			if err := countHistory(h, tx); err != nil {
				return err
			}
			return errors.Join(loadRows(l, h.Undelivered()), loadRows(l, h.Events), loadRows(l, h.Deliveries), loadRows(l, h.Attempts), loadRows(l, h.Work), saveStates(tx, h.States))
		})
	})
	if err != nil {
		return fmt.Errorf("loading a history: %w", err)
	}
	return nil
}

// countHistory counts the history's attempts, whose deliveries are to be part of it.
func countHistory(h *models.History, db *gorm.DB) error {
	counted, byID := traffic{}, make(map[string]*models.Delivery, len(h.Deliveries))
	for i := range h.Deliveries {
		d := &h.Deliveries[i]
		byID[d.ID] = d
		switch d.State {
		case models.Failed:
			counted.at(d.OrganizationID, d.EndpointID, *d.EndedAt).Failed++
		case models.Delivered:
			counted.at(d.OrganizationID, d.EndpointID, *d.EndedAt).Delivered++
		}
	}
	for i := range h.Attempts {
		a := &h.Attempts[i]
		if d := byID[a.DeliveryID]; d != nil {
			counted.at(d.OrganizationID, d.EndpointID, a.StartedAt.Add(a.Duration())).Attempt(a.Delivered(), a.StatusCode, a.Duration())
		}
	}
	return counted.save(db, &database.Clock{})
}

func saveStates(tx *gorm.DB, states []models.EndpointState) error {
	if len(states) == 0 {
		return nil
	}
	return tx.Save(states).Error
}

// Analyze updates the database's statistics after a bulk load, and does the
// cleanup that the database would otherwise do in the background for minutes.
func (p *Engine) Analyze(ctx context.Context) error {
	return p.db.WithContext(ctx).Exec(p.statements.analyze()).Error
}

// loader is a transaction, and the connection that it is on.
type loader struct {
	ctx        context.Context
	statements statements
	connection *sql.Conn
	tx         *gorm.DB
}

// loadRows writes the rows of one table.
func loadRows[T any](l loader, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	statement := &gorm.Statement{DB: l.tx}
	if err := statement.Parse(&rows[0]); err != nil {
		return err
	}
	fields := slices.DeleteFunc(slices.Clone(statement.Schema.Fields), func(f *schema.Field) bool { return f.DBName == "" })
	columns := make([]string, len(fields))
	for i, f := range fields {
		columns[i] = f.DBName
	}
	values := make([]any, len(fields))
	return l.statements.load(l, statement.Schema.Table, columns, len(rows), func(at int) []any {
		row := reflect.ValueOf(&rows[at]).Elem()
		for i, f := range fields {
			values[i], _ = f.ValueOf(l.ctx, row)
		}
		return values
	})
}

func (postgresStatements) analyze() string { return "VACUUM ANALYZE" }

func (sqliteStatements) analyze() string { return "ANALYZE" }

// load copies. The commit need not wait for the disk, since a history that is
// lost is loaded again.
func (postgresStatements) load(l loader, table string, columns []string, count int, row func(int) []any) error {
	if err := l.tx.Exec("SET LOCAL synchronous_commit = off").Error; err != nil {
		return err
	}
	return l.connection.Raw(func(connection any) error {
		source := pgx.CopyFromSlice(count, func(at int) ([]any, error) { return row(at), nil })
		_, err := connection.(*stdlib.Conn).Conn().CopyFrom(l.ctx, pgx.Identifier{table}, columns, source)
		return err
	})
}

func (sqliteStatements) load(l loader, table string, columns []string, count int, row func(int) []any) error {
	const perStatement = 500
	for from := 0; from < count; from += perStatement {
		rows := make([]map[string]any, 0, perStatement)
		for at := from; at < min(from+perStatement, count); at++ {
			values := row(at)
			one := make(map[string]any, len(columns))
			for i, column := range columns {
				one[column] = values[i]
			}
			rows = append(rows, one)
		}
		if err := l.tx.Table(table).Create(rows).Error; err != nil {
			return err
		}
	}
	return nil
}
