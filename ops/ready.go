package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// scanLimit is how old the last look for due deliveries may be before workers
// count as stuck. They look twice a second.
const scanLimit = 30 * time.Second

// askLimit is how long one check may take.
const askLimit = 3 * time.Second

// readiness is the answer of /readyz.
type readiness struct {
	Ready   bool             `json:"ready"`
	Version string           `json:"version"`
	Checks  map[string]check `json:"checks"`
}

// check is one part's state. A part that is not needed leaves the process ready.
type check struct {
	OK     bool   `json:"ok"`
	Needed bool   `json:"needed"`
	Took   string `json:"took,omitempty"`
	Detail string `json:"detail"`
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	answer := s.check(r.Context())
	w.Header().Set("Content-Type", "application/json")
	if !answer.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(answer) // whoever asked has gone
}

// check asks all parts at once.
func (s *Server) check(ctx context.Context) readiness {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	parts := map[string]func(context.Context) check{"database": s.checkDatabase, "redis": s.checkRedis, "migrations": s.checkMigrations, "workers": s.checkWorkers, "receiving": s.checkReceiving}
	answer := readiness{Ready: true, Version: s.Version, Checks: map[string]check{}}
	var mu sync.Mutex
	var asking sync.WaitGroup
	for name, ask := range parts {
		asking.Go(func() {
			began := time.Now()
			c := ask(ctx)
			if name != "workers" {
				c.Took = time.Since(began).Round(10 * time.Microsecond).String()
			}
			mu.Lock()
			defer mu.Unlock()
			answer.Checks[name] = c
			answer.Ready = answer.Ready && (c.OK || !c.Needed)
		})
	}
	asking.Wait()
	return answer
}

func (s *Server) checkDatabase(ctx context.Context) check {
	c := check{Needed: true, Detail: "Postgres"}
	if s.Embedded {
		c.Detail = "SQLite"
	}
	if err := s.Probe.Database(ctx); err != nil {
		s.Log.Warn("not ready", "part", "database", "error", err)
		c.Detail += databaseFault(err)
		return c
	}
	pool := s.Store.Engine().Connections()
	c.OK = true
	c.Detail += fmt.Sprintf(" takes writes; %d of %d connections in use", pool.InUse, pool.MaxOpenConnections)
	return c
}

// checkRedis is not needed: while Redis is away events are accepted and delivered all the same.
func (s *Server) checkRedis(ctx context.Context) check {
	if err := s.Probe.Redis(ctx); err != nil {
		s.Log.Warn("not as it should be", "part", "redis", "error", loggable(err))
		return check{Detail: err.Error() + "; deliveries go on by way of the database"}
	}
	if s.Embedded {
		return check{OK: true, Detail: "in this process"}
	}
	return check{OK: true, Detail: "takes writes and messages"}
}

// requestLimit is how long a request may wait to be processed before readiness says
// so. It takes a moment while workers run.
const requestLimit = 5 * time.Minute

// checkReceiving looks whether what sources took in is turned into events. It is not
// needed: what waits is kept, and more is taken in.
func (s *Server) checkReceiving(ctx context.Context) check {
	waiting, oldest, err := s.Store.Engine().WaitingRequests(ctx)
	switch {
	case err != nil:
		return check{OK: true, Detail: "can’t be read"} // of which the database is at fault
	case waiting == 0:
		return check{OK: true, Detail: "no request waits"}
	}
	age := max(0, s.Store.Now().Sub(oldest)).Round(time.Second)
	return check{OK: age < requestLimit, Detail: fmt.Sprintf("waiting: %d, the oldest for %s", waiting, age)}
}

func (s *Server) checkMigrations(ctx context.Context) check {
	applied, known, err := s.Store.Engine().Migrations(ctx)
	c := check{Needed: true, OK: err == nil && applied >= known, Detail: fmt.Sprintf("the database has %d, this program knows %d", applied, known)}
	switch {
	case err != nil:
		c.Detail = "can’t be read"
	case applied < known:
		c.Detail += "; run hookwell migrate"
	}
	return c
}

func (s *Server) checkWorkers(context.Context) check {
	if s.Workers == nil {
		return check{OK: true, Detail: "none in this process"}
	}
	last, c := s.Workers.LastScan(), check{Needed: true}
	if last.IsZero() {
		c.Detail = "starting"
		return c
	}
	age := s.Store.Now().Sub(last)
	c.OK = age < scanLimit
	c.Detail = fmt.Sprintf("%d in flight, %d unrecorded, last look for due deliveries %s ago", s.Workers.InFlight(), s.Workers.Unrecorded(), age.Round(time.Millisecond))
	return c
}
