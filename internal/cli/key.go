package cli

import (
	"context"
	"fmt"

	"hookwell/models"
	"hookwell/models/store"
)

type keyCommands struct {
	Create keyCreateCommand `cmd:"" help:"Make a key of one organization and print it, alone."`
}

type keyCreateCommand struct {
	Org     string   `required:"" help:"The organization's id or external id."`
	Name    string   `required:"" help:"What the key is for."`
	Scopes  []string `required:"" help:"events:write, read, write, requests:read, sources:write; separated by commas."`
	Expires expiry   `help:"When it ends: a date, a time (RFC 3339), or days such as 90d. Never, if it is left out."`
}

// Run prints the key alone.
func (k *keyCreateCommand) Run(ctx context.Context) error {
	return withStore(ctx, func(store *store.Store) error {
		tenant, err := store.Operator().Tenant(ctx, k.Org)
		if err != nil {
			return err
		}
		_, text, err := tenant.CreateKey(ctx, models.NewKey{Name: k.Name, Scopes: k.Scopes, ExpiresAt: k.Expires.at(store.Now())})
		if err == nil {
			fmt.Println(text)
		}
		return err
	})
}
