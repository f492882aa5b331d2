package api

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/webhook"
)

// endpointAnswer is an endpoint. The secret is there in the answers that create
// or rotate it alone, and with one that was imported the form that the Standard
// Webhooks libraries take.
type endpointAnswer struct {
	ID                 string                  `json:"id" jsonschema:"The endpoint's id."`
	URL                string                  `json:"url" jsonschema:"Where deliveries go."`
	Name               string                  `json:"name" jsonschema:"What people call it; may be empty."`
	Description        string                  `json:"description" jsonschema:"A note; may be empty."`
	EventTypes         webhook.Subscriptions   `json:"eventTypes" jsonschema:"What it is subscribed to: *, a prefix such as payment.*, or types."`
	Enabled            bool                    `json:"enabled" jsonschema:"Whether new events are sent to it."`
	DisabledReason     *string                 `json:"disabledReason" jsonschema:"Why it is disabled: by a person, because the receiver is gone (410), or failing, by the rule of automatic disabling. Null while enabled."`
	Schedule           any                     `json:"schedule" jsonschema:"A schedule by name, or delays in seconds."` // a name, or a list of seconds
	TimeoutSeconds     int                     `json:"timeoutSeconds" jsonschema:"Of the whole exchange."`
	MaxInFlight        int                     `json:"maxInFlight" jsonschema:"How many attempts may be under way at once."`
	RateLimitPerSecond int                     `json:"rateLimitPerSecond" jsonschema:"Requests a second; 0 is no limit."` // 0 is no limit
	RetryStatuses      webhook.RetryStatuses   `json:"retryStatuses" jsonschema:"Which statuses of failures are tried again, such as 408,429,500-599 or !401,!404; empty is all."`
	Headers            headerObject            `json:"headers" jsonschema:"Its own headers, with their values masked."`
	SignatureFormat    webhook.SignatureFormat `json:"signatureFormat" jsonschema:"Of x-webhook-signature."`
	SourceSignature    webhook.SourceSignature `json:"sourceSignature" jsonschema:"Whose signature goes along with what a source received."`
	CreatedAt          stamp                   `json:"createdAt" jsonschema:"When it was created."`
	UpdatedAt          stamp                   `json:"updatedAt" jsonschema:"When its settings were last changed."`
	RemovedHeaders     []string                `json:"removedHeaders,omitzero" jsonschema:"Own headers that were removed because the URL now leads to another origin. Only in the answer to that change."`
	Secret             string                  `json:"secret,omitzero" jsonschema:"The signing secret. Only in the answer that creates the endpoint, rotates its secret, or changes the URL to another origin, which ends an imported secret."`
	StandardSecret     string                  `json:"standardSecret,omitzero" jsonschema:"An imported secret, as the Standard Webhooks libraries take it."`
}

// withSecret returns the answer that shows the secret.
func (a endpointAnswer) withSecret(secret webhook.Secret) endpointAnswer {
	a.Secret = secret.Reveal()
	if standard := secret.StandardForm(); standard != a.Secret {
		a.StandardSecret = standard
	}
	return a
}

// withMoved returns the answer that says what a change of the URL took away.
func (a endpointAnswer) withMoved(moved models.Moved) endpointAnswer {
	a.RemovedHeaders = moved.Headers
	if !moved.Secret.IsZero() {
		a = a.withSecret(moved.Secret)
	}
	return a
}

func shapeEndpoint(tenant *store.Tenant, e *models.Endpoint) (endpointAnswer, error) {
	names, err := tenant.HeaderNames(e)
	headers := make(headerObject, len(names))
	for i, name := range names {
		headers[i] = webhook.Header{Name: name, Value: maskedHeader}
	}
	return endpointAnswer{ID: e.ID, URL: e.URL, Name: e.Name, Description: e.Description, EventTypes: e.EventTypes,
		Enabled: e.Enabled(), DisabledReason: textOrNull(e.DisabledReason), Schedule: shapeSchedule(e.Schedule),
		TimeoutSeconds: e.TimeoutSeconds, MaxInFlight: e.MaxInFlight, RateLimitPerSecond: e.RateLimitPerSecond, RetryStatuses: e.RetryStatuses,
		Headers: headers, SignatureFormat: e.SignatureFormat, SourceSignature: e.SourceSignature, CreatedAt: stamp(e.CreatedAt), UpdatedAt: stamp(e.UpdatedAt)}, err
}

func shapeSchedule(schedule webhook.Schedule) any {
	if _, err := webhook.ParseSchedule(schedule.Name); err == nil && schedule.Name != "" {
		return schedule.Name
	}
	seconds := make([]int, len(schedule.Delays))
	for i, delay := range schedule.Delays {
		seconds[i] = int(delay / time.Second)
	}
	return seconds
}

func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func (c *call) answerEndpoint(tenant *store.Tenant, e *models.Endpoint, err error) error {
	if err != nil {
		return err
	}
	shape, err := shapeEndpoint(tenant, e)
	if err != nil {
		return err
	}
	return c.answerTagged(fiber.StatusOK, etag(endpointShape, e.Version()), shape.withMoved(e.Moved))
}

func (a *API) endpointList(c *call) error {
	tenant, err := c.tenant()
	if err != nil {
		return err
	}
	q := c.query()
	page := q.page()
	if err := q.err(); err != nil {
		return err
	}
	list, err := tenant.EndpointPage(c.UserContext(), models.EndpointFilter{}, page)
	if err != nil {
		return err
	}
	shapes := make([]endpointAnswer, len(list.Rows))
	for i := range list.Rows {
		if shapes[i], err = shapeEndpoint(tenant, &list.Rows[i].Endpoint); err != nil {
			return err
		}
	}
	return c.answer(fiber.StatusOK, pageOf[endpointAnswer]{Data: shapes, NextCursor: textOrNull(list.Next)})
}

func (a *API) endpointRead(c *call) error {
	tenant, id, err := c.endpoint()
	if err != nil {
		return err
	}
	e, err := tenant.Endpoint(c.UserContext(), id)
	return c.answerEndpoint(tenant, e, err)
}

// endpoint names the endpoint of the path, for routes without a body.
func (c *call) endpoint() (*store.Tenant, string, error) {
	return c.named(models.PrefixEndpoint, "endpoint")
}

// endpointAnd does the same and reads the body.
func (c *call) endpointAnd(member func(r *bodyReader, name, field string) bool) (*store.Tenant, string, error) {
	tenant, err := c.tenantBody(member)
	if err != nil {
		return nil, "", err
	}
	id, err := c.id(models.PrefixEndpoint, "endpoint")
	return tenant, id, err
}

// endpointInput does the same with a body that is read into a struct.
func (c *call) endpointInput(into interface{ named() string }) (*store.Tenant, string, error) {
	tenant, err := c.tenantInput(into)
	if err != nil {
		return nil, "", err
	}
	id, err := c.id(models.PrefixEndpoint, "endpoint")
	return tenant, id, err
}

func (a *API) endpointCreate(c *call) error {
	var b endpointBody
	tenant, err := c.tenantBody(b.member)
	if err != nil {
		return err
	}
	e, secret, err := tenant.CreateEndpoint(c.UserContext(), b.create())
	if err != nil {
		return err
	}
	shape, err := shapeEndpoint(tenant, e)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderETag, etag(endpointShape, e.Version()))
	return c.created("/endpoints/"+e.ID, shape.withSecret(secret))
}

// rotationBody is how a secret is rotated.
type rotationBody struct {
	OverlapHours int            `json:"overlapHours"`
	Secret       importedSecret `json:"secret"`
	ofOrganization
}

// importedSecret is one that the receiver has already; null is none.
type importedSecret struct{ webhook.Secret }

func (s *importedSecret) read(r *bodyReader, field string) {
	if !r.null() {
		s.Secret, _ = r.secret(field)
	}
}

// endpointRotate answers the endpoint with its new secret, if it is the version that
// If-Match names.
func (a *API) endpointRotate(c *call) error {
	b := rotationBody{OverlapHours: store.DefaultOverlapHours}
	tenant, id, err := c.endpointInput(&b)
	if err != nil {
		return err
	}
	if tenant, err = c.conditional(tenant, endpointShape); err != nil {
		return err
	}
	e, secret, err := tenant.RotateSecret(c.UserContext(), id, models.Rotation{OverlapHours: b.OverlapHours, Secret: b.Secret.Secret})
	if err != nil {
		return err
	}
	shape, err := shapeEndpoint(tenant, e)
	if err != nil {
		return err
	}
	return c.answerTagged(fiber.StatusOK, etag(endpointShape, e.Version()), shape.withSecret(secret))
}

// endpointUpdate changes what is given and leaves the rest, all of it or
// nothing, and only the version that If-Match names.
func (a *API) endpointUpdate(c *call) error {
	var b endpointBody
	tenant, id, err := c.endpointAnd(b.member)
	if err != nil {
		return err
	}
	unchanged, err := c.ifMatch(endpointShape)
	if err != nil {
		return err
	}
	tenant = tenant.If(unchanged)
	var e *models.Endpoint
	switch {
	case len(b.changes) > 0:
		e, err = tenant.UpdateEndpoint(c.UserContext(), id, b.apply)
	case b.enabled != nil: // which asks nothing of the URL
		e, err = setEnabled(c, tenant, id, *b.enabled)
	default:
		if e, err = tenant.Endpoint(c.UserContext(), id); err == nil {
			err = store.CheckVersion(unchanged, e.Version())
		}
	}
	return c.answerEndpoint(tenant, e, err)
}

func setEnabled(c *call, tenant *store.Tenant, id string, enabled bool) (*models.Endpoint, error) {
	if enabled {
		return tenant.EnableEndpoint(c.UserContext(), id)
	}
	return tenant.DisableEndpoint(c.UserContext(), id)
}

func (a *API) endpointDelete(c *call) error {
	tenant, id, err := c.endpoint()
	if err != nil {
		return err
	}
	if tenant, err = c.conditional(tenant, endpointShape); err != nil {
		return err
	}
	if err := tenant.DeleteEndpoint(c.UserContext(), id); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// endpointEnable also sends what was missed, if the query asks for it; the
// recovery that does is named by Location.
func (a *API) endpointEnable(c *call) error {
	replay := c.Query("replay")
	switch replay {
	case "", "false":
		return c.enable(true)
	case "true":
	default:
		return models.InvalidField("replay", "Use true or false.")
	}
	tenant, id, err := c.endpoint()
	if err != nil {
		return err
	}
	if tenant, err = c.conditional(tenant, endpointShape); err != nil {
		return err
	}
	e, recovery, err := tenant.EnableAndReplay(c.UserContext(), id)
	if err == nil && recovery != nil {
		c.Location(Path + "/recoveries/" + recovery.ID)
	}
	return c.answerEndpoint(tenant, e, err)
}

type missedAnswer struct {
	Count int `json:"count"`
}

// endpointMissed counts what enabling with a replay would send.
func (a *API) endpointMissed(c *call) error {
	tenant, id, err := c.endpoint()
	if err != nil {
		return err
	}
	n, err := tenant.Missed(c.UserContext(), id)
	if err != nil {
		return err
	}
	return c.answer(fiber.StatusOK, missedAnswer{n})
}

func (a *API) endpointDisable(c *call) error { return c.enable(false) }

func (c *call) enable(enabled bool) error {
	tenant, id, err := c.endpoint()
	if err != nil {
		return err
	}
	if tenant, err = c.conditional(tenant, endpointShape); err != nil {
		return err
	}
	e, err := setEnabled(c, tenant, id, enabled)
	return c.answerEndpoint(tenant, e, err)
}

// testBody is a test event.
type testBody struct {
	Type string         `json:"type"`
	Data jsontext.Value `json:"data"`
	ofOrganization
}

// endpointTest sends a test event now and answers its only attempt.
func (a *API) endpointTest(c *call) error {
	var b testBody
	tenant, err := c.tenantInput(&b)
	if err != nil {
		return err
	}
	if b.Type == "" {
		return models.InvalidField("type", "This is required.")
	}
	id, err := c.id(models.PrefixEndpoint, "endpoint")
	if err != nil {
		return err
	}
	if t, ok := a.Store.Catalog().Lookup(b.Type); ok && b.Data == nil {
		b.Data = jsontext.Value(t.Example)
	}
	deliveryID, err := a.Tester.Test(c.UserContext(), tenant, id, b.Type, b.Data)
	if err != nil {
		return err
	}
	delivery, err := readDelivery(c, tenant, deliveryID)
	if err != nil {
		return err
	}
	return c.answer(fiber.StatusOK, delivery.Attempts[len(delivery.Attempts)-1])
}
