package cli

import (
	"context"
	"errors"
	"fmt"

	"hookwell/internal/app"
	"hookwell/internal/config"
	"hookwell/jobs"
)

type mailCommands struct {
	Test mailTestCommand `cmd:"" help:"Send a test message, and say whether the mail server took it."`
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
	store, err := app.OpenStore(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	id, err := store.Operator().TestMail(ctx, m.To)
	if err != nil {
		return err
	}
	if err := jobs.SendMail(ctx, store, app.MailWords(c, nil), c.Mailer, c.Log); err != nil {
		return err
	}
	switch sent, failure, err := store.Operator().MailOutcome(ctx, id); {
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
