// Package web serves the pages over HTTP and mounts the JSON API of web/api. A
// request passes these parts in order:
//
//   - Connections: how many, how fast, and how requests are framed (connection*.go,
//     head.go, framing.go, body*.go).
//   - Middleware: hosts, clients, headers, errors (guard.go, client.go, headers.go,
//     errors.go), sessions (session.go) and forms (csrf.go, sent_form.go,
//     stale_form.go, form_version.go).
//   - Routes: routes.go lists every route with the right that it requires. tenant and
//     other lookups of a request are in visit.go and session.go.
//   - Handlers: one file for each noun, such as endpoint.go or delivery.go. They load,
//     act and render a view.
//   - Pages stay fresh by server-sent events (stream.go).
//
// Start with routes.go.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
	"hookwell/web/api"
	"hookwell/web/receive"
	"hookwell/web/refusal"
	"hookwell/web/request"
)

// Feed passes on the ids of an organization's deliveries as they change. The
// channel is closed when the feed ends; call cancel to end the subscription.
type Feed interface {
	Subscribe(organizationID string) (changes <-chan []string, cancel func())
}

// Meter counts the API's responses, for metrics. Its methods must neither block
// nor fail.
type Meter interface {
	// Request is told of every answer; the route is its pattern, such as
	// /api/v1/events/:id.
	Request(method, route string, status int, took time.Duration)
	// Accept is told of every report that was answered with success.
	Accept(took time.Duration)
	receive.Meter
}

// Options configure a server.
type Options struct {
	Store        *store.Store
	Tester       api.Tester
	Feed         Feed
	Log          *slog.Logger
	BaseURL      *url.URL // requests for another host are refused
	AllowedHosts []string // further values of Host, with their port, such as "localhost:3000"
	// TrustedProxies are the networks whose X-Forwarded-For the server believes.
	TrustedProxies []netip.Prefix
	Signup         models.SignupPolicy
	SignupCode     string // when it is not empty, the first sign-up must give it
	Connections    ConnectionLimits
	BodyMemory     int64     // bytes of request bodies in memory at one time, at least MinBodyMemory
	APIRateLimit   int       // requests a second of each API key, in this process; 0 is no limit
	Provider       *Provider // of OpenID Connect; nil is none
	Version        string
	Meter          Meter                       // nil counts nothing
	Ready          func(context.Context) error // nil error: everything that serving needs answers
}

// Limits of requests. A batch of events may have 8 MiB; one that is a little
// longer still gets the API's own answer.
const (
	maxBatchBody = 9 << 20
	maxHeaders   = 16 << 10
	readLimit    = 30 * time.Second
	idleLimit    = 2 * time.Minute

	// keptBuffer is how much of a body fasthttp keeps for the next request.
	keptBuffer = 64 << 10
)

// MinBodyMemory is the least memory for request bodies, in bytes: two batches
// at once.
const MinBodyMemory = 2 * maxBatchBody

// MemoryOf returns how many bytes request bodies, and the answers that wait for their
// readers, may take together: the latter may have as much as Options.BodyMemory.
func MemoryOf(bodyMemory int64) int64 { return 2 * max(bodyMemory, MinBodyMemory) }

// Server serves the pages and the API over HTTP.
type Server struct {
	Options
	app         *fiber.App
	sessions    *scs.SessionManager
	crossOrigin *http.CrossOriginProtection
	hosts       []string // values of Host that are ours, normalized
	files       map[string]file
	streams     *streams
	connections *connections
	bodies      bodyBudget
	answers     *answerMemory
	drawing     *turns    // of pages
	referring   *turns    // of the API's reference
	reading     *turns    // of the API's reads
	batching    *turns    // of batches of events
	refused     sync.Map  // of error, by *fasthttp.RequestHeader: see received
	provider    *provider // nil is none
	noted       *refusal.Audit
	api         *api.API
	receive     *receive.Door
	forms       formsUnderWay
	reference   views.Reference
}

// New returns a server; call Serve to start it.
func New(o Options) *Server {
	s := &Server{Options: o, crossOrigin: http.NewCrossOriginProtection(), files: staticFiles(), streams: newStreams(),
		noted: &refusal.Audit{Log: o.Log, Now: o.Store.Now}}
	s.bodies.limit, s.bodies.log = max(o.BodyMemory, MinBodyMemory), o.Log
	s.answers = newAnswerMemory(s.bodies.limit, o.Log) // as MemoryOf has it
	s.drawing, s.referring = newTurns(maxDrawing, maxDrawing), newTurns(maxReferring, maxReferring)
	s.reading, s.batching = newTurns(maxReading, maxReadingEach), newTurns(maxBatching, maxBatchingEach)
	s.connections = newConnections(o.Connections, func(address netip.Addr) bool { return address.IsLoopback() || s.trusts(address) }, o.Log)
	s.hosts = s.allHosts()
	var err error
	s.api = api.New(api.Options{Store: o.Store, Tester: o.Tester, Log: o.Log, BaseURL: o.BaseURL, Version: o.Version, RateLimit: o.APIRateLimit,
		PortalURL: func(token string) string { return o.BaseURL.String() + views.PortalPath(token) },
		Request:   func(c *fiber.Ctx) *request.Request { return &s.visit(c).Request }, Refusals: s.noted,
		BeginRead:  func(c *fiber.Ctx, owner request.Owner) error { return s.beginTurn(c, s.reading, owner) },
		BeginBatch: func(c *fiber.Ctx, owner request.Owner) error { return s.beginTurn(c, s.batching, owner) }})
	if s.reference, err = readReference(s.api.Document(), o.Version); err != nil {
		panic(err) // it is made of the build's own tables, which the tests hold together
	}
	s.receive = receive.New(receive.Options{Store: o.Store, Log: o.Log, BaseURL: o.BaseURL, Meter: receiveMeter(o.Meter),
		Request: func(c *fiber.Ctx) *request.Request { return &s.visit(c).Request }})
	o.Store.ServedAt(o.BaseURL.String(), o.AllowedHosts...)
	s.sessions = newSessions(o.Store.Sessions(), s.secure())
	s.provider = newProvider(o.Provider, o)
	s.app = fiber.New(fiber.Config{
		// Fiber's strings point into memory that the next request writes over.
		// Immutable copies each as it is read: some 10 short copies a request,
		// nothing beside one query, and no handler can forget it.
		Immutable:             true,
		ErrorHandler:          s.answerError,
		DisableStartupMessage: true,
		StrictRouting:         true,
		CaseSensitive:         true,
		UnescapePath:          true,
		ReadBufferSize:        maxHeaders,
		ReduceMemoryUsage:     true, // a connection between requests keeps no answer and no writer
		ReadTimeout:           readLimit,
		IdleTimeout:           idleLimit,
		// No WriteTimeout: connection limits each write by its progress.
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true, // it would write files, whatever the length
	})
	fasthttp.SetBodySizePoolLimit(keptBuffer, keptBuffer)
	s.app.Server().HeaderReceived = s.received
	s.app.Server().ErrorHandler = answerBroken
	s.app.Server().ConnState = connState
	s.app.Server().Logger = quiet{o.Log}
	s.routes()
	return s
}

// Serve serves requests until Shutdown, and then returns nil.
func (s *Server) Serve(l net.Listener) error {
	s.connections.Listener = l
	return s.app.Listener(s.connections)
}

// Shutdown ends the streams at once, lets other requests finish, and returns when
// they have or when ctx ends. A client that neither sends nor takes anything
// delays it by 2 s at most.
func (s *Server) Shutdown(ctx context.Context) error {
	s.streams.close()
	s.connections.stop()
	return s.app.ShutdownWithContext(ctx)
}

// secure reports whether browsers reach the server by https.
func (s *Server) secure() bool { return s.BaseURL.Scheme == "https" }

func (s *Server) health(c *fiber.Ctx) error { return c.SendString("alive\n") }

func (s *Server) ready(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), 5*time.Second)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		if !errors.Is(err, context.Canceled) {
			s.Log.Warn("not ready", "error", err)
		}
		return c.Status(fiber.StatusServiceUnavailable).SendString("not ready\n")
	}
	return c.SendString("ready\n")
}

// quiet takes fasthttp's notes on broken connections, which say nothing that
// an operator could act on.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, arguments ...any) {
	q.log.Debug("http connection", "note", format, "arguments", len(arguments))
}
