package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

// OwnHeaders decrypts the endpoint's own headers; nil if it has none. It fails if they
// were sealed by another key, or are damaged.
func (p *Engine) OwnHeaders(e *models.Endpoint) ([]webhook.Header, error) {
	if len(e.Headers) == 0 {
		return nil, nil
	}
	plain, err := p.vault.Open(e.ID, e.Headers)
	if err != nil {
		return nil, fmt.Errorf("opening the headers of %s: %w", e.ID, err)
	}
	var headers []webhook.Header
	if err := json.Unmarshal(plain, &headers); err != nil {
		return nil, errors.New("the headers of " + e.ID + " are not readable")
	}
	return headers, nil
}

// retryPolicy is what decides at an endpoint whether a failure is tried again, and
// when.
type retryPolicy struct {
	schedule webhook.Schedule
	statuses webhook.StatusSet
}

// template is what all messages to one endpoint share.
type template struct {
	message     webhook.Message
	retries     retryPolicy
	maxInFlight int
	rateLimit   int        // per second; 0 is none
	provider    bool       // whether a provider's own signature goes along with what a source received
	until       *time.Time // when a secret of the message ends; nil is never
}

func (t *template) job(w models.Work, event *models.Event) *Job {
	m := t.message
	m.EventID, m.EventType, m.DeliveryID, m.Body = event.ID, event.Type, w.DeliveryID, event.Body
	m.Number, m.Test = w.Attempt, event.Test
	if len(event.Relayed) > 0 {
		if relayed, err := models.ParseRelayed(event.Relayed); err == nil {
			m.MediaType, m.Along, m.Unsigned = relayed.MediaType, relayed.Own, relayed.Unverified
			if t.provider {
				m.Provider = relayed.Provider
			}
		}
	}
	return &Job{Message: m, DeliveryID: w.DeliveryID, EndpointID: w.EndpointID, RequestID: event.RequestID,
		MaxInFlight: t.maxInFlight, work: w, retries: t.retries}
}

// leaseTime returns how long a lease holds: as long as the exchange may take, and a margin.
func (t *template) leaseTime() time.Duration { return t.message.Timeout + leaseMargin*time.Second }

// cachedTemplate is a template as of one version of its organization's settings.
type cachedTemplate struct {
	template *template
	version  int64
}

// currentTemplates returns the endpoints' templates as they are now, and reads
// those that have changed. The gates tell the versions.
func (p *Engine) currentTemplates(tx *database.Tx, endpointIDs []string, gates map[string]*gate) (map[string]*template, error) {
	now := p.clock.Now()
	found, stale := make(map[string]*template, len(endpointIDs)), []string(nil)
	for _, id := range endpointIDs {
		kept, ok := p.messages.Get(id)
		if g := gates[id]; !ok || g == nil || kept.version != g.Version || kept.template.until != nil && !now.Before(*kept.template.until) {
			stale = append(stale, id)
		} else {
			found[id] = kept.template
		}
	}
	if len(stale) == 0 {
		return found, nil
	}
	read, err := p.templates(tx, stale)
	if err != nil {
		return nil, err
	}
	for id, t := range read {
		found[id] = t
		if g := gates[id]; g != nil {
			p.messages.Put(id, cachedTemplate{t, g.Version})
		}
	}
	return found, nil
}

// templates reads the endpoints' URLs, headers and secrets as they are now. An
// endpoint whose secret can't be opened is logged and left out: its deliveries
// wait, and hold up nobody else's.
func (p *Engine) templates(tx *database.Tx, endpointIDs []string) (map[string]*template, error) {
	var endpoints []models.Endpoint
	if err := tx.Where("id IN ? AND deleted_at IS NULL", endpointIDs).Find(&endpoints).Error; err != nil {
		return nil, err
	}
	var rows []models.EndpointSecret
	if err := p.SecretsInForce(tx.DB).Where("endpoint_id IN ?", endpointIDs).Find(&rows).Error; err != nil {
		return nil, err
	}
	byEndpoint := make(map[string][]models.EndpointSecret, len(endpoints))
	for _, row := range rows {
		byEndpoint[row.EndpointID] = append(byEndpoint[row.EndpointID], row)
	}
	templates := make(map[string]*template, len(endpoints))
	for i := range endpoints {
		t, err := p.template(&endpoints[i], byEndpoint[endpoints[i].ID])
		if err != nil {
			p.log.Error("an endpoint can't be sent to", "endpoint", endpoints[i].ID, "error", err)
			continue
		}
		templates[endpoints[i].ID] = t
	}
	return templates, nil
}

func (p *Engine) template(e *models.Endpoint, rows []models.EndpointSecret) (*template, error) {
	if len(rows) == 0 {
		return nil, errors.New("it has no secret")
	}
	secrets := make([]webhook.Secret, len(rows))
	for i := range rows {
		var err error
		if secrets[i], err = p.OpenSecret(&rows[i]); err != nil {
			return nil, err
		}
	}
	headers, err := p.OwnHeaders(e)
	if err != nil {
		return nil, err
	}
	message := webhook.Message{URL: e.URL, Secrets: secrets,
		Legacy: secrets[models.OlderSigner(rows)], Format: e.SignatureFormat, Headers: headers,
		Timeout: time.Duration(e.TimeoutSeconds) * time.Second}
	message.Prepare()
	return &template{until: models.FirstEnd(rows), retries: retryPolicy{e.Schedule, e.RetryStatuses.Set()}, maxInFlight: e.MaxInFlight,
		rateLimit: e.RateLimitPerSecond, provider: e.SourceSignature == webhook.SignedByProvider, message: message}, nil
}
