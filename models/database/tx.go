package database

import (
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Tx is a transaction under way: its queries, its time, and what is to happen
// once it is committed. It is used by one goroutine.
type Tx struct {
	*gorm.DB
	readNow func(*Tx) (time.Time, error)
	now     time.Time
	notes   []note
}

// note is something that is noted in a transaction, and what is done with it
// after the commit.
type note struct {
	value any
	then  func()
}

// Now returns the time of the transaction by the database's clock. It is read
// with the first call.
func (tx *Tx) Now() (time.Time, error) {
	if tx.now.IsZero() {
		now, err := tx.readNow(tx)
		if err != nil {
			return time.Time{}, fmt.Errorf("reading the database's clock: %w", err)
		}
		tx.now = now
	}
	return tx.now, nil
}

// NoteIn returns the T of the transaction, for what is to be told once it is
// committed: then is called with it after that. The first call makes it.
func NoteIn[T any](tx *Tx, then func(*T)) *T {
	if noted := NotedIn[T](tx); noted != nil {
		return noted
	}
	noted := new(T)
	tx.notes = append(tx.notes, note{noted, func() { then(noted) }})
	return noted
}

// NotedIn returns the T of the transaction, nil if there is none.
func NotedIn[T any](tx *Tx) *T {
	for _, n := range tx.notes {
		if noted, ok := n.value.(*T); ok {
			return noted
		}
	}
	return nil
}

// committed does what is to happen after the commit.
func (tx *Tx) committed() {
	for _, n := range tx.notes {
		n.then()
	}
}
