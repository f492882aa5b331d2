package database

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/glebarez/go-sqlite"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm/logger"

	"hookwell/models"
)

// storageRetry is when trying again may work where an operator has to act.
const storageRetry = 30 * time.Second

// StorageRefusal returns what a person gets to see of an error that says that
// the database has no room left or takes no writes, and nil of any other.
func StorageRefusal(err error) *models.Error {
	switch {
	case storageFull(err):
		return &models.Error{Kind: models.Unavailable, Code: models.CodeStorageFull, RetryAfter: storageRetry,
			Message: "The database has no room left, so nothing can be saved. Whoever runs Hookwell has to make room; then try again."}
	case storageReadOnly(err):
		return &models.Error{Kind: models.Unavailable, Code: models.CodeStorageReadOnly, RetryAfter: storageRetry,
			Message: "The database takes no changes at present, so nothing can be saved. Whoever runs Hookwell has to look at it; then try again."}
	}
	return nil
}

// unwritable is a refusal by a database that takes no writes, as an operator is
// told it.
type unwritable struct {
	sentence string
	cause    error
}

// Error returns the sentence for an operator.
func (u *unwritable) Error() string { return u.sentence }

// Unwrap returns the cause.
func (u *unwritable) Unwrap() error { return u.cause }

// begun returns the error of what a process begins with: what was being done and
// the error, or, where there is no room, nothing may be written or no connection
// is granted until a setting changes, what to do.
func begun(doing string, err error) error {
	var told *unwritable
	var refused *refusal
	switch {
	case err == nil, errors.As(err, &told):
		return err
	case errors.As(Outage(err), &refused):
		return refused
	case storageFull(err):
		return &unwritable{"the database has no room left: make room on its disk, then start again", err}
	case storageReadOnly(err):
		return &unwritable{"the database takes no writes: it is a replica, or it or its disk is set read-only; name the primary, or let it be written to, then start again", err}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// SQLite's codes: the primary one is the low byte.
const (
	sqliteIsReadOnly  = 8
	sqliteIsFull      = 13
	sqliteSharedCant  = 4874 // SQLITE_IOERR_SHMSIZE: the file beside the log can't grow
	sqlitePrimaryMask = 0xff
)

func storageFull(err error) bool {
	var pg *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case errors.As(err, &pg):
		return pg.Code == "53100" // disk_full
	case errors.As(err, &lite):
		return lite.Code()&sqlitePrimaryMask == sqliteIsFull || lite.Code() == sqliteSharedCant
	}
	return errors.Is(err, syscall.ENOSPC)
}

func storageReadOnly(err error) bool {
	var pg *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case errors.As(err, &pg):
		return pg.Code == "25006" // read_only_sql_transaction
	case errors.As(err, &lite):
		return lite.Code()&sqlitePrimaryMask == sqliteIsReadOnly
	}
	return errors.Is(err, syscall.EROFS)
}

// NoteStorage notes an error that says that there is no room, and returns it: the
// watch over statements sees neither what a commit says nor what comes with a
// statement's rows.
func (db *DB) NoteStorage(err error) error {
	if storageFull(err) {
		db.full.note()
	}
	return err
}

// Full reports whether something was refused for want of room since a probe last
// found some.
func (db *DB) Full() bool { return db.full.lasts() }

// shortage counts refusals for want of room, and to how many of them a probe came
// afterwards that found room: one that comes while it probes is not forgotten.
type shortage struct{ refused, over atomic.Int64 }

func (s *shortage) note() { s.refused.Add(1) }

func (s *shortage) lasts() bool { return s.refused.Load() != s.over.Load() }

// ends calls found, and forgets the refusals before that if it returns nil.
func (s *shortage) ends(found func() error) error {
	before := s.refused.Load()
	err := found()
	if err == nil {
		s.over.Store(before)
	}
	return err
}

// storageWatch is a GORM logger that logs nothing and notes whether a statement
// was refused for want of room.
type storageWatch struct {
	logger.Interface
	full *shortage
}

// Trace looks at what came of a statement.
func (w storageWatch) Trace(_ context.Context, _ time.Time, _ func() (string, int64), err error) {
	if err != nil && storageFull(err) {
		w.full.note()
	}
}

// LogMode keeps the watch whatever the level.
func (w storageWatch) LogMode(logger.LogLevel) logger.Interface { return w }
