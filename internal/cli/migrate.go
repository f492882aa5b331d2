package cli

import (
	"context"
	"fmt"

	"hookwell/models/store"
)

type migrateCommand struct{}

// Run migrates and leaves.
func (*migrateCommand) Run(ctx context.Context) error {
	return withStore(ctx, func(*store.Store) error {
		fmt.Println("The database is up to date.")
		return nil
	})
}
