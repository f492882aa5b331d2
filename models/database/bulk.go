package database

import (
	"database/sql/driver"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"
)

// ValueKind is a column's type in a list of values.
type ValueKind int

// The kinds of value.
const (
	TextValue ValueKind = iota
	IntegerValue
	TimeValue
	BytesValue
	booleanValue
)

// ifThere is what an insert does about a row whose key is taken.
type ifThere int

// What an insert does about a row whose key is taken.
const (
	RefuseTaken        ifThere = iota // fail
	LeaveTaken                        // leave the row that is there
	ReplaceTaken                      // write over it
	ReplaceInterrupted                // of attempts: write over one that says no more than that it was interrupted
)

const ifInterrupted = "attempts.cause = 'interrupted'"

// InsertAll inserts any number of rows. It fails if the database does, and does nothing
// without rows.
func InsertAll[T any](d Dialect, tx *gorm.DB, rows []*T, taken ifThere) error {
	if len(rows) == 0 {
		return nil
	}
	_, err := d.insert(tx, RowsOf(rows), taken)
	return err
}

// InsertFree inserts the rows whose keys are free, and returns how many that were.
func InsertFree[T any](d Dialect, tx *gorm.DB, rows []*T) (int, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	inserted, err := d.insert(tx, RowsOf(rows), LeaveTaken)
	return int(inserted), err
}

// CreateAll inserts rows that InsertAll does not know how to write: with columns
// that may be null, or with clauses of their own.
func CreateAll[T any](tx *gorm.DB, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	return tx.CreateInBatches(rows, perInsert).Error
}

// RowsOf returns rows as Insertion takes them, of whatever type.
func RowsOf[T any](rows []*T) reflect.Value { return reflect.ValueOf(rows) }

// perInsert keeps an insert into SQLite below its limit of parameters.
const perInsert = 500

func (sqliteDialect) insert(tx *gorm.DB, rows reflect.Value, taken ifThere) (int64, error) {
	if taken != RefuseTaken {
		conflict := clause.OnConflict{DoNothing: taken == LeaveTaken, UpdateAll: taken != LeaveTaken}
		if taken == ReplaceInterrupted {
			conflict.Where.Exprs = []clause.Expression{clause.Expr{SQL: ifInterrupted}}
		}
		tx = tx.Clauses(conflict)
	}
	tx = tx.CreateInBatches(rows.Interface(), perInsert)
	return tx.RowsAffected, tx.Error
}

func (postgresDialect) insert(tx *gorm.DB, rows reflect.Value, taken ifThere) (int64, error) {
	statement, parameters, err := Insertion(tx, rows, question)
	if err != nil {
		return 0, err
	}
	conflict, err := onConflict(tx, rows, taken)
	if err != nil {
		return 0, err
	}
	done := tx.Exec(statement+conflict, parameters...)
	return done.RowsAffected, done.Error
}

// Insertion returns an INSERT whose text is the same for any number of rows: each
// column is one array. So it is described once, and reading it costs the
// database no more for many rows than for one.
func Insertion(tx *gorm.DB, rows reflect.Value, next Placeholder) (statement string, parameters []any, err error) {
	parsed, err := schemaOf(tx, rows)
	if err != nil {
		return "", nil, err
	}
	var names, arrays []string
	for _, name := range parsed.DBNames {
		field := parsed.FieldsByDBName[name]
		array := newArray(kindOf(field.FieldType), rows.Len())
		for i := range rows.Len() {
			value, _ := field.ValueOf(tx.Statement.Context, rows.Index(i).Elem())
			if own, ok := value.(driver.Valuer); ok {
				if value, err = own.Value(); err != nil {
					return "", nil, fmt.Errorf("column %s: %w", name, err)
				}
			}
			array.add(value)
		}
		names, arrays = append(names, name), append(arrays, next()+"::"+array.kind.arrayType())
		parameters = append(parameters, array.parameter())
	}
	columns := strings.Join(names, ", ")
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %[2]s FROM unnest(%[3]s) AS new(%[2]s)", parsed.Table, columns, strings.Join(arrays, ", ")), parameters, nil
}

// Placeholder returns what stands for a statement's next parameter.
type Placeholder func() string

// question returns the placeholder that GORM takes.
func question() string { return "?" }

// Numbered returns the placeholders that Postgres itself takes, from $1 on, for a
// statement that goes past GORM.
func Numbered() Placeholder {
	n := 0
	return func() string {
		n++
		if n < len(numbers) {
			return numbers[n]
		}
		return "$" + strconv.Itoa(n)
	}
}

// numbers are the placeholders of most statements, written once.
var numbers = func() (list [100]string) {
	for n := range list {
		list[n] = "$" + strconv.Itoa(n)
	}
	return list
}()

func onConflict(tx *gorm.DB, rows reflect.Value, taken ifThere) (string, error) {
	switch taken {
	case RefuseTaken:
		return "", nil
	case LeaveTaken:
		return " ON CONFLICT DO NOTHING", nil
	}
	parsed, err := schemaOf(tx, rows)
	if err != nil {
		return "", err
	}
	var set []string
	for _, name := range parsed.DBNames {
		if !parsed.FieldsByDBName[name].PrimaryKey {
			set = append(set, name+" = excluded."+name)
		}
	}
	conflict := fmt.Sprintf(" ON CONFLICT (%s) DO UPDATE SET %s", strings.Join(parsed.PrimaryFieldDBNames, ", "), strings.Join(set, ", "))
	if taken == ReplaceInterrupted {
		conflict += " WHERE " + ifInterrupted
	}
	return conflict, nil
}

// schemaOf reads the rows' type, once for all times.
func schemaOf(tx *gorm.DB, rows reflect.Value) (*schema.Schema, error) {
	statement := &gorm.Statement{DB: tx}
	err := statement.Parse(reflect.New(rows.Type().Elem().Elem()).Interface())
	return statement.Schema, err
}

func kindOf(t reflect.Type) ValueKind {
	switch {
	case t == reflect.TypeFor[time.Time](), t == reflect.TypeFor[*time.Time]():
		return TimeValue
	case t.Implements(reflect.TypeFor[driver.Valuer]()), t.Kind() == reflect.Slice:
		return BytesValue
	case t.Kind() == reflect.Bool:
		return booleanValue
	case t.Kind() == reflect.String:
		return TextValue
	}
	return IntegerValue
}

// array is one column of rows, typed, as Postgres takes it for one parameter.
type array struct {
	kind     ValueKind
	texts    []string
	integers []int64
	times    []*time.Time
	bytes    [][]byte
	booleans []bool
}

func newArray(kind ValueKind, size int) *array {
	a := &array{kind: kind}
	switch kind {
	case TextValue:
		a.texts = make([]string, 0, size)
	case IntegerValue:
		a.integers = make([]int64, 0, size)
	case TimeValue:
		a.times = make([]*time.Time, 0, size)
	case BytesValue:
		a.bytes = make([][]byte, 0, size)
	case booleanValue:
		a.booleans = make([]bool, 0, size)
	}
	return a
}

func (k ValueKind) arrayType() string {
	return [...]string{TextValue: "text[]", IntegerValue: "bigint[]", TimeValue: "timestamptz[]", BytesValue: "bytea[]", booleanValue: "boolean[]"}[k]
}

// parameter returns a pointer, which GORM hands on as one value where it would
// write a slice out.
func (a *array) parameter() any {
	switch a.kind {
	case TextValue:
		return &a.texts
	case IntegerValue:
		return &a.integers
	case TimeValue:
		return &a.times
	case BytesValue:
		return &a.bytes
	}
	return &a.booleans
}

// add appends a value. Of the kinds, times alone may be missing.
func (a *array) add(value any) {
	switch v := value.(type) {
	case string:
		a.texts = append(a.texts, v)
	case int:
		a.integers = append(a.integers, int64(v))
	case int64:
		a.integers = append(a.integers, v)
	case time.Time:
		a.times = append(a.times, &v)
	case *time.Time:
		a.times = append(a.times, v)
	case nil:
		a.times = append(a.times, nil)
	case bool:
		a.booleans = append(a.booleans, v)
	case []byte:
		if v == nil {
			v = []byte{}
		}
		a.bytes = append(a.bytes, v)
	default:
		a.addNamed(reflect.ValueOf(value))
	}
}

// addNamed appends a value of a named type, such as a State.
func (a *array) addNamed(v reflect.Value) {
	if v.Kind() == reflect.String {
		a.texts = append(a.texts, v.String())
		return
	}
	a.integers = append(a.integers, v.Int())
}

// Values writes rows as a list that "WITH v(a, b) AS (...)" takes, with its
// parameters.
func Values(d Dialect, kinds []ValueKind, rows [][]any) (string, []any) { return d.Values(kinds, rows) }

// Values implements Dialect.
func (sqliteDialect) Values(_ []ValueKind, rows [][]any) (string, []any) {
	var b strings.Builder
	b.WriteString("VALUES ")
	var parameters []any
	for i, row := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("(" + strings.Repeat("?, ", len(row)-1) + "?)")
		parameters = append(parameters, row...)
	}
	return b.String(), parameters
}

// Values implements Dialect.
func (postgresDialect) Values(kinds []ValueKind, rows [][]any) (string, []any) {
	return Unnested(kinds, rows, question)
}

// Unnested is Values on Postgres, with placeholders of the caller's choice.
func Unnested(kinds []ValueKind, rows [][]any, next Placeholder) (string, []any) {
	arrays, names, parameters := make([]string, len(kinds)), make([]string, len(kinds)), make([]any, len(kinds))
	for column, kind := range kinds {
		array := newArray(kind, len(rows))
		for _, row := range rows {
			array.add(row[column])
		}
		arrays[column], names[column], parameters[column] = next()+"::"+kind.arrayType(), "c"+strconv.Itoa(column), array.parameter()
	}
	columns := strings.Join(names, ", ")
	return "SELECT " + columns + " FROM unnest(" + strings.Join(arrays, ", ") + ") AS listed(" + columns + ")", parameters
}

// AmongRows is the test whether columns are, together, one of some rows, and its
// parameters. On Postgres the text is the same for any number of rows.
func AmongRows(d Dialect, columns []string, kinds []ValueKind, rows [][]any) (string, []any) {
	list, parameters := d.Values(kinds, rows)
	return "(" + strings.Join(columns, ", ") + ") IN (" + list + ")", parameters
}

// Among implements Dialect.
func (sqliteDialect) Among(column string, texts []string) (string, any) {
	return column + " IN ?", texts
}

// Among implements Dialect.
func (postgresDialect) Among(column string, texts []string) (string, any) {
	return column + " = ANY(?)", &texts
}
