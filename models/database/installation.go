package database

import (
	"context"
	"fmt"
)

// Installation is what tells this installation from others: one row, which its
// migration makes.
type Installation struct {
	ID         string
	SoleWorker string // of the processes with workers, the one that alone has any; "" for none
}

// InstallationID returns the installation's id, 32 hexadecimal digits that every
// name in a shared service carries. It fails before the first Migrate.
func (db *DB) InstallationID(ctx context.Context) (string, error) {
	var row Installation
	if err := db.DB.WithContext(ctx).Select("id").Order("id").Take(&row).Error; err != nil {
		return "", fmt.Errorf("reading the installation's id: %w", err)
	}
	return row.ID, nil
}
