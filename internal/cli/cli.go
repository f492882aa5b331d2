// Package cli is Hookwell's command line, with one file for each command.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"hookwell/internal/app"
	"hookwell/models"
)

// commands is the command line.
type commands struct {
	Serve       serveCommand       `cmd:"" default:"withargs" help:"Run web, API and workers in one process (the default)."`
	Work        workCommand        `cmd:"" help:"Run workers alone, beside a server on the same Postgres and Redis."`
	Migrate     migrateCommand     `cmd:"" help:"Apply the migrations that are missing, and leave."`
	Demo        demoCommand        `cmd:"" help:"Show a delivery from end to end, with receivers of its own."`
	User        userCommands       `cmd:"" help:"Make accounts and reset passwords."`
	PlatformKey platformKeyCommand `cmd:"" help:"Make, list and revoke API keys that act for any organization."`
	Key         keyCommands        `cmd:"" help:"Make API keys of one organization."`
	Source      sourceCommands     `cmd:"" help:"Make sources, at which webhooks of providers are taken in."`
	Mail        mailCommands       `cmd:"" help:"Try whether mail is sent."`
	Secrets     secretsCommands    `cmd:"" help:"Change the key that secrets are sealed with."`
	Version     kong.VersionFlag   `help:"Print the version."`
}

// Main runs the command that the arguments name, until it ends or a signal comes.
// A failure is printed to standard error, and ends the process with status 1.
func Main() {
	time.Local = time.UTC // every time that is written or shown is UTC
	var c commands
	line := kong.Parse(&c, kong.Name("hookwell"), kong.Vars{"version": app.Version()}, kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Description("Webhooks that arrive: accept, sign, deliver, retry, explain. Settings come from the environment; see the README."))
	// Who reads the log may go away, such as a journal that restarts; whatever
	// else is written to a closed pipe has its error.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	// A second signal ends the process at once: leases hand back what is lost.
	context.AfterFunc(ctx, stop)
	line.BindTo(ctx, (*context.Context)(nil))
	if err := line.Run(); err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			err = errors.New("stopped by a signal before it was done")
		}
		fmt.Fprintln(os.Stderr, "hookwell:", explain(err))
		os.Exit(1)
	}
}

// explain returns an error as a person at the command line reads it.
func explain(err error) string {
	var e *models.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return err.Error()
	}
	return e.Fields.Error()
}
