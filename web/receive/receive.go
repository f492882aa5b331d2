// Package receive is the front door of sources: POST /in/<token>. It knows no
// cookies, no sessions and no pages. A request passes these steps in order:
//
//   - the token names a source, from memory (find)
//   - pause, method, address, announced length and rate, before anything of the body is
//     read (early)
//   - the body, at most one byte more than the source takes (body)
//   - the handshake, the signature and one transaction, in the engine (Engine.Handle)
//
// Start with Door.handle. rate.go has the limits. Nothing of a token, a header or a
// body is ever logged.
package receive

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/web/refusal"
	"hookwell/web/request"
)

// Path is the route's pattern; a slash at its end is the same URL.
const Path = models.ReceivePath + ":token"

// Meter counts what came to sources, for metrics. It must neither block nor fail.
type Meter interface {
	// Receive is told of every request to a source that there is: its state, and why
	// it was refused. There are states beside those: models.ReceivedOutcomes.
	Receive(state, cause string, took time.Duration)
}

// Options configure the front door.
type Options struct {
	Store   *store.Store
	Log     *slog.Logger
	BaseURL *url.URL // as providers have it; some sign the URL
	Meter   Meter    // nil counts nothing
	// Request returns what the server knows of the request.
	Request func(*fiber.Ctx) *request.Request
}

// Door takes requests in. It is safe for concurrent use.
type Door struct {
	Options
	engine *pipeline.Engine
	rates  rates
	base   string // of the URL, as providers have it
}

// New returns a door, which Mount adds to the routes of a server.
func New(o Options) *Door {
	return &Door{Options: o, engine: o.Store.Engine(), base: strings.TrimSuffix(o.BaseURL.String(), "/")}
}

// Mount adds the route. Every method is answered, by the source's rules.
func (d *Door) Mount(app fiber.Router) {
	app.All(Path, d.take)
	app.All(Path+"/", d.take)
}

// take answers a request whatever comes of it: a provider gets plain text.
func (d *Door) take(c *fiber.Ctx) error {
	// What a source answers may be its owner's own text, and is on our origin.
	c.Set(fiber.HeaderContentSecurityPolicy, "sandbox; default-src 'none'; frame-ancestors 'none'")
	err := d.handle(c)
	if err == nil {
		return nil
	}
	status, told := refusal.Report(c, d.Log, d.Request(c).ID, err)
	return c.Status(status).Type("txt", "utf-8").SendString(told.Message + "\n")
}

// handle takes one request in.
func (d *Door) handle(c *fiber.Ctx) (err error) {
	began := time.Now()
	source, err := d.find(c)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && d.Meter != nil {
			d.Meter.Receive(models.ReceivedFailed, "", time.Since(began))
		}
	}()
	in := d.head(c)
	query := string(c.Context().URI().QueryString())
	source, cause, err := d.early(c, source, in)
	if err != nil {
		return err
	}
	var handled pipeline.Handled
	done := cause != ""
	if done {
		handled = d.refuse(c, source, in, cause, query)
	} else {
		if handled, done, err = d.body(c, source, in, query); err != nil {
			return err
		}
	}
	if !done {
		if handled, err = d.engine.Handle(c.UserContext(), source, in, query, false); err != nil {
			return gone(err)
		}
		d.judge(source, in, &handled)
	}
	d.count(handled, time.Since(began))
	return d.answer(c, source, &handled)
}

// find returns the source of the path's token. Who guesses tokens is soon not even
// looked up.
func (d *Door) find(c *fiber.Ctx) (*pipeline.OpenSource, error) {
	token := c.Params("token")
	client := d.Request(c).Client
	if !d.rates.mayGuess(client, d.Store.Now()) {
		return nil, &models.Error{Kind: models.TooMany, Code: "too_many_requests", RetryAfter: time.Minute, Message: "There is nothing at this address."}
	}
	if !looksLikeToken(token) {
		d.rates.guessed(client, d.Store.Now())
		return nil, fiber.ErrNotFound
	}
	source, err := d.engine.SourceByToken(c.UserContext(), token)
	if models.IsKind(err, models.NotFound) {
		d.rates.guessed(client, d.Store.Now())
		return nil, fiber.ErrNotFound
	}
	return source, err
}

// looksLikeToken reports whether text has the form of a token.
func looksLikeToken(text string) bool {
	return len(text) == 32 && strings.Trim(text, "0123456789abcdefghjkmnpqrstvwxyz") == ""
}

// head copies what the request's head says: the server uses its memory again.
func (d *Door) head(c *fiber.Ctx) *inbound.Request {
	address := d.base + strings.TrimSuffix(string(c.Context().Path()), "/")
	if query := c.Context().URI().QueryString(); len(query) > 0 {
		address += "?" + string(query)
	}
	in := &inbound.Request{Method: string([]byte(c.Method())), URL: address, RemoteAddress: d.Request(c).Client, ReceivedAt: d.Store.Now()}
	for name, value := range c.Request().Header.AllInOrder() {
		in.Headers = append(in.Headers, inbound.Header{Name: string(name), Value: string(value)})
	}
	return in
}

// early returns why the head alone shows a request to be none for this source, or "",
// and the source that this was judged by. What the source in memory would refuse by its
// settings is judged by the source as it is now. The rate isn't: a flood is refused
// without a look into the database, and a new limit holds in other processes within a
// second.
func (d *Door) early(c *fiber.Ctx, s *pipeline.OpenSource, in *inbound.Request) (*pipeline.OpenSource, inbound.Cause, error) {
	length := d.Request(c).Body.Length()
	cause := bySettings(s, in, 0)
	if cause == "" && !d.rates.allow(s.ID, s.RateLimitPerSecond, in.RemoteAddress, d.Store.Now()) {
		return s, inbound.CauseRate, nil
	}
	if cause == "" {
		cause = bySettings(s, in, length)
	}
	if cause == "" || cause == inbound.CauseMethod {
		return s, cause, nil
	}
	now, err := d.engine.Current(c.UserContext(), s)
	if err != nil {
		return s, "", gone(err)
	}
	return now, bySettings(now, in, length), nil
}

// bySettings returns why a source's settings refuse a request, as far as its head shows,
// or "". length is the body's, as announced.
func bySettings(s *pipeline.OpenSource, in *inbound.Request, length int) inbound.Cause {
	switch {
	case !s.Enabled():
		return inbound.CauseSourceDisabled
	case !s.Takes(in.Method):
		return inbound.CauseMethod
	case !s.Allows(in.RemoteAddress):
		return inbound.CauseAddress
	case length > s.MaxBodyBytes:
		return inbound.CauseTooLarge
	}
	return ""
}

// gone has a URL that ended while a request came look like one that never was.
func gone(err error) error {
	if models.IsKind(err, models.NotFound) {
		return fiber.ErrNotFound
	}
	return err
}

func (d *Door) refuse(c *fiber.Ctx, s *pipeline.OpenSource, in *inbound.Request, cause inbound.Cause, query string) pipeline.Handled {
	d.rates.refused(s.ID, in.RemoteAddress, d.Store.Now())
	body := d.Request(c).Body
	length := max(body.Length(), 0)
	if cause == inbound.CauseTooLarge {
		in.Body = bytes.Clone(body.Beginning(pipeline.RefusedBeginning, d.owner(s, in.RemoteAddress)))
		length = max(length, s.MaxBodyBytes+1) // which came at least
	}
	return d.engine.RefuseEarly(c.UserContext(), s, in, cause, query, length)
}

// body reads the body, and refuses one that is too long, or that Hookwell sent
// itself. A body that is compressed stays so: the signature covers what came.
func (d *Door) body(c *fiber.Ctx, s *pipeline.OpenSource, in *inbound.Request, query string) (handled pipeline.Handled, done bool, err error) {
	content, err := d.Request(c).Body.Read(s.MaxBodyBytes, d.owner(s, in.RemoteAddress))
	if errors.Is(err, request.ErrTooLong) {
		return d.refuse(c, s, in, inbound.CauseTooLarge, query), true, nil
	}
	if err != nil {
		if fault := (*fiber.Error)(nil); errors.As(err, &fault) { // it came too slowly, or not as announced
			d.rates.refused(s.ID, in.RemoteAddress, d.Store.Now())
		}
		return handled, false, err
	}
	in.Body = bytes.Clone(content) // it is used until the commit, whatever becomes of this request
	own, err := d.engine.CameFromHere(c.UserContext(), in.Headers)
	if err != nil {
		return handled, false, err
	}
	if own {
		return d.refuse(c, s, in, inbound.CauseLoop, query), true, nil
	}
	return handled, false, nil
}

// owner returns whose share of the memory for bodies a request uses before anything
// of it is verified. Who knows a source's URL can send from a network of which nothing
// has passed: that is a stranger's. What has passed, or is on the source's own list,
// uses the organization's share, however many sources it has.
func (d *Door) owner(s *pipeline.OpenSource, address netip.Addr) request.Owner {
	switch {
	case len(s.AllowNetworks) == 0 && !d.rates.knows(s.ID, address):
		return request.Owner{Network: networkOf(address)}
	case s.Installation():
		return request.Owner{ID: s.ID}
	}
	return request.Owner{ID: s.OrganizationID}
}

// judge has the limits learn from what became of a request whose body was read.
func (d *Door) judge(s *pipeline.OpenSource, in *inbound.Request, h *pipeline.Handled) {
	switch now := d.Store.Now(); {
	case h.State == inbound.Refused, h.Handshake && h.Response.Status >= 400:
		d.rates.refused(s.ID, in.RemoteAddress, now)
	case !h.Handshake:
		d.rates.passed(s.ID, s.RateLimitPerSecond, in.RemoteAddress, now)
	}
}

func (d *Door) count(h pipeline.Handled, took time.Duration) {
	if d.Meter == nil {
		return
	}
	state := string(h.State)
	switch {
	case h.Handshake:
		state = models.ReceivedHandshake
	case h.Duplicate:
		state = models.ReceivedDuplicate
	}
	d.Meter.Receive(state, string(h.Cause), took)
}

// pausedRetry is when a provider is to come again to a source that is paused.
const pausedRetry = 5 * time.Minute

// answer sends the response, which never leads anywhere else.
func (d *Door) answer(c *fiber.Ctx, s *pipeline.OpenSource, h *pipeline.Handled) error {
	switch h.Cause {
	case inbound.CauseRate:
		c.Set(fiber.HeaderRetryAfter, "1")
	case inbound.CauseSourceDisabled:
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(int(pausedRetry/time.Second)))
	case inbound.CauseMethod:
		if s.Verifier != nil {
			c.Set(fiber.HeaderAllow, strings.Join(s.Verifier.Provider().Methods, ", "))
		}
	}
	c.Status(h.Response.Status)
	if len(h.Response.Body) == 0 {
		return nil
	}
	c.Set(fiber.HeaderContentType, h.Response.ContentType)
	return c.Send(h.Response.Body)
}

// networkOf returns the network that an address's share of a limit is counted by.
func networkOf(address netip.Addr) netip.Prefix {
	bits := 32
	if address.Is6() {
		bits = 64
	}
	network, _ := address.Prefix(bits)
	return network
}
