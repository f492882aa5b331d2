package ops

import (
	"context"
	"errors"
	"sync"
	"time"

	"hookwell/models"
	"hookwell/models/store"
)

// probeFor is how long what a probe found is told again, so that no number of
// requests makes more than one write a second.
const probeFor = time.Second

// Checker checks a service that the process needs. Its error is a sentence for an
// operator.
type Checker interface {
	Check(ctx context.Context) error
}

// Probe tries in the database and in Redis what the process does there: a write,
// and a message. It is safe for concurrent use.
type Probe struct {
	database found
	redis    found
}

// NewProbe returns a probe. It tries nothing before it is asked.
func NewProbe(store *store.Store, redis Checker) *Probe {
	return &Probe{database: found{try: store.Database().Probe, now: store.Now, refuted: store.Database().Full}, redis: found{try: redis.Check, now: store.Now}}
}

// Database returns nil if a row can be written to the database; the result is up
// to a second old, and no older than a refusal for want of room. It fails as database.DB.Probe does.
func (p *Probe) Database(ctx context.Context) error { return p.database.ask(ctx) }

// Redis returns nil if Redis does its part; the result is up to a second old.
func (p *Probe) Redis(ctx context.Context) error { return p.redis.ask(ctx) }

// found is what one try found, and when.
type found struct {
	try func(context.Context) error
	now func() time.Time
	// refuted reports that what went well would not any more; nil is never.
	refuted func() bool

	mu   sync.Mutex
	at   time.Time
	err  error
	once bool
}

// ask tries, or returns what was found a moment ago. Those who ask at once wait
// for one try, which outlives who began it.
func (f *found) ask(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	over := f.err == nil && f.refuted != nil && f.refuted()
	if age := f.now().Sub(f.at); f.once && age >= 0 && age < probeFor && !over {
		return f.err
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), askLimit)
	defer cancel()
	f.err = f.try(limited)
	f.at, f.once = f.now(), true
	return f.err
}

// databaseFault says what is wrong with the database, after its name.
func databaseFault(err error) string {
	switch told := store.StorageRefusal(err); {
	case models.IsCode(err, models.CodeDatabaseBusy):
		return " grants no connection in time: as many as it allows are taken; the log says whose limit it is"
	case store.DatabaseRefuses(err):
		return " refuses the connection; the log says why"
	case told == nil:
		return " does not answer; the log says why"
	case told.Code == models.CodeStorageFull:
		return " has no room left: nothing can be written; make room on its disk"
	case told.Code == models.CodeStorageReadOnly:
		return " takes no writes: it is a replica, or set read-only; name the primary"
	}
	return " refuses writes; the log says why"
}

// loggable returns the error under a sentence for operators, for the log.
func loggable(err error) error {
	if under := errors.Unwrap(err); under != nil {
		return under
	}
	return err
}
