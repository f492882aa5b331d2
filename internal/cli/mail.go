package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"hookwell/internal/app"
	"hookwell/internal/config"
	"hookwell/jobs"
	"hookwell/models/store"
)

type mailCommands struct {
	Test    mailTestCommand    `cmd:"" help:"Send a test message, and say whether the mail server took it."`
	Stopped mailStoppedCommand `cmd:"" help:"List the addresses to which mail is stopped, since a message bounced or its reader complained."`
	Allow   mailAllowCommand   `cmd:"" help:"Allow all mail to such an address again."`
}

type mailTestCommand struct {
	To string `required:"" help:"The address to send it to."`
}

// Run sends the message on the way that every other takes.
func (m *mailTestCommand) Run(ctx context.Context) (err error) {
	c, err := config.Read()
	if err != nil {
		return err
	}
	if c.Mailer == nil {
		return config.Wrong("HOOKWELL_SMTP_URL", "no mail server is set")
	}
	opened, err := app.OpenStore(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	id, err := opened.Operator().TestMail(ctx, m.To)
	if err != nil {
		return err
	}
	if err := jobs.SendMail(ctx, opened, app.MailWords(c, nil), c.Mailer, c.Log); err != nil {
		return err
	}
	switch sent, failure, err := opened.Operator().MailOutcome(ctx, id); {
	case err != nil:
		return err
	case sent:
		fmt.Println("The mail server took the message. Look whether it arrives.")
		return nil
	case failure != "":
		return fmt.Errorf("the message was not sent: %s", failure)
	default:
		fmt.Println("The message is being sent by a running worker, whose log says what comes of it.")
		return nil
	}
}

type mailStoppedCommand struct{}

// Run prints one line for each address: when, what and why.
func (*mailStoppedCommand) Run(ctx context.Context) error {
	return withStore(ctx, func(store *store.Store) error {
		list, err := store.Operator().Suppressions(ctx)
		if err != nil {
			return err
		}
		out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		for _, s := range list {
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", s.Address, s.Kind, s.CreatedAt.Format(time.RFC3339), s.Reason)
		}
		return out.Flush()
	})
}

type mailAllowCommand struct {
	To string `required:"" help:"The address."`
}

// Run lifts the suppression.
func (m *mailAllowCommand) Run(ctx context.Context) error {
	return withStore(ctx, func(store *store.Store) error { return store.Operator().LiftSuppression(ctx, m.To) })
}
