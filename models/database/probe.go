package database

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"gorm.io/gorm"
)

// Probe is what readiness writes, and removes in the same transaction or the next.
type Probe struct {
	ID     string
	Filler []byte
}

const (
	probeSize = 64
	// fullProbeSize is more than fits into what a full database has left over.
	fullProbeSize = 1 << 20
)

// errProbed rolls a probe back that went well.
var errProbed = errors.New("probed")

// Probe writes a row and removes it again, each in a transaction that is
// committed as any other. It fails as writing fails: when the database is away,
// takes no writes, or has no room. After something was refused for want of
// room, it fails until a megabyte fits again.
func (db *DB) Probe(ctx context.Context) error {
	if db.full.lasts() {
		if err := db.full.ends(func() error { return db.probeRoom(ctx) }); err != nil {
			return fmt.Errorf("probing for room: %w", err)
		}
	}
	if err := db.writeProbe(ctx, probeSize); err != nil {
		return fmt.Errorf("probing: %w", err)
	}
	return nil
}

func newProbe(size int) *Probe {
	p := &Probe{ID: rand.Text(), Filler: make([]byte, size)}
	rand.Read(p.Filler) // so that it can't be compressed
	return p
}

func (db *DB) writeProbe(ctx context.Context, size int) error {
	p := newProbe(size)
	return db.Transaction(ctx, func(tx *Tx) error {
		if err := tx.Create(p).Error; err != nil {
			return err
		}
		return tx.Where("id = ?", p.ID).Delete(&Probe{}).Error
	})
}

// probeRoom makes the database take room that it does not have yet.
func (db *DB) probeRoom(ctx context.Context) error {
	err := db.Transaction(ctx, func(tx *Tx) error {
		if err := db.Dialect.takeRoom(tx.DB, newProbe(fullProbeSize)); err != nil {
			return err
		}
		return errProbed
	})
	if !errors.Is(err, errProbed) {
		return err
	}
	// What is rolled back may never have reached the disk.
	return db.writeProbe(ctx, fullProbeSize)
}

// takeRoom fills a table of its own, since one that is there may have room left
// from rows that were removed.
func (postgresDialect) takeRoom(tx *gorm.DB, p *Probe) error {
	if err := tx.Exec("CREATE TEMPORARY TABLE room (filler bytea) ON COMMIT DROP").Error; err != nil {
		return err
	}
	return tx.Exec("INSERT INTO room (filler) SELECT ?::bytea", p.Filler).Error
}

func (sqliteDialect) takeRoom(tx *gorm.DB, p *Probe) error { return tx.Create(p).Error }
