package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"hookwell/jobs"
	"hookwell/models"
	"hookwell/ops"
	"hookwell/web"
	"hookwell/webhook"
)

// app is Hookwell's parts, wired together.
type app struct {
	config *config
	store  *models.Store
	redis  *redisConnection
	feed   *jobs.Feed
	queue  *jobs.Queue
	sender *webhook.Sender
	lock   *flock.Flock

	probe    *ops.Probe
	metrics  *ops.Metrics
	workers  *jobs.Workers
	ops      *ops.Server
	server   *web.Server
	listener net.Listener
	base     *url.URL
	code     string
}

// openStore opens and migrates the database.
func openStore(ctx context.Context, c *config) (*models.Store, error) {
	if c.embedded {
		if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
			return nil, wrong("HOOKWELL_DATA_DIR", "%v", err)
		}
	}
	store, err := models.Open(ctx, c.storeOptions())
	if err != nil {
		return nil, wrong(c.storedBy(), "%w", err)
	}
	if err := c.migrate(ctx, store); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// sayAccess says how Postgres is reached, and what an operator should know of it.
func (c *config) sayAccess(a models.Access) {
	if c.embedded {
		return
	}
	c.log.Info("database", "connections", a.Connections, "granted", a.Granted, "pooler", a.Pooled, "isolation", a.Isolation)
	if a.Connections > a.Granted && !a.Pooled {
		c.log.Warn("HOOKWELL_DATABASE_CONNECTIONS is more than the database grants; what goes beyond that waits", "connections", a.Connections, "granted", a.Granted)
	}
	if a.Pooled && a.Isolation != "read committed" {
		c.log.Warn("behind a pooler, statements outside of transactions run in the database's default isolation and are tried again when they collide; "+
			"ALTER ROLE ... SET default_transaction_isolation = 'read committed' spares that", "isolation", a.Isolation)
	}
}

// migrate brings the database up to date, as its owner where one is named.
func (c *config) migrate(ctx context.Context, store *models.Store) error {
	if c.MigrateURL != "" {
		if err := store.MigrateAs(ctx, c.MigrateURL); err != nil {
			return wrong("HOOKWELL_MIGRATE_DATABASE_URL", "%w", err)
		}
		return nil
	}
	if err := store.Migrate(ctx); err != nil {
		return wrong(c.storedBy(), "%w", err)
	}
	return nil
}

// storedBy is the variable that says where the data lies.
func (c *config) storedBy() string {
	if c.embedded {
		return "HOOKWELL_DATA_DIR"
	}
	return "DATABASE_URL"
}

// lockFolder keeps a second server off the data folder of the embedded default,
// whose in-process Redis would know nothing of the first one's. Commands such
// as "user create" may run beside the server.
func lockFolder(c *config) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(c.DataDir, "server.lock"))
	if !c.embedded {
		return lock, nil
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, wrong("HOOKWELL_DATA_DIR", "%w", err)
	}
	free, err := lock.TryLock()
	switch {
	case err != nil:
		return nil, wrong("HOOKWELL_DATA_DIR", "%w", err)
	case !free:
		return nil, wrong("HOOKWELL_DATA_DIR", "another server uses %s; stop it, choose another folder, or use Postgres and Redis", c.DataDir)
	}
	return lock, nil
}

// openApp makes the parts that web and workers share.
func openApp(ctx context.Context, c *config) (*app, error) {
	lock, err := lockFolder(c)
	if err != nil {
		return nil, err
	}
	a, err := openParts(ctx, c)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	a.lock = lock
	return a, nil
}

func openParts(ctx context.Context, c *config) (*app, error) {
	metrics := ops.NewMetrics(version())
	c.meter = metrics
	store, err := openStore(ctx, c)
	if err != nil {
		return nil, err
	}
	c.sayAccess(store.Access())
	installation, err := store.InstallationID(ctx)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	connection, err := openRedis(c)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	a := &app{config: c, store: store, redis: connection, metrics: metrics}
	a.feed = jobs.NewFeed(connection, installation, c.log)
	a.queue = jobs.NewQueue(connection, installation, a.feed, c.log)
	store.SetWaker(a.queue)
	a.probe = ops.NewProbe(store, a.queue)
	tryServices(ctx, a.queue)
	a.sender = webhook.NewSender(webhook.NewGuard(c.allow), store.Now)
	return a, nil
}

// startTry is how long the start waits for Redis.
const startTry = 3 * time.Second

// tryServices tries Redis, so that what is wrong with it is logged at the start,
// and the first deliveries do not wait for it. The process starts all the same.
func tryServices(ctx context.Context, queue *jobs.Queue) {
	limited, cancel := context.WithTimeout(ctx, startTry)
	defer cancel()
	_ = queue.Check(limited) // which logs it
}

// startWorkers lets this process send.
func (a *app) startWorkers() (err error) {
	a.workers, err = jobs.Start(jobs.Options{Store: a.store, Sender: a.sender, Redis: a.redis, Queue: a.queue, Feed: a.feed, Log: a.config.log, Mailer: a.config.mailer,
		Retention: time.Duration(a.config.RetentionDays) * 24 * time.Hour})
	return err
}

// listen opens the port and makes the server; serve answers on it.
func (a *app) listen(ctx context.Context) error {
	listener, err := net.Listen("tcp", a.config.Addr)
	if err != nil {
		return wrong("HOOKWELL_ADDR", "%w", err)
	}
	a.listener, a.base = listener, a.config.base
	if a.base == nil {
		a.base = &url.URL{Scheme: "http", Host: listener.Addr().String()}
	}
	a.store.SetBaseURL(a.base)
	if err := a.makeCode(ctx); err != nil {
		return err
	}
	a.server = web.New(web.Options{Store: a.store, Tester: jobs.NewTester(a.store, a.sender, a.feed), Feed: a.feed, Log: a.config.log,
		BaseURL: a.base, AllowedHosts: a.loopbackHosts(), TrustedProxies: a.config.proxies, Signup: a.config.signup, SignupCode: a.code, Provider: a.config.provider(),
		Connections: web.ConnectionLimits{Total: a.config.Connections, PerAddress: a.config.AddressLimit}, BodyMemory: int64(a.config.BodyMemory) << 20,
		APIRateLimit: a.config.APIRateLimit, Version: version(), Meter: a.metrics, Ready: a.ready})
	return nil
}

// loopbackHosts are the names under which this machine reaches a server that
// listens for it alone.
func (a *app) loopbackHosts() []string {
	if !a.config.loopback() {
		return nil
	}
	_, port, _ := net.SplitHostPort(a.listener.Addr().String())
	return []string{"localhost:" + port, "127.0.0.1:" + port, "[::1]:" + port}
}

// makeCode makes the code that the first sign-up asks for where strangers can
// reach it.
func (a *app) makeCode(ctx context.Context) error {
	some, err := a.store.HasUsers(ctx)
	if err != nil {
		return err
	}
	if !some && !a.config.loopback() && a.config.signup != models.SignupClosed {
		a.code = rand.Text()[:12]
	}
	return nil
}

// ready tells whether what serving needs is there. Redis is not: while it is
// away events are accepted, and wait.
func (a *app) ready(ctx context.Context) error { return a.probe.Database(ctx) }

// announce prints the start-up lines.
func (a *app) announce() {
	fmt.Printf("Hookwell %s on %s, %s.\n", version(), a.base, a.config.services())
	if a.config.allowsLoopback() {
		fmt.Println("Endpoints on this machine (127.0.0.0/8, ::1) are allowed, since only this machine reaches Hookwell.")
	}
	if a.code != "" {
		fmt.Printf("The first sign-up asks for this code: %s\n", a.code)
	}
}

// services says which database and which Redis are in use.
func (c *config) services() string {
	if c.embedded {
		return "SQLite in " + c.DataDir + " and an in-process Redis"
	}
	return "Postgres and Redis"
}

// close stops everything in the order in which it depends on each other: no
// new requests, no new attempts, those in flight recorded, then connections.
func (a *app) close() {
	ctx, cancel := context.WithTimeout(context.Background(), jobs.StopGrace)
	defer cancel()
	// Side by side, so that a request that takes its time costs no attempt its grace.
	var stopping sync.WaitGroup
	if a.server != nil {
		stopping.Go(func() {
			if err := a.server.Shutdown(ctx); err != nil {
				a.config.log.Warn("stopping the server", "error", err)
			}
		})
	}
	if a.workers != nil {
		stopping.Go(func() { a.workers.Shutdown(ctx) })
	}
	stopping.Wait()
	if a.ops != nil { // to the last, so that a stop can be watched
		if err := a.ops.Shutdown(ctx); err != nil {
			a.config.log.Warn("stopping operations", "error", err)
		}
	}
	a.queue.Close()
	a.feed.Close()
	a.sender.Close()
	if err := errors.Join(a.redis.Close(), a.store.Close(), a.lock.Unlock()); err != nil {
		a.config.log.Warn("closing connections", "error", err)
	}
}
