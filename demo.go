package main

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"time"

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
	c, err := demoConfig(folder)
	if err != nil {
		return err
	}
	a, err := openApp(ctx, c)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.listenAnywhere(ctx); err != nil {
		return err
	}
	if err := a.startWorkers(); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- a.server.Serve(a.listener) }()
	return demo.Run(ctx, demo.Options{Store: a.store, Catalog: c.catalog, URL: a.base.String(), Once: d.Once, Out: os.Stdout, Failed: failed})
}

// demoConfig is the embedded default whatever the environment says, so that a
// demo never touches a real installation.
func demoConfig(folder string) (*config, error) {
	s, err := readSettings()
	if err != nil {
		return nil, err
	}
	s.DatabaseURL, s.RedisURL, s.SecretKey, s.BaseURL, s.SMTPURL, s.MailFrom = "", "", "", "", "", ""
	s.DataDir, s.LogLevel, s.Signup, s.OpsAddr = folder, "error", "closed", opsOff
	if host, _, err := net.SplitHostPort(s.Addr); err == nil && !onThisMachine(host) {
		return nil, wrong("HOOKWELL_ADDR", "the demo listens on this machine alone; use 127.0.0.1")
	}
	c, err := configure(s)
	if err != nil {
		return nil, err
	}
	c.probe = demoProbe
	return c, nil
}

// demoProbe lets the demo's failing receivers show an open circuit and still
// end within a minute.
const demoProbe = 200 * time.Millisecond

// listenAnywhere takes any free port when the usual one is taken.
func (a *app) listenAnywhere(ctx context.Context) error {
	err := a.listen(ctx)
	if errors.Is(err, syscall.EADDRINUSE) {
		a.config.Addr = "127.0.0.1:0"
		err = a.listen(ctx)
	}
	return err
}
