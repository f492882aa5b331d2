// Hookwell sends webhooks: it signs what a product reports, delivers it to
// every endpoint that registered for it, retries until it arrives, and shows
// every attempt.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

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
	Mail        mailCommands       `cmd:"" help:"Try whether mail is sent."`
	Secrets     secretsCommands    `cmd:"" help:"Change the key that secrets are sealed with."`
	Version     kong.VersionFlag   `help:"Print the version."`
}

func main() {
	time.Local = time.UTC // every time that is written or shown is UTC
	var c commands
	line := kong.Parse(&c, kong.Name("hookwell"), kong.Vars{"version": version()}, kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
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

// explain is an error as a person at the command line reads it.
func explain(err error) string {
	var e *models.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return err.Error()
	}
	return e.Fields.Error()
}

// version is the build's, as Go recorded it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}

type serveCommand struct {
	NoWorkers bool `help:"Leave the workers out; run them with: hookwell work."`
}

// Run serves until a signal comes.
func (s *serveCommand) Run(ctx context.Context) error {
	c, err := readConfig()
	if err != nil {
		return err
	}
	if s.NoWorkers && c.embedded {
		return errors.New("--no-workers needs DATABASE_URL and REDIS_URL: the embedded default has no other process to send")
	}
	a, err := openApp(ctx, c)
	if err != nil {
		return err
	}
	defer a.close()
	return a.serve(ctx, !s.NoWorkers)
}

// serve starts what the process is to do and waits for the signal.
func (a *app) serve(ctx context.Context, workers bool) error {
	if err := a.listen(ctx); err != nil {
		return err
	}
	if workers {
		if err := a.startWorkers(); err != nil {
			return err
		}
	}
	if err := a.startOps(); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- a.server.Serve(a.listener) }()
	a.announce()
	select {
	case <-ctx.Done():
		a.config.log.Info("stopping; attempts in flight are finished first")
		return nil
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	}
}

type workCommand struct{}

// Run works until a signal comes.
func (*workCommand) Run(ctx context.Context) error {
	c, err := readConfig()
	if err != nil {
		return err
	}
	if c.embedded {
		return errors.New("work needs DATABASE_URL and REDIS_URL: the embedded default works in the serving process")
	}
	a, err := openApp(ctx, c)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.startWorkers(); err != nil {
		return err
	}
	if err := a.startOps(); err != nil {
		return err
	}
	fmt.Printf("Hookwell %s works on %s.\n", version(), a.config.services())
	<-ctx.Done()
	a.config.log.Info("stopping; attempts in flight are finished first")
	return nil
}

func readConfig() (*config, error) {
	s, err := readSettings()
	if err != nil {
		return nil, err
	}
	return configure(s)
}

type migrateCommand struct{}

// Run migrates and leaves.
func (*migrateCommand) Run(ctx context.Context) error {
	return withStore(ctx, func(*models.Store) error {
		fmt.Println("The database is up to date.")
		return nil
	})
}

// withStore opens the store for one command.
func withStore(ctx context.Context, use func(*models.Store) error) error {
	c, err := readConfig()
	if err != nil {
		return err
	}
	store, err := openStore(ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(use(store), store.Close())
}
