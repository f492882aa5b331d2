package database

import (
	"context"

	"hookwell/models"
)

// GrowingTable is a table that grows without end, and its rising key.
type GrowingTable struct{ Name, Key, Prefix string }

// GrowingTables are the tables that retention shortens.
var GrowingTables = []GrowingTable{
	{"attempts", "delivery_id", models.PrefixDelivery},
	{"deliveries", "id", models.PrefixDelivery},
	{"events", "id", models.PrefixEvent},
	{"requests", "id", models.PrefixRequest},
}

// partitionDays is how far ahead partitions are made. It is more than the
// schedule of any job that makes them.
const partitionDays = 14

// MakePartitions makes the partitions of the days ahead. It is safe to call at
// any time and from several processes.
func (db *DB) MakePartitions(ctx context.Context) error {
	now := db.clock.Now()
	if err := db.Dialect.makePartitions(ctx, db.DB, now, now.AddDate(0, 0, partitionDays)); err != nil {
		return begun("making partitions", err)
	}
	return nil
}
