package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"hookwell/models"
	"hookwell/models/store"
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
	return withStore(ctx, func(store *store.Store) error {
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
	return withStore(ctx, func(store *store.Store) error {
		return store.Operator().ResetPassword(ctx, u.Email, models.PasswordChange{New: password, Unlink: u.Unlink})
	})
}

type userResetTwoFactorCommand struct {
	Email string `required:"" help:"The account's address."`
}

// Run turns the second factor off.
func (u *userResetTwoFactorCommand) Run(ctx context.Context) error {
	return withStore(ctx, func(store *store.Store) error { return store.Operator().RemoveTwoFactor(ctx, u.Email) })
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
