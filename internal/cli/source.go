package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"hookwell/internal/config"
	"hookwell/models"
	"hookwell/models/store"
)

type sourceCommands struct {
	Create sourceCreateCommand `cmd:"" help:"Make a source and print its URL, alone."`
}

type sourceCreateCommand struct {
	Org               string   `help:"The organization's id or external id. Without it the source is the installation's, and each request finds its own organization."`
	Provider          string   `required:"" help:"Who sends: stripe, github, standard_webhooks, generic_hmac, ..."`
	Name              string   `required:"" help:"What people call it."`
	Slug              string   `help:"The first word of the event types that it relays; made of the name, if it is left out."`
	BodyRetentionDays int      `help:"After how many days bodies, headers and queries of its requests are dropped. 0 keeps them as long as the requests."`
	SecretFile        []string `help:"A file with a secret that the provider signs with; - is standard input. May be repeated."`
}

// Run prints the URL alone.
func (c *sourceCreateCommand) Run(ctx context.Context) error {
	secrets, err := readSecrets(c.SecretFile)
	if err != nil {
		return err
	}
	return withConfiguredStore(ctx, func(settings *config.Config, store *store.Store) error {
		sources := store.Operator().Receiving()
		if c.Org != "" {
			tenant, err := store.Operator().Tenant(ctx, c.Org)
			if err != nil {
				return err
			}
			sources = tenant.Receiving()
		}
		in := models.NewSourceInput()
		in.Name, in.Slug, in.Provider, in.Secrets = c.Name, c.Slug, c.Provider, secrets
		in.BodyRetentionDays = c.BodyRetentionDays
		source, err := sources.CreateSource(ctx, in)
		if err != nil {
			return err
		}
		base := settings.BaseURL
		if base == nil {
			base = &url.URL{Scheme: "http", Host: settings.Addr}
		}
		fmt.Println(strings.TrimSuffix(base.String(), "/") + source.Path)
		return nil
	})
}

// readSecrets reads one secret from each file.
func readSecrets(files []string) ([]string, error) {
	var secrets []string
	for _, name := range files {
		read := func() ([]byte, error) { return os.ReadFile(name) }
		if name == "-" {
			read = func() ([]byte, error) { return io.ReadAll(io.LimitReader(os.Stdin, models.MaxSourceSecret+2)) }
		}
		text, err := read()
		if err != nil {
			return nil, errors.New("the secret can't be read: " + err.Error())
		}
		secrets = append(secrets, string(text))
	}
	return secrets, nil
}
