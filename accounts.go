package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"hookwell/models"
)

type userCommands struct {
	Create         userCreateCommand         `cmd:"" help:"Make an account and put it into an organization. The password comes from standard input."`
	ResetPassword  userResetCommand          `cmd:"" help:"Give an account a new password, from standard input. Its sessions end."`
	ResetTwoFactor userResetTwoFactorCommand `cmd:"" help:"Turn an account's two-factor sign-in off, for who has lost the app and the recovery codes."`
}

type userCreateCommand struct {
	Email string `required:"" help:"The address to sign in with."`
	Name  string `required:"" help:"The person's name."`
	Org   string `required:"" help:"An organization's id, or the name of a new one."`
	Role  string `default:"owner" help:"owner, admin, member or guest."`
}

// Run prints one line of JSON with the ids.
func (u *userCreateCommand) Run(ctx context.Context) error {
	role, err := models.ParseRole(u.Role)
	if err != nil {
		return err
	}
	password, err := readPassword(os.Stdin)
	if err != nil {
		return err
	}
	return withStore(ctx, func(store *models.Store) error {
		user, org, err := store.Operator().CreateUser(ctx, models.Account{Name: u.Name, Email: u.Email, Password: password}, u.Org, role)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(struct {
			UserID         string `json:"userId"`
			OrganizationID string `json:"organizationId"`
		}{user.ID, org.ID})
	})
}

type userResetCommand struct {
	Email  string `required:"" help:"The account's address."`
	Unlink bool   `help:"Unlink the providers that the person signs in with: they let in without the password."`
}

// Run gives the account its new password.
func (u *userResetCommand) Run(ctx context.Context) error {
	password, err := readPassword(os.Stdin)
	if err != nil {
		return err
	}
	return withStore(ctx, func(store *models.Store) error {
		return store.Operator().ResetPassword(ctx, u.Email, models.PasswordChange{New: password, Unlink: u.Unlink})
	})
}

type userResetTwoFactorCommand struct {
	Email string `required:"" help:"The account's address."`
}

// Run turns the second factor off.
func (u *userResetTwoFactorCommand) Run(ctx context.Context) error {
	return withStore(ctx, func(store *models.Store) error { return store.Operator().RemoveTwoFactor(ctx, u.Email) })
}

// readPassword takes the first line, without its end.
func readPassword(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errors.New("write the password to standard input")
	}
	return line, nil
}

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
	return withStore(ctx, func(store *models.Store) error {
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
	return withStore(ctx, func(store *models.Store) error {
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
	return withStore(ctx, func(store *models.Store) error { return store.Operator().RevokeKey(ctx, p.ID) })
}

type keyCommands struct {
	Create keyCreateCommand `cmd:"" help:"Make a key of one organization and print it, alone."`
}

type keyCreateCommand struct {
	Org     string   `required:"" help:"The organization's id or external id."`
	Name    string   `required:"" help:"What the key is for."`
	Scopes  []string `required:"" help:"events:write, read, write; separated by commas."`
	Expires expiry   `help:"When it ends: a date, a time (RFC 3339), or days such as 90d. Never, if it is left out."`
}

// Run prints the key alone.
func (k *keyCreateCommand) Run(ctx context.Context) error {
	return withStore(ctx, func(store *models.Store) error {
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
