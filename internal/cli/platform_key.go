package cli

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"hookwell/models"
	"hookwell/models/store"
)

type platformKeyCommand struct {
	Create platformKeyCreateCommand `cmd:"" help:"Make a platform key and print it, alone."`
	List   platformKeyListCommand   `cmd:"" help:"List the platform keys."`
	Revoke platformKeyRevokeCommand `cmd:"" help:"Make a platform key useless at once."`
}

type platformKeyCreateCommand struct {
	Name    string `required:"" help:"What the key is for."`
	Expires expiry `help:"When it ends: a date, a time (RFC 3339), or days such as 90d. Never, if it is left out."`
}

// Run prints the key alone.
func (p *platformKeyCreateCommand) Run(ctx context.Context) error {
	return withStore(ctx, func(store *store.Store) error {
		_, text, err := store.Operator().CreateKey(ctx, models.NewKey{Name: p.Name, ExpiresAt: p.Expires.at(store.Now())})
		if err == nil {
			fmt.Println(text)
		}
		return err
	})
}

type platformKeyListCommand struct{}

// Run prints one line per key.
func (*platformKeyListCommand) Run(ctx context.Context) error {
	return withStore(ctx, func(store *store.Store) error {
		keys, err := store.Operator().Keys(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tNAME\tKEY\tCREATED\tCREATED BY\tLAST USED\tEXPIRES\tREVOKED")
		for _, k := range keys {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, k.Masked(),
				stamp(&k.CreatedAt), k.CreatedBy, stamp(k.LastUsedAt), stamp(k.ExpiresAt), stamp(k.RevokedAt))
		}
		return table.Flush()
	})
}

func stamp(t *time.Time) string {
	if t == nil {
		return "–"
	}
	return t.Format(time.DateTime)
}

type platformKeyRevokeCommand struct {
	ID string `arg:"" help:"The key's id, key_..."`
}

// Run revokes the key.
func (p *platformKeyRevokeCommand) Run(ctx context.Context) error {
	return withStore(ctx, func(store *store.Store) error { return store.Operator().RevokeKey(ctx, p.ID) })
}
