package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"hookwell/internal/config"
)

// redisConnection is a client and what is to be closed with it.
type redisConnection struct {
	redis.UniversalClient
	server *memoryRedis
}

// Close closes the client, then the in-process server, if there is one.
func (r *redisConnection) Close() error {
	err := r.UniversalClient.Close()
	if r.server != nil {
		r.server.Close()
	}
	return err
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
		return &redisConnection{UniversalClient: client}, nil
	}
	server, err := startMemoryRedis()
	if err != nil {
		return nil, fmt.Errorf("starting the in-process Redis: %w", err)
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), Password: server.password})
	return &redisConnection{client, server}, nil
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
