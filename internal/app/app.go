// Package app wires Hookwell's parts together, starts them and stops them in
// order. Start with app.go; server.go serves, ops.go shows the operator's pages.
package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"hookwell/internal/config"
	"hookwell/jobs"
	"hookwell/models/store"
	"hookwell/ops"
	"hookwell/web"
	"hookwell/webhook"
)

// App is Hookwell's parts, wired together.
type App struct {
	config *config.Config
	store  *store.Store
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

// Open makes the parts that web and workers share, out of the settings. Who
// opened it closes it. Its error names the setting that it comes from.
func Open(ctx context.Context, c *config.Config) (*App, error) {
	limitMemory(c.Log, c.Embedded)
	if c.GCByMemory {
		new(collection).begin()
	}
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

func openParts(ctx context.Context, c *config.Config) (*App, error) {
	installation, err := prepare(ctx, c)
	if err != nil {
		return nil, err
	}
	connection, err := openRedis(c)
	if err != nil {
		return nil, err
	}
	a := &App{config: c, redis: connection, metrics: ops.NewMetrics(Version())}
	a.feed = jobs.NewFeed(connection, installation, c.Log)
	a.queue = jobs.NewQueue(connection, installation, a.feed, c.Log)
	if a.store, err = openServing(ctx, c, a.metrics, a.queue); err != nil {
		return nil, errors.Join(err, a.closeRedis())
	}
	a.probe = ops.NewProbe(a.store, a.queue)
	tryServices(ctx, a.queue)
	a.sender = webhook.NewSender(webhook.NewGuard(c.AllowedNetworks), a.store.Now)
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
func (a *App) startWorkers() (err error) {
	a.workers, err = jobs.Start(jobs.Options{Engine: a.store.Engine(), Store: a.store, Sender: a.sender, Redis: a.redis, CutRedis: a.redis.cut, Queue: a.queue, Feed: a.feed, Log: a.config.Log, Words: MailWords(a.config, a.base), Mailer: a.config.Mailer,
		Retention: a.config.Retention})
	return err
}

// Start lets the app serve and, with workers, send. It returns once the port is
// open; over the channel comes what ended the serving, which is nil for Close.
func (a *App) Start(ctx context.Context, workers bool) (<-chan error, error) {
	if err := a.listen(ctx); err != nil {
		return nil, err
	}
	if workers {
		if err := a.startWorkers(); err != nil {
			return nil, err
		}
	}
	if err := a.startOps(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- a.server.Serve(a.listener) }()
	return ended, nil
}

// Serve is Start with the start-up lines, until the context ends. It fails when
// the serving ends before that.
func (a *App) Serve(ctx context.Context, workers bool) error {
	ended, err := a.Start(ctx, workers)
	if err != nil {
		return err
	}
	a.announce()
	select {
	case <-ctx.Done():
		a.config.Log.Info("stopping; attempts in flight are finished first")
		return nil
	case err := <-ended:
		return fmt.Errorf("serving: %w", err)
	}
}

// Work runs the workers without a server, until the context ends.
func (a *App) Work(ctx context.Context) error {
	if err := a.startWorkers(); err != nil {
		return err
	}
	if err := a.startOps(); err != nil {
		return err
	}
	if a.config.Mailer != nil && a.config.BaseURL == nil {
		a.config.Log.Warn("links in mail lead to this machine: set HOOKWELL_BASE_URL as the servers have it", "links", linkBase(a.config, nil))
	}
	fmt.Printf("Hookwell %s works on %s.\n", Version(), services(a.config))
	<-ctx.Done()
	a.config.Log.Info("stopping; attempts in flight are finished first")
	return nil
}

// Store returns the database that the app works on.
func (a *App) Store() *store.Store { return a.store }

// URL returns where the server that was started is found.
func (a *App) URL() *url.URL { return a.base }

// Close stops everything in the order in which it depends on each other: no
// new requests, no new attempts, those in flight recorded, then connections.
func (a *App) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), jobs.StopGrace)
	defer cancel()
	// Side by side, so that a request that takes its time costs no attempt its grace.
	var stopping sync.WaitGroup
	if a.server != nil {
		stopping.Go(func() {
			if err := a.server.Shutdown(ctx); err != nil {
				a.config.Log.Warn("stopping the server", "error", err)
			}
		})
	}
	if a.workers != nil {
		stopping.Go(func() { a.workers.Shutdown(ctx) })
	}
	stopping.Wait()
	if a.ops != nil { // to the last, so that a stop can be watched
		if err := a.ops.Shutdown(ctx); err != nil {
			a.config.Log.Warn("stopping operations", "error", err)
		}
	}
	a.sender.Close()
	if err := errors.Join(a.closeRedis(), a.store.Close(), a.lock.Unlock()); err != nil {
		a.config.Log.Warn("closing connections", "error", err)
	}
}

// closeLimit is how long what uses Redis may take to close.
const closeLimit = 2 * time.Second

// closeRedis closes the connection after what uses it, or while it does if that
// waits for a Redis that never replies.
func (a *App) closeRedis() error {
	defer time.AfterFunc(closeLimit, a.redis.cut).Stop()
	a.queue.Close()
	a.feed.Close()
	return a.redis.Close()
}
