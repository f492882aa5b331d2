package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"

	"hookwell/internal/config"
	"hookwell/jobs"
	"hookwell/models"
	"hookwell/models/store"
	"hookwell/web"
)

// anyPort is where the server listens when its usual port is taken and it may
// have another.
const anyPort = "127.0.0.1:0"

// listen opens the port and makes the server; serve answers on it.
func (a *App) listen(ctx context.Context) error {
	listener, err := net.Listen("tcp", a.config.Addr)
	if a.config.AnyPort && errors.Is(err, syscall.EADDRINUSE) {
		listener, err = net.Listen("tcp", anyPort)
	}
	if err != nil {
		return config.Wrong("HOOKWELL_ADDR", "%w", err)
	}
	a.listener, a.base = listener, a.config.BaseURL
	if a.base == nil {
		a.base = &url.URL{Scheme: "http", Host: listener.Addr().String()}
	}
	if err := a.makeCode(ctx); err != nil {
		return err
	}
	a.server = web.New(web.Options{Store: a.store, Tester: tester{jobs.NewTester(a.store.Engine(), a.sender, a.feed)}, Feed: a.feed, Log: a.config.Log,
		BaseURL: a.base, AllowedHosts: a.loopbackHosts(), TrustedProxies: a.config.TrustedProxies, Signup: a.config.Signup, SignupCode: a.code, Provider: a.config.Provider,
		Connections: connectionLimits(a.config.Connections, a.config.ConnectionsByMemory, memoryLimit(), a.config.BodyMemory), BodyMemory: a.config.BodyMemory,
		APIRateLimit: a.config.APIRateLimit, Version: Version(), Meter: a.metrics, Ready: a.ready})
	return nil
}

// loopbackHosts returns the names under which this machine reaches a server that
// listens for it alone.
func (a *App) loopbackHosts() []string {
	if !a.config.Loopback() {
		return nil
	}
	_, port, _ := net.SplitHostPort(a.listener.Addr().String())
	return []string{"localhost:" + port, "127.0.0.1:" + port, "[::1]:" + port}
}

// makeCode makes the code that the first sign-up asks for where strangers can
// reach it.
func (a *App) makeCode(ctx context.Context) error {
	some, err := a.store.HasUsers(ctx)
	if err != nil {
		return err
	}
	if !some && !a.config.Loopback() && a.config.Signup != models.SignupClosed {
		a.code = rand.Text()[:12]
	}
	return nil
}

// ready reports whether what serving needs is there. Redis is not: while it is
// away events are accepted, and wait.
func (a *App) ready(ctx context.Context) error { return a.probe.Database(ctx) }

// announce prints the start-up lines.
func (a *App) announce() {
	fmt.Printf("Hookwell %s on %s, %s.\n", Version(), a.base, services(a.config))
	if a.config.AllowsLoopback() {
		fmt.Println("Endpoints on this machine (127.0.0.0/8, ::1) are allowed, since only this machine reaches Hookwell.")
	}
	if a.code != "" {
		fmt.Printf("The first sign-up asks for this code: %s\n", a.code)
	}
}

// services says which database and which Redis are in use.
func services(c *config.Config) string {
	if c.Embedded {
		return "SQLite in " + c.DataDir + " and an in-process Redis"
	}
	return "Postgres and Redis"
}

// tester is the workers' as the pages and the API ask it: with the store's tenant.
type tester struct{ *jobs.Tester }

// Test sends one test event of the tenant, see jobs.Tester.
func (t tester) Test(ctx context.Context, tenant *store.Tenant, endpointID, eventType string, data []byte) (string, error) {
	return t.Tester.Test(ctx, tenant, endpointID, eventType, data)
}
