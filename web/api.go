package web

import (
	"strings"

	jsonx "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"hookwell/models"
	"hookwell/models/store"
)

const (
	apiPath    = "/api/v1"
	eventsPath = apiPath + "/events"
)

// apiAccess is what a route asks of a key.
type apiAccess string

// An organization's key needs the scope of the route; a platform key has all.
const (
	reportEvents apiAccess = apiAccess(models.ScopeEventsWrite)
	readOnly     apiAccess = apiAccess(models.ScopeRead)
	change       apiAccess = apiAccess(models.ScopeWrite)
	platformOnly apiAccess = "platform"
)

// apiRoute is one route of the API, its path under /api/v1.
type apiRoute struct {
	method, path string
	access       apiAccess
	handle       func(*Server, *apiCall) error
}

// apiTable is every route of the API and who may call it.
func apiTable() []apiRoute {
	return []apiRoute{
		{fiber.MethodPost, "/events", reportEvents, (*Server).apiEventCreate},
		{fiber.MethodPost, "/events/batch", reportEvents, (*Server).apiEventBatch},
		{fiber.MethodGet, "/events", readOnly, (*Server).apiEventList},
		{fiber.MethodGet, "/events/:id", readOnly, (*Server).apiEventRead},

		{fiber.MethodGet, "/event-types", readOnly, (*Server).apiEventTypeList},
		{fiber.MethodGet, "/event-types/:type", readOnly, (*Server).apiEventTypeRead},

		{fiber.MethodGet, "/endpoints", readOnly, (*Server).apiEndpointList},
		{fiber.MethodPost, "/endpoints", change, (*Server).apiEndpointCreate},
		{fiber.MethodGet, "/endpoints/:id", readOnly, (*Server).apiEndpointRead},
		{fiber.MethodPatch, "/endpoints/:id", change, (*Server).apiEndpointUpdate},
		{fiber.MethodDelete, "/endpoints/:id", change, (*Server).apiEndpointDelete},
		{fiber.MethodPost, "/endpoints/:id/enable", change, (*Server).apiEndpointEnable},
		{fiber.MethodGet, "/endpoints/:id/missed", readOnly, (*Server).apiEndpointMissed},
		{fiber.MethodPost, "/endpoints/:id/disable", change, (*Server).apiEndpointDisable},
		{fiber.MethodPost, "/endpoints/:id/rotate-secret", change, (*Server).apiEndpointRotate},
		{fiber.MethodPost, "/endpoints/:id/test", change, (*Server).apiEndpointTest},
		{fiber.MethodPost, "/endpoints/:id/recover", change, (*Server).apiEndpointRecover},

		{fiber.MethodGet, "/deliveries", readOnly, (*Server).apiDeliveryList},
		{fiber.MethodGet, "/deliveries/:id", readOnly, (*Server).apiDeliveryRead},
		{fiber.MethodPost, "/deliveries/:id/resend", change, (*Server).apiDeliveryResend},
		{fiber.MethodPost, "/deliveries/:id/cancel", change, (*Server).apiDeliveryCancel},

		{fiber.MethodGet, "/recoveries/:id", readOnly, (*Server).apiRecoveryRead},
		{fiber.MethodPost, "/recoveries/:id/cancel", change, (*Server).apiRecoveryCancel},

		{fiber.MethodPost, "/organizations", platformOnly, (*Server).apiOrganizationCreate},
		{fiber.MethodGet, "/organizations", platformOnly, (*Server).apiOrganizationList},
		{fiber.MethodGet, "/organizations/:id", platformOnly, (*Server).apiOrganizationRead},
		{fiber.MethodPatch, "/organizations/:id", platformOnly, (*Server).apiOrganizationUpdate},
		{fiber.MethodDelete, "/organizations/:id", platformOnly, (*Server).apiOrganizationDelete},
		{fiber.MethodPost, "/organizations/:id/portal-link", platformOnly, (*Server).apiPortalLinkCreate},
	}
}

// apiRoutes adds the API to its group. It looks at keys alone: a cookie that a
// browser sends along opens nothing.
func (s *Server) apiRoutes(api fiber.Router) {
	known := operations()
	for _, route := range apiTable() {
		handler := s.apiHandler(route, known[route.method+" "+route.path].parameters(route))
		if route.method == fiber.MethodGet {
			api.Get(route.path, handler) // and HEAD with it
		} else {
			api.Add(route.method, route.path, handler)
		}
	}
}

func (s *Server) apiHandler(route apiRoute, parameters []parameter) fiber.Handler {
	return func(c *fiber.Ctx) error {
		call, err := s.authenticate(c, route.access)
		if err != nil {
			return err
		}
		call.parameters = parameters
		if err := call.allow(route.access); err != nil {
			// Only an organization's key can lack something.
			s.noteRefusal(c, s.Store.KeyTenant(call.key, call.organization, call.actor()), call.key.ID, "needs "+string(route.access))
			return err
		}
		err = route.handle(s, call)
		if told, ok := err.(mediaTypeError); ok {
			return problem(c, fiber.StatusUnsupportedMediaType, &models.Error{Code: "unsupported_media_type", Message: string(told)})
		}
		return err
	}
}

// apiCall is a request whose key is known.
type apiCall struct {
	*fiber.Ctx
	server       *Server
	access       apiAccess   // of the route
	parameters   []parameter // of the route's query
	key          *models.Key
	organization *models.Organization // of the key; nil for a platform key
}

// authenticate reads the key (RFC 6750, section 2.1). A missing, unknown,
// revoked or expired one is Unauthorized, one that comes too often TooMany.
func (s *Server) authenticate(c *fiber.Ctx, access apiAccess) (*apiCall, error) {
	text, err := bearer(&c.Request().Header)
	if err != nil {
		return nil, err
	}
	authenticate := s.Store.AuthenticateKey
	if access == reportEvents {
		authenticate = s.Store.AuthenticateReporter
	}
	key, organization, err := authenticate(c.UserContext(), text)
	if err != nil {
		return nil, err
	}
	s.visit(c).keyID = key.ID
	if err := s.checkRate(key); err != nil {
		return nil, err
	}
	return &apiCall{Ctx: c, server: s, access: access, key: key, organization: organization}, nil
}

// bearer is the text of a request's key; without one the error is Unauthorized.
func bearer(header *fasthttp.RequestHeader) (string, error) {
	scheme, text, _ := strings.Cut(string(header.Peek(fiber.HeaderAuthorization)), " ")
	if text = strings.TrimSpace(text); !strings.EqualFold(scheme, "Bearer") || text == "" {
		return "", &models.Error{Kind: models.Unauthorized, Code: "unauthorized", Message: "Send an API key as Authorization: Bearer hwk_…"}
	}
	return text, nil
}

func (c *apiCall) allow(access apiAccess) error {
	switch {
	case c.key.Platform():
		return nil
	case access == platformOnly:
		return &models.Error{Kind: models.Forbidden, Code: "platform_key_required", Message: "Only a platform key may do this."}
	case !c.key.May(models.Scope(access)):
		return &models.Error{Kind: models.Forbidden, Code: "missing_scope", Message: "The API key lacks the scope " + string(access) + "."}
	}
	return nil
}

func (c *apiCall) actor() models.Actor { return c.server.actor(c.Ctx) }

func (c *apiCall) platform() *store.Platform { return c.server.Store.Platform(c.key, c.actor()) }

// apiAnswer answers a value as JSON.
func (c *apiCall) apiAnswer(status int, value any) error {
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
func (c *apiCall) created(path string, value any) error {
	c.Location(apiPath + path)
	return c.apiAnswer(fiber.StatusCreated, value)
}

// apiList is one page of rows.
type apiList[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"nextCursor"`
}

// answerList answers rows, each by its shape.
func answerList[R, T any](c *apiCall, rows []R, next string, shape func(*R) T) error {
	list := apiList[T]{Data: make([]T, len(rows)), NextCursor: textOrNull(next)}
	for i := range rows {
		list.Data[i] = shape(&rows[i])
	}
	return c.apiAnswer(fiber.StatusOK, list)
}
