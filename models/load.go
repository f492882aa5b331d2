package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// History is rows of the past that were made elsewhere, for development: what
// deliveries were, not what made them so.
type History struct {
	Events     []Event
	Deliveries []Delivery
	Attempts   []Attempt
	Work       []Work
	States     []EndpointState // take the place of those that are there
}

// IDAt is an id as it would have been made at a time. Ids of one clock rise.
func (c *Clock) IDAt(prefix string, at time.Time) string { return c.newID(prefix, at) }

// LoadHistory writes a history in one transaction, by the fastest way that the
// database has. The partitions that it needs are to be there.
func (s *Store) LoadHistory(ctx context.Context, h *History) error {
	err := s.db.WithContext(ctx).Connection(func(on *gorm.DB) error {
		l := loader{ctx: ctx, dialect: s.dialect, connection: on.Statement.ConnPool.(*sql.Conn)}
		return on.Transaction(func(tx *gorm.DB) error {
			l.tx = tx
			if err := h.count(tx); err != nil {
				return err
			}
			return errors.Join(loadRows(l, h.undelivered()), loadRows(l, h.Events), loadRows(l, h.Deliveries), loadRows(l, h.Attempts), loadRows(l, h.Work), saveStates(tx, h.States))
		})
	})
	if err != nil {
		return fmt.Errorf("loading a history: %w", err)
	}
	return nil
}

// undelivered lists what of the history did not arrive.
func (h *History) undelivered() (rows []Undelivered) {
	for i := range h.Deliveries {
		if d := &h.Deliveries[i]; d.State == Failed || d.State == Cancelled {
			rows = append(rows, Undelivered{DeliveryID: d.ID, OrganizationID: d.OrganizationID, EndpointID: d.EndpointID, EventType: d.EventType, State: d.State})
		}
	}
	return rows
}

// count counts the history's attempts, whose deliveries are to be part of it.
func (h *History) count(db *gorm.DB) error {
	counted, byID := traffic{}, make(map[string]*Delivery, len(h.Deliveries))
	for i := range h.Deliveries {
		d := &h.Deliveries[i]
		byID[d.ID] = d
		switch d.State {
		case Failed:
			counted.at(d.OrganizationID, d.EndpointID, *d.EndedAt).Failed++
		case Delivered:
			counted.at(d.OrganizationID, d.EndpointID, *d.EndedAt).Delivered++
		}
	}
	for i := range h.Attempts {
		a := &h.Attempts[i]
		if d := byID[a.DeliveryID]; d != nil {
			counted.at(d.OrganizationID, d.EndpointID, a.StartedAt.Add(a.Duration())).attempt(a.Delivered(), a.StatusCode, a.Duration())
		}
	}
	return counted.save(db, &Clock{})
}

func saveStates(tx *gorm.DB, states []EndpointState) error {
	if len(states) == 0 {
		return nil
	}
	return tx.Save(states).Error
}

// Analyze lets the database learn how its tables are filled, after so much of
// them changed at once, and clean up what it would otherwise do in the
// background for minutes.
func (s *Store) Analyze(ctx context.Context) error {
	return s.db.WithContext(ctx).Exec(s.dialect.analyze()).Error
}

// loader is a transaction, and the connection that it is on.
type loader struct {
	ctx        context.Context
	dialect    dialect
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
	return l.dialect.load(l, statement.Schema.Table, columns, len(rows), func(at int) []any {
		row := reflect.ValueOf(&rows[at]).Elem()
		for i, f := range fields {
			values[i], _ = f.ValueOf(l.ctx, row)
		}
		return values
	})
}

func (postgresDialect) analyze() string { return "VACUUM ANALYZE" }

func (sqliteDialect) analyze() string { return "ANALYZE" }

// load copies. The commit need not wait for the disk, since a history that is
// lost is loaded again.
func (postgresDialect) load(l loader, table string, columns []string, count int, row func(int) []any) error {
	if err := l.tx.Exec("SET LOCAL synchronous_commit = off").Error; err != nil {
		return err
	}
	return l.connection.Raw(func(connection any) error {
		source := pgx.CopyFromSlice(count, func(at int) ([]any, error) { return row(at), nil })
		_, err := connection.(*stdlib.Conn).Conn().CopyFrom(l.ctx, pgx.Identifier{table}, columns, source)
		return err
	})
}

func (sqliteDialect) load(l loader, table string, columns []string, count int, row func(int) []any) error {
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
