package pipeline

import (
	"database/sql"
	"reflect"

	"gorm.io/gorm"

	"hookwell/models/database"
)

// statement is the text and the parameters of a statement for Postgres.
type statement struct {
	text       string
	parameters []any
	next       database.Placeholder
}

// bind adds a parameter and returns what stands for it.
func (w *statement) bind(parameter any) string {
	w.parameters = append(w.parameters, parameter)
	return w.next()
}

// insertion adds rows' values and returns what inserts them.
func (w *statement) insertion(db *gorm.DB, rows reflect.Value) (string, error) {
	insert, parameters, err := database.Insertion(db, rows, w.next)
	w.parameters = append(w.parameters, parameters...)
	return insert, err
}

// query runs the statement, and keeps it prepared where no pooler stands before the
// database: an insert has one plan, however full its table is.
func (w *statement) query(db *gorm.DB) (*sql.Rows, error) {
	pool := db.ConnPool.(*database.PostgresPool)
	if !pool.Chosen {
		w.parameters = append([]any{pool.Named()}, w.parameters...)
	}
	return pool.QueryContext(db.Statement.Context, w.text, w.parameters...)
}
