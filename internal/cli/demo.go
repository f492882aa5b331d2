package cli

import (
	"context"
	"os"

	"hookwell/internal/app"
	"hookwell/internal/config"
	"hookwell/internal/demo"
)

type demoCommand struct {
	Once bool `help:"Leave when every delivery has ended; status 0 only if all that should arrive did."`
}

// Run shows Hookwell at work on the embedded default, in a folder of its own.
func (d *demoCommand) Run(ctx context.Context) (err error) {
	folder, err := os.MkdirTemp("", "hookwell-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	c, err := config.Demo(folder)
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, c)
	if err != nil {
		return err
	}
	defer a.Close()
	failed, err := a.Start(ctx, true)
	if err != nil {
		return err
	}
	return demo.Run(ctx, demo.Options{Store: a.Store(), Catalog: c.Catalog, URL: a.URL().String(), Once: d.Once, Out: os.Stdout, Failed: failed})
}
