package api

import (
	"crypto/sha256"
	"encoding/json"
	"strings"

	jsonx "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/store"
	"hookwell/web/refusal"
	"hookwell/webhook"
)

// sourceAnswer is a source. Of its secrets only the number is ever answered.
type sourceAnswer struct {
	ID                 string                    `json:"id" jsonschema:"The source's id."`
	OrganizationID     *string                   `json:"organizationId" jsonschema:"Whose it is; null for a source of the installation."`
	Name               string                    `json:"name" jsonschema:"What people call it."`
	Slug               string                    `json:"slug" jsonschema:"The first word of the event types that it relays."`
	Provider           string                    `json:"provider" jsonschema:"The template that it was made from."`
	URL                string                    `json:"url" jsonschema:"Where the provider sends. Treat it like a password."`
	EarlierURLUntil    *stamp                    `json:"earlierUrlUntil" jsonschema:"Until when the URL before it works too; null if there is none."`
	Enabled            bool                      `json:"enabled" jsonschema:"Whether it takes requests."`
	Scheme             inbound.Scheme            `json:"scheme" jsonschema:"How its requests are verified."`
	SecretCount        int                       `json:"secretCount" jsonschema:"How many secrets verify now."`
	AllowNetworks      []string                  `json:"allowNetworks" jsonschema:"The networks whose requests it takes; empty for all."`
	MaxBodyBytes       int                       `json:"maxBodyBytes" jsonschema:"The longest body that it takes."`
	RateLimitPerSecond int                       `json:"rateLimitPerSecond" jsonschema:"How many requests each process takes a second."`
	Response           *sourceReply              `json:"response" jsonschema:"What it answers to what it accepts; null for the provider's usual answer."`
	Dedupe             inbound.Dedupe            `json:"dedupe" jsonschema:"By what it knows a repeated request."`
	RelayUnverified    bool                      `json:"relayUnverified" jsonschema:"Whether it passes on what nobody verified."`
	ToleranceSeconds   int                       `json:"toleranceSeconds" jsonschema:"How far a signature's time may be off to either side; 0 is the scheme's."`
	BodyRetentionDays  int                       `json:"bodyRetentionDays" jsonschema:"After how many days the bodies, headers and queries of its requests are dropped; 0 keeps them as long as the requests."`
	OrganizationRule   *inbound.OrganizationRule `json:"organizationRule" jsonschema:"Where a source of the installation finds each item's organization; null is the provider's rule."`
	Mappings           jsontext.Value            `json:"mappings" jsonschema:"What turns its requests into events of the catalog."`
	FirstVerifiedAt    *stamp                    `json:"firstVerifiedAt" jsonschema:"When its first request verified; null until then."`
	CreatedAt          stamp                     `json:"createdAt" jsonschema:"When it was created."`
	UpdatedAt          stamp                     `json:"updatedAt" jsonschema:"When its settings were last changed."`
}

// sourceReply is what a source answers.
type sourceReply struct {
	Status    int    `json:"status" jsonschema:"From 200 to 204."`
	MediaType string `json:"mediaType" jsonschema:"Of the body; empty without one."`
	Body      string `json:"body" jsonschema:"Up to 1,000 characters."`
}

var sourceShape = func() [sha256.Size]byte {
	return shapeOf(sourceAnswer{Mappings: jsontext.Value("[]")})
}()

func (a *API) shapeSource(s *models.Source) sourceAnswer {
	shape := sourceAnswer{ID: s.ID, OrganizationID: textOrNull(s.OrganizationID), Name: s.Name, Slug: s.Slug, Provider: s.Provider,
		URL: strings.TrimSuffix(a.BaseURL.String(), "/") + s.Path, Enabled: s.Enabled(), SecretCount: s.Secrets, AllowNetworks: append([]string{}, s.AllowNetworks...), MaxBodyBytes: s.MaxBodyBytes,
		RateLimitPerSecond: s.RateLimitPerSecond, Dedupe: s.Dedupe, RelayUnverified: s.RelayUnverified, ToleranceSeconds: s.ToleranceSeconds, BodyRetentionDays: s.BodyRetentionDays, Mappings: jsontext.Value("[]"),
		FirstVerifiedAt: stampOrNull(s.FirstVerifiedAt), CreatedAt: stamp(s.CreatedAt), UpdatedAt: stamp(s.UpdatedAt)}
	if s.EarlierUntil != nil && s.EarlierUntil.After(a.Store.Now()) {
		shape.EarlierURLUntil = stampOrNull(s.EarlierUntil)
	}
	if s.Response.Status != 0 {
		shape.Response = &sourceReply{s.Response.Status, s.Response.MediaType, s.Response.Body}
	}
	if provider := inbound.Named(s.Provider); provider != nil {
		shape.Scheme = provider.Scheme()
		if shape.Dedupe == "" {
			shape.Dedupe = provider.Dedupe()
		}
		if list, err := jsonx.Marshal(provider.Mappings, jsontext.PreserveRawStrings(true)); err == nil && len(provider.Mappings) > 0 {
			shape.Mappings = jsontext.Value(list)
		}
	}
	shape.OrganizationRule, _ = s.OwnRule() // which was checked when it was saved, as is the scheme
	if s.Scheme != "" {
		_ = json.Unmarshal([]byte(s.Scheme), &shape.Scheme)
	}
	if s.Mappings != "" {
		shape.Mappings = jsontext.Value(s.Mappings)
	}
	return shape
}

// receivingNamed returns the sources of the organization of that id or external id;
// for a platform key that names none, those of the installation.
func (c *call) receivingNamed(name string) (*store.Receiving, error) {
	if c.organization == nil && name == "" {
		return c.platform().Receiving(), nil
	}
	tenant, err := c.tenantNamed(name)
	if err != nil {
		return nil, err
	}
	return tenant.Receiving(), nil
}

// receiving returns whose sources a request without a body is about.
func (c *call) receiving() (*store.Receiving, error) {
	return c.receivingNamed(c.Query(organizationField))
}

// receivingInput reads a body into a struct and returns whose sources it is about. A
// body that may be missing is read if there is one.
func (c *call) receivingInput(into interface{ named() string }, optional bool) (*store.Receiving, error) {
	if optional {
		content, err := c.content()
		if err != nil || len(content) == 0 {
			if err != nil {
				return nil, err
			}
			return c.receiving()
		}
	}
	content, err := c.json()
	if err != nil {
		return nil, err
	}
	faults, err := decodeBody(content, into)
	if err != nil {
		return nil, err
	}
	name, err := oneOrganization(into.named(), c.Query(organizationField))
	var r *store.Receiving
	if err == nil {
		r, err = c.receivingNamed(name)
	}
	return r, refusal.Join(faults, err)
}

func (c *call) sourceID() (string, error) { return c.id(models.PrefixSource, "source") }

// answerSource answers a source with its tag.
func (c *call) answerSource(s *models.Source, err error) error {
	if err != nil {
		return err
	}
	return c.answerTagged(fiber.StatusOK, etag(sourceShape, s.Version()), c.api.shapeSource(s))
}

func (a *API) sourceList(c *call) error {
	r, err := c.receiving()
	if err != nil {
		return err
	}
	if err := c.query().err(); err != nil {
		return err
	}
	list, err := r.Sources(c.UserContext())
	if err != nil {
		return err
	}
	return answerList(c, list, "", a.shapeSource)
}

func (a *API) sourceRead(c *call) error {
	r, err := c.receiving()
	if err != nil {
		return err
	}
	id, err := c.sourceID()
	if err != nil {
		return err
	}
	return c.answerSource(r.Source(c.UserContext(), id))
}

// sourceBody is a source's settings. Null leaves a setting as it is.
type sourceBody struct {
	Name               *string        `json:"name"`
	Scheme             jsontext.Value `json:"scheme"`
	Mappings           jsontext.Value `json:"mappings"`
	AllowNetworks      *[]string      `json:"allowNetworks"`
	MaxBodyBytes       *int           `json:"maxBodyBytes"`
	RateLimitPerSecond *int           `json:"rateLimitPerSecond"`
	Response           replyBody      `json:"response"`
	Dedupe             *string        `json:"dedupe"`
	RelayUnverified    *bool          `json:"relayUnverified"`
	ToleranceSeconds   *int           `json:"toleranceSeconds"`
	BodyRetentionDays  *int           `json:"bodyRetentionDays"`
	OrganizationRule   jsontext.Value `json:"organizationRule"`
	Enabled            *bool          `json:"enabled"`
	ofOrganization
}

// newSourceBody is a new source.
type newSourceBody struct {
	Slug     filledText `json:"slug"`
	Provider filledText `json:"provider"`
	Secrets  []string   `json:"secrets"`
	sourceBody
}

// replyBody is what a source is to answer. Given and empty stands for the provider's
// own.
type replyBody struct {
	given bool
	reply models.SourceResponse
}

func (b *replyBody) read(r *bodyReader, field string) {
	if b.given = true; r.null() {
		return
	}
	r.object(field, func(name, field string) bool {
		switch name {
		case "status":
			b.reply.Status, _ = r.integer(field)
		case "mediaType":
			b.reply.MediaType, _ = r.text(field)
		case "body":
			b.reply.Body, _ = r.text(field)
		default:
			return false
		}
		return true
	})
}

// apply changes what was given.
func (b *sourceBody) apply(in *models.SourceInput) error {
	for _, text := range []struct {
		given *string
		to    *string
	}{{b.Name, &in.Name}, {b.Dedupe, (*string)(&in.Dedupe)}} {
		if text.given != nil {
			*text.to = *text.given
		}
	}
	if b.Scheme != nil {
		in.Scheme = string(b.Scheme)
	}
	if b.Mappings != nil {
		in.Mappings = string(b.Mappings)
	}
	if b.AllowNetworks != nil {
		in.AllowNetworks = *b.AllowNetworks
	}
	if b.MaxBodyBytes != nil {
		in.MaxBodyBytes = *b.MaxBodyBytes
	}
	if b.RateLimitPerSecond != nil {
		in.RateLimitPerSecond = *b.RateLimitPerSecond
	}
	if b.Response.given {
		in.Response = b.Response.reply
	}
	if b.RelayUnverified != nil {
		in.RelayUnverified = *b.RelayUnverified
	}
	if b.ToleranceSeconds != nil {
		in.ToleranceSeconds = *b.ToleranceSeconds
	}
	if b.BodyRetentionDays != nil {
		in.BodyRetentionDays = *b.BodyRetentionDays
	}
	if b.OrganizationRule != nil {
		in.OrganizationRule = string(b.OrganizationRule)
	}
	in.Enabled = b.Enabled
	return nil
}

func (a *API) sourceCreate(c *call) error {
	var b newSourceBody
	r, err := c.receivingInput(&b, false)
	if err != nil {
		return err
	}
	in := models.NewSourceInput()
	_ = b.apply(&in) // which never fails
	in.Slug, in.Provider, in.Secrets = string(b.Slug), string(b.Provider), b.Secrets
	s, err := r.CreateSource(c.UserContext(), in)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderETag, etag(sourceShape, s.Version()))
	return c.created("/sources/"+s.ID, a.shapeSource(s))
}

// sourceUpdate changes what is given, all of it or nothing.
func (a *API) sourceUpdate(c *call) error {
	var b sourceBody
	r, err := c.receivingInput(&b, false)
	if err != nil {
		return err
	}
	id, err := c.sourceID()
	if err != nil {
		return err
	}
	unchanged, err := c.ifMatch(sourceShape)
	if err != nil {
		return err
	}
	return c.answerSource(r.If(unchanged).UpdateSource(c.UserContext(), id, b.apply))
}

func (a *API) sourceDelete(c *call) error {
	r, err := c.receivingInput(&ofOrganization{}, true)
	if err != nil {
		return err
	}
	id, err := c.sourceID()
	if err != nil {
		return err
	}
	unchanged, err := c.ifMatch(sourceShape)
	if err != nil {
		return err
	}
	if err := r.If(unchanged).DeleteSource(c.UserContext(), id); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// urlBody is how a source's URL is rotated.
type urlBody struct {
	OverlapHours int `json:"overlapHours"`
	ofOrganization
}

func (a *API) sourceRotateURL(c *call) error {
	b := urlBody{OverlapHours: models.TokenOverlapHours}
	r, err := c.receivingInput(&b, true)
	if err != nil {
		return err
	}
	id, err := c.sourceID()
	if err != nil {
		return err
	}
	return c.answerSource(r.RotateURL(c.UserContext(), id, b.OverlapHours))
}

// sourceSecretBody is a secret to add. Without overlapHours the others stay.
type sourceSecretBody struct {
	Secret       string `json:"secret"`
	OverlapHours *int   `json:"overlapHours"`
	ofOrganization
}

func (a *API) sourceSecretAdd(c *call) error {
	var b sourceSecretBody
	r, err := c.receivingInput(&b, false)
	if err != nil {
		return err
	}
	id, err := c.sourceID()
	if err != nil {
		return err
	}
	return c.answerSource(r.AddSourceSecret(c.UserContext(), id, b.Secret, b.OverlapHours))
}

// sampleBody names the sample to send.
type sampleBody struct {
	Type filledText `json:"type"`
	ofOrganization
}

// sourceTest sends a signed sample and answers the request that it became.
func (a *API) sourceTest(c *call) error {
	var b sampleBody
	r, err := c.receivingInput(&b, true)
	if err != nil {
		return err
	}
	id, err := c.sourceID()
	if err != nil {
		return err
	}
	q, err := r.SendSample(c.UserContext(), id, string(b.Type))
	if err != nil {
		return err
	}
	return c.answer(fiber.StatusOK, shapeRequestAlone(q))
}

// referencesAnswer are an organization's references, by system.
type referencesAnswer map[string]string

func (a *API) referencesRead(c *call) error {
	org, err := c.platform().Organization(c.UserContext(), c.Params("id"))
	if err != nil {
		return err
	}
	list, err := c.platform().References(c.UserContext(), org.ID)
	if err != nil {
		return err
	}
	return c.answer(fiber.StatusOK, referencesAnswer(list))
}

// referencesSet replaces an organization's references.
func (a *API) referencesSet(c *call) error {
	org, err := c.platform().Organization(c.UserContext(), c.Params("id"))
	if err != nil {
		return err
	}
	list := referencesAnswer{}
	faults, err := c.body(func(r *bodyReader, name, field string) bool {
		if value, ok := r.text(field); ok {
			list[name] = value
		}
		return true
	})
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return models.NewInvalid(webhook.Faults(faults))
	}
	if err := c.platform().SetReferences(c.UserContext(), org.ID, list); err != nil {
		return err
	}
	return c.answer(fiber.StatusOK, list)
}
