// Package api is the JSON API under /api. It knows nothing of sessions or pages.
//
//   - api.go: the routes with the access that each requires, and how a request's key
//     is checked; start here
//   - one file for each noun (events.go, endpoints.go, deliveries.go, ...): its handlers
//     and the shapes of its answers
//   - decode.go, decode_struct.go, query.go: how bodies and queries are read
//   - batch.go: many events in one request
//   - etag.go, rate.go: conditional requests, rate limits
//   - problem.go: how an error becomes a problem (RFC 9457)
//   - openapi*.go: the OpenAPI document, made from the same routes, types and limits
package api

import (
	"context"
	"log/slog"
	"net/url"
	"strings"

	jsonx "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/web/refusal"
	"hookwell/web/request"
)

// The paths of the API. Events are reported at the last two.
const (
	Path       = "/api/v1"
	EventsPath = Path + "/events"
	BatchPath  = EventsPath + "/batch"
)

// Tester sends a test event now and returns after its attempt is recorded. It
// fails with a models.Error: NotFound of an unknown endpoint, Invalid or TooLarge if the
// data is wrong, Conflict if the endpoint's secret can't be opened.
type Tester interface {
	Test(ctx context.Context, tenant *store.Tenant, endpointID, eventType string, data []byte) (deliveryID string, err error)
}

// Options configure the API.
type Options struct {
	Store     *store.Store
	Tester    Tester
	Log       *slog.Logger
	BaseURL   *url.URL
	Version   string // as the document has it
	RateLimit int    // requests a second of each key, in this process; 0 is no limit
	// PortalURL returns the URL of a portal link with that token.
	PortalURL func(token string) string
	// Request returns what the server knows of the request.
	Request  func(*fiber.Ctx) *request.Request
	Refusals *refusal.Audit // which notes who lacked a scope
	// BeginRead and BeginBatch return once it is the request's turn to load what it
	// answers, which lasts until its answer is counted. They are Unavailable if that
	// takes too long.
	BeginRead, BeginBatch func(*fiber.Ctx, request.Owner) error
}

// API serves the requests under /api.
type API struct {
	Options
	rates    keyRates
	document []byte
}

// New returns an API, which Mount adds to the routes of a server.
func New(o Options) *API {
	a := &API{Options: o, rates: keyRates{limit: o.RateLimit}}
	var err error
	if a.document, err = document(o.Version, o.BaseURL.String(), o.Store.Catalog()); err != nil {
		panic(err) // it is made of the build's own tables, which the tests hold together
	}
	return a
}

// Document returns the API's OpenAPI document. It must not be changed.
func (a *API) Document() []byte { return a.document }

// Access is what a route requires of a key.
type Access string

// An organization's key needs the scope of the route; a platform key has all
// scopes.
const (
	ScopeEventsWrite Access = Access(models.ScopeEventsWrite)
	ScopeRead        Access = Access(models.ScopeRead)
	ScopeWrite       Access = Access(models.ScopeWrite)
	PlatformOnly     Access = "platform"

	ScopeRequestsRead Access = Access(models.ScopeRequestsRead)
	ScopeSourcesWrite Access = Access(models.ScopeSourcesWrite)
)

// Route is one route of the API, its path under /api/v1.
type Route struct {
	Method, Path string
	Access       Access
	handle       func(*API, *call) error
}

// Routes returns every route of the API with the access that it requires.
func Routes() []Route {
	return []Route{
		{fiber.MethodPost, "/events", ScopeEventsWrite, (*API).eventCreate},
		{fiber.MethodPost, "/events/batch", ScopeEventsWrite, (*API).eventBatch},
		{fiber.MethodGet, "/events", ScopeRead, (*API).eventList},
		{fiber.MethodGet, "/events/:id", ScopeRead, (*API).eventRead},

		{fiber.MethodGet, "/event-types", ScopeRead, (*API).eventTypeList},
		{fiber.MethodGet, "/event-types/:type", ScopeRead, (*API).eventTypeRead},

		{fiber.MethodGet, "/endpoints", ScopeRead, (*API).endpointList},
		{fiber.MethodPost, "/endpoints", ScopeWrite, (*API).endpointCreate},
		{fiber.MethodGet, "/endpoints/:id", ScopeRead, (*API).endpointRead},
		{fiber.MethodPatch, "/endpoints/:id", ScopeWrite, (*API).endpointUpdate},
		{fiber.MethodDelete, "/endpoints/:id", ScopeWrite, (*API).endpointDelete},
		{fiber.MethodPost, "/endpoints/:id/enable", ScopeWrite, (*API).endpointEnable},
		{fiber.MethodGet, "/endpoints/:id/missed", ScopeRead, (*API).endpointMissed},
		{fiber.MethodPost, "/endpoints/:id/disable", ScopeWrite, (*API).endpointDisable},
		{fiber.MethodPost, "/endpoints/:id/rotate-secret", ScopeWrite, (*API).endpointRotate},
		{fiber.MethodPost, "/endpoints/:id/test", ScopeWrite, (*API).endpointTest},
		{fiber.MethodPost, "/endpoints/:id/recover", ScopeWrite, (*API).endpointRecover},

		{fiber.MethodGet, "/deliveries", ScopeRead, (*API).deliveryList},
		{fiber.MethodGet, "/deliveries/:id", ScopeRead, (*API).deliveryRead},
		{fiber.MethodPost, "/deliveries/:id/resend", ScopeWrite, (*API).deliveryResend},
		{fiber.MethodPost, "/deliveries/:id/cancel", ScopeWrite, (*API).deliveryCancel},

		{fiber.MethodGet, "/recoveries/:id", ScopeRead, (*API).recoveryRead},
		{fiber.MethodPost, "/recoveries/:id/cancel", ScopeWrite, (*API).recoveryCancel},

		{fiber.MethodGet, "/sources", ScopeRequestsRead, (*API).sourceList},
		{fiber.MethodPost, "/sources", ScopeSourcesWrite, (*API).sourceCreate},
		{fiber.MethodGet, "/sources/:id", ScopeRequestsRead, (*API).sourceRead},
		{fiber.MethodPatch, "/sources/:id", ScopeSourcesWrite, (*API).sourceUpdate},
		{fiber.MethodDelete, "/sources/:id", ScopeSourcesWrite, (*API).sourceDelete},
		{fiber.MethodPost, "/sources/:id/secrets", ScopeSourcesWrite, (*API).sourceSecretAdd},
		{fiber.MethodPost, "/sources/:id/rotate-url", ScopeSourcesWrite, (*API).sourceRotateURL},
		{fiber.MethodPost, "/sources/:id/test", ScopeSourcesWrite, (*API).sourceTest},
		{fiber.MethodPost, "/sources/:id/preview", ScopeSourcesWrite, (*API).sourcePreview},

		{fiber.MethodGet, "/requests", ScopeRequestsRead, (*API).requestList},
		{fiber.MethodPost, "/requests/replay", ScopeSourcesWrite, (*API).requestsReplay},
		{fiber.MethodGet, "/requests/:id", ScopeRequestsRead, (*API).requestRead},
		{fiber.MethodPost, "/requests/:id/replay", ScopeSourcesWrite, (*API).requestReplay},
		{fiber.MethodPost, "/requests/:id/accept", ScopeSourcesWrite, (*API).requestAccept},
		{fiber.MethodGet, "/replays/:id", ScopeRequestsRead, (*API).replayRead},
		{fiber.MethodPost, "/replays/:id/cancel", ScopeSourcesWrite, (*API).replayCancel},

		{fiber.MethodPost, "/organizations", PlatformOnly, (*API).organizationCreate},
		{fiber.MethodGet, "/organizations", PlatformOnly, (*API).organizationList},
		{fiber.MethodGet, "/organizations/:id", PlatformOnly, (*API).organizationRead},
		{fiber.MethodPatch, "/organizations/:id", PlatformOnly, (*API).organizationUpdate},
		{fiber.MethodDelete, "/organizations/:id", PlatformOnly, (*API).organizationDelete},
		{fiber.MethodGet, "/organizations/:id/references", PlatformOnly, (*API).referencesRead},
		{fiber.MethodPut, "/organizations/:id/references", PlatformOnly, (*API).referencesSet},
		{fiber.MethodPost, "/organizations/:id/portal-link", PlatformOnly, (*API).portalLinkCreate},

		{fiber.MethodGet, "/suppressions", PlatformOnly, (*API).suppressionList},
		{fiber.MethodPost, "/suppressions/lift", PlatformOnly, (*API).suppressionLift},
	}
}

// Mount adds every route of the API to the group at Path. The routes look only at
// keys and ignore cookies.
func (a *API) Mount(group fiber.Router) {
	known := operations()
	for _, route := range Routes() {
		handler := a.handler(route, known[route.Method+" "+route.Path].parameters(route))
		if route.Method == fiber.MethodGet {
			group.Get(route.Path, handler) // and HEAD with it
		} else {
			group.Add(route.Method, route.Path, handler)
		}
	}
}

func (a *API) handler(route Route, parameters []parameter) fiber.Handler {
	return func(c *fiber.Ctx) error {
		call, err := a.authenticate(c, route.Access)
		if err != nil {
			return err
		}
		call.parameters = parameters
		if err := call.allow(route.Access); err != nil {
			// Only an organization's key can lack something.
			a.Refusals.Note(c, call.request.ID, a.Store.KeyTenant(call.key, call.organization, call.actor()), call.key.ID, "needs "+string(route.Access))
			return err
		}
		if route.Method == fiber.MethodGet {
			if err := a.BeginRead(c, call.owner()); err != nil {
				return err
			}
		}
		err = route.handle(a, call)
		if told, ok := err.(mediaTypeError); ok {
			return a.problem(c, fiber.StatusUnsupportedMediaType, &models.Error{Code: "unsupported_media_type", Message: string(told)})
		}
		return err
	}
}

// call is a request whose key is known.
type call struct {
	*fiber.Ctx
	api          *API
	request      *request.Request
	access       Access      // of the route
	parameters   []parameter // of the route's query
	key          *models.Key
	organization *models.Organization // of the key; nil for a platform key
}

// authenticate reads the key (RFC 6750, section 2.1). A missing, unknown,
// revoked or expired one is Unauthorized, one that comes too often TooMany.
func (a *API) authenticate(c *fiber.Ctx, access Access) (*call, error) {
	text, err := Bearer(&c.Request().Header)
	if err != nil {
		return nil, err
	}
	authenticate := a.Store.AuthenticateKey
	if access == ScopeEventsWrite {
		authenticate = a.Store.AuthenticateReporter
	}
	key, organization, err := authenticate(c.UserContext(), text)
	if err != nil {
		return nil, err
	}
	a.Request(c).KeyID = key.ID
	if err := a.checkRate(key); err != nil {
		return nil, err
	}
	return &call{Ctx: c, api: a, request: a.Request(c), access: access, key: key, organization: organization}, nil
}

// Bearer returns the text of the request's key. It fails with Unauthorized if
// there is none.
func Bearer(header *fasthttp.RequestHeader) (string, error) {
	scheme, text, _ := strings.Cut(string(header.Peek(fiber.HeaderAuthorization)), " ")
	if text = strings.TrimSpace(text); !strings.EqualFold(scheme, "Bearer") || text == "" {
		return "", &models.Error{Kind: models.Unauthorized, Code: "unauthorized", Message: "Send an API key as Authorization: Bearer hwk_…"}
	}
	return text, nil
}

func (c *call) allow(access Access) error {
	switch {
	case c.key.Platform():
		return nil
	case access == PlatformOnly:
		return &models.Error{Kind: models.Forbidden, Code: "platform_key_required", Message: "Only a platform key may do this."}
	case !c.key.May(models.Scope(access)):
		return &models.Error{Kind: models.Forbidden, Code: "missing_scope", Message: "The API key lacks the scope " + string(access) + "."}
	}
	return nil
}

func (c *call) actor() models.Actor { return c.request.Actor() }

func (c *call) platform() *store.Platform { return c.api.Store.Platform(c.key, c.actor()) }

// answer answers a value as JSON.
func (c *call) answer(status int, value any) error {
	return answer(c.Ctx, status, fiber.MIMEApplicationJSON, value)
}

func answer(c *fiber.Ctx, status int, mediaType string, value any) error {
	// What receivers sent may be any text, and raw values are given as they are kept.
	body, err := jsonx.Marshal(value, jsontext.AllowInvalidUTF8(true), jsontext.PreserveRawStrings(true), jsontext.AllowDuplicateNames(true))
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, mediaType)
	return c.Status(status).Send(body)
}

// created answers what was made, and where it can be read.
func (c *call) created(path string, value any) error {
	c.Location(Path + path)
	return c.answer(fiber.StatusCreated, value)
}

// pageOf is one page of rows.
type pageOf[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"nextCursor"`
}

// answerList answers rows, each by its shape.
func answerList[R, T any](c *call, rows []R, next string, shape func(*R) T) error {
	list := pageOf[T]{Data: make([]T, len(rows)), NextCursor: textOrNull(next)}
	for i := range rows {
		list.Data[i] = shape(&rows[i])
	}
	return c.answer(fiber.StatusOK, list)
}
