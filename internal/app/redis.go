package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"hookwell/internal/config"
)

// redisConnection is a client and what is to be closed with it.
type redisConnection struct {
	redis.UniversalClient
	server *memoryRedis
	dials  dials
	closed sync.Once
	err    error // of closing
}

func newRedisConnection(client redis.UniversalClient, server *memoryRedis) *redisConnection {
	r := &redisConnection{UniversalClient: client, server: server, dials: dials{ended: make(chan struct{})}}
	client.AddHook(r.dials)
	return r
}

// cut closes the client while it may be in use: whoever waits for a Redis that
// never replies, or for a connection to it, fails at once.
func (r *redisConnection) cut() {
	r.closed.Do(func() {
		close(r.dials.ended)
		r.err = r.UniversalClient.Close()
	})
}

// Close closes the client, then the in-process server, if there is one.
func (r *redisConnection) Close() error {
	r.cut()
	err := r.err
	if r.server != nil {
		r.server.Close()
	}
	return err
}

// dials are a client's tries to connect, which all end when the client is cut.
// Those over TLS heed no context by themselves.
type dials struct{ ended chan struct{} }

// DialHook gives a try up when the client is cut.
func (d dials) DialHook(next redis.DialHook) redis.DialHook {
	type made struct {
		conn net.Conn
		err  error
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		select {
		case <-d.ended:
			return nil, redis.ErrClosed
		default:
		}
		dialed := make(chan made)
		go func() {
			conn, err := next(ctx, network, address)
			select {
			case dialed <- made{conn, err}:
			case <-d.ended:
				if conn != nil {
					conn.Close()
				}
			}
		}()
		select {
		case m := <-dialed:
			return m.conn, m.err
		case <-d.ended:
			return nil, redis.ErrClosed
		}
	}
}

// ProcessHook leaves commands as they are.
func (dials) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

// ProcessPipelineHook leaves pipelines as they are.
func (dials) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// openRedis connects to REDIS_URL, or starts the in-process server of the
// embedded default. It does not fail when Redis is away: workers then go by the
// database alone.
func openRedis(c *config.Config) (*redisConnection, error) {
	redis.SetLogger(&redisLog{c.Log})
	if !c.Embedded {
		client, err := c.RedisClient()
		if err != nil {
			return nil, err
		}
		return newRedisConnection(client, nil), nil
	}
	server, err := startMemoryRedis()
	if err != nil {
		return nil, fmt.Errorf("starting the in-process Redis: %w", err)
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), Password: server.password})
	return newRedisConnection(client, server), nil
}

// memoryRedis is Redis inside this process. It forgets when the process ends,
// which costs nothing: the database schedules.
type memoryRedis struct {
	*miniredis.Miniredis
	password string
	stop     chan struct{}
}

// memoryTick is how often its clock moves: its expiry stands still by itself.
const memoryTick = time.Second

func startMemoryRedis() (*memoryRedis, error) {
	m := &memoryRedis{miniredis.NewMiniRedis(), rand.Text(), make(chan struct{})}
	m.RequireAuth(m.password) // other users of the machine can reach the port
	if err := m.StartAddr("127.0.0.1:0"); err != nil {
		return nil, err
	}
	go func() {
		ticker := time.NewTicker(memoryTick)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				m.FastForward(memoryTick)
			case <-m.stop:
				return
			}
		}
	}()
	return m, nil
}

// Close stops the server.
func (m *memoryRedis) Close() {
	close(m.stop)
	m.Miniredis.Close()
}

// redisLog takes go-redis's notes on lost connections; that Redis is away is
// said once, by the queue.
type redisLog struct{ log *slog.Logger }

func (l *redisLog) Printf(_ context.Context, format string, arguments ...any) {
	l.log.Debug("redis", "note", fmt.Sprintf(format, arguments...))
}
