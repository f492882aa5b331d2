// Package ops shows an operator a process's state: whether it is ready and why
// not (ready.go, probe.go), its metrics (metrics.go, gauges.go), and Asynq's
// dashboard. It listens on a separate address, which strangers should not reach.
// Start with New in server.go.
package ops

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/hibiken/asynqmon"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"
	"golang.org/x/net/netutil"

	"hookwell/models/store"
)

// Workers returns the load of a process's workers.
type Workers interface {
	InFlight() int       // attempts that are being sent or wait to be recorded
	Lanes() int          // deliveries that wait in this process for a free slot
	Unrecorded() int     // outcomes that wait to be written
	LastScan() time.Time // when a look for due deliveries last ended well; zero before the first
}

// Queue returns how many tasks of each queue wait to be read.
type Queue interface {
	QueueSizes(ctx context.Context) (map[string]int64, error)
}

// Options configure the server.
type Options struct {
	Store   *store.Store
	Redis   redis.UniversalClient
	Queue   Queue
	Workers Workers // nil where the process has none
	Probe   *Probe
	Metrics *Metrics
	Log     *slog.Logger
	Version string
	// Embedded reports that Redis is in this process and the database is a file.
	Embedded bool
}

// Server serves an operator's requests.
type Server struct {
	Options
	http *http.Server
}

// Limits of what one client, and all together, may hold. Nothing here takes a
// body; the dashboard's answers are the largest.
const (
	maxConnections = 200 // one more waits for another to close
	maxHeaders     = 16 << 10
	maxBody        = 64 << 10
	readLimit      = 10 * time.Second // of a request
	writeLimit     = 30 * time.Second // of an answer; metrics may take 15 s to measure
	idleLimit      = 2 * time.Minute
)

// New returns a server; call Serve to start it.
func New(o Options) *Server {
	s := &Server{Options: o}
	o.Metrics.watch(o)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Metrics.registry, promhttp.HandlerOpts{Registry: o.Metrics.registry, MaxRequestsInFlight: 2, Timeout: 15 * time.Second}))
	mux.Handle(dashboardPath+"/", s.dashboard())
	mux.Handle("GET "+dashboardPath, http.RedirectHandler(dashboardPath+"/", http.StatusSeeOther))
	s.http = &http.Server{Handler: http.MaxBytesHandler(guard(mux), maxBody), MaxHeaderBytes: maxHeaders,
		ReadTimeout: readLimit, WriteTimeout: writeLimit, IdleTimeout: idleLimit,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug)}
	return s
}

// Serve serves requests until Shutdown, and then returns nil.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(netutil.LimitListener(l, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Shutdown lets requests finish and returns when they have or when ctx ends.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.Shutdown(ctx) }

// guard refuses, on a loopback address, requests for a host name but localhost:
// another site's name could be pointed at this machine to read what is here.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("X-Frame-Options", "DENY")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-store")
		local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		if local != nil && local.IP.IsLoopback() && !numeric(r.Host) {
			http.Error(w, "Ask for this address by its number or as localhost.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// numeric reports whether a host is an address, or localhost.
func numeric(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(host)
	return err == nil || host == "localhost"
}

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("Hookwell " + s.Version + "\n\n/healthz   alive\n/readyz    ready or not, and why\n/metrics   Prometheus\n/asynq     Asynq's dashboard, read-only\n"))
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte("alive\n"))
}

const dashboardPath = "/asynq"

// dashboardPolicy lets the dashboard's own page work, whose scripts and styles
// are inline, and keeps it from fetching fonts from another site.
const dashboardPolicy = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"form-action 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"

// dashboard is Asynq's own. It is read-only twice: by its own setting, and since
// nothing but GET gets there.
func (s *Server) dashboard() http.Handler {
	pages := asynqmon.New(asynqmon.Options{RootPath: dashboardPath, RedisConnOpt: shared{s.Redis}, ReadOnly: true})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			http.Error(w, "The dashboard is read-only.", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Security-Policy", dashboardPolicy)
		pages.ServeHTTP(w, r)
	})
}

// shared gives the dashboard the connection that is there already. It is never
// asked to close it.
type shared struct{ client redis.UniversalClient }

// MakeRedisClient returns the connection.
func (s shared) MakeRedisClient() any { return s.client }
