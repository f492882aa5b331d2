package cli

import (
	"context"
	"fmt"

	"hookwell/models/store"
)

type secretsCommands struct {
	Rekey rekeyCommand `cmd:"" help:"Seal every secret and own header with the first key of HOOKWELL_SECRET_KEY."`
}

type rekeyCommand struct{}

// Run prints how many values it sealed anew, also when some could not be opened.
func (*rekeyCommand) Run(ctx context.Context) error {
	return withStore(ctx, func(store *store.Store) error {
		n, err := store.Operator().RekeySecrets(ctx)
		fmt.Printf("%d sealed with the first key.\n", n)
		return err
	})
}
