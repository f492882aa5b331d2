package cli

import (
	"context"
	"errors"

	"hookwell/internal/app"
	"hookwell/internal/config"
	"hookwell/models/store"
)

// withStore opens the store for one command.
func withStore(ctx context.Context, use func(*store.Store) error) error {
	return withConfiguredStore(ctx, func(_ *config.Config, s *store.Store) error { return use(s) })
}

// withConfiguredStore does the same for a command that needs a setting.
func withConfiguredStore(ctx context.Context, use func(*config.Config, *store.Store) error) error {
	c, err := config.Read()
	if err != nil {
		return err
	}
	store, err := app.OpenStore(ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(use(c, store), store.Close())
}
