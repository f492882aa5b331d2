package cli

import (
	"context"
	"errors"

	"hookwell/internal/app"
	"hookwell/internal/config"
)

type serveCommand struct {
	NoWorkers bool `help:"Leave the workers out; run them with: hookwell work."`
}

// Run serves until a signal comes.
func (s *serveCommand) Run(ctx context.Context) error {
	c, err := config.Read()
	if err != nil {
		return err
	}
	if s.NoWorkers && c.Embedded {
		return errors.New("--no-workers needs DATABASE_URL and REDIS_URL: the embedded default has no other process to send")
	}
	a, err := app.Open(ctx, c)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.Serve(ctx, !s.NoWorkers)
}

type workCommand struct{}

// Run works until a signal comes.
func (*workCommand) Run(ctx context.Context) error {
	c, err := config.Read()
	if err != nil {
		return err
	}
	if c.Embedded {
		return errors.New("work needs DATABASE_URL and REDIS_URL: the embedded default works in the serving process")
	}
	a, err := app.Open(ctx, c)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.Work(ctx)
}
