package store

import (
	"context"
	"strings"
	"time"

	"hookwell/models"
)

// reporterSpan is how long a key that reports events is used without being
// read: its last use is noted so often, and accepting asks whether it stands.
const reporterSpan = keyUseGrain

// cachedKey is a key that was read.
type cachedKey struct {
	key          *models.Key
	organization *models.Organization
	readAt       time.Time
}

// AuthenticateReporter is AuthenticateKey for reporting events: it uses a cached
// key if there is one. The key may have been revoked since. Publishing checks it
// again, in the statement that commits, and refuses it then.
func (s *Store) AuthenticateReporter(ctx context.Context, text string) (*models.Key, *models.Organization, error) {
	name := string(models.HashToken(text))
	now := s.clock.Now()
	if cached, ok := s.reporters.Get(name); ok && !cached.key.Expired(now) && now.Sub(cached.readAt) < reporterSpan {
		if cached.organization == nil {
			return cached.key, nil, nil
		}
		if organization, err := s.engine.CurrentOrganization(ctx, cached.organization.ID); err == nil {
			return cached.key, organization, nil
		}
	}
	s.reporters.Remove(name)
	key, organization, err := s.AuthenticateKey(ctx, text)
	if err == nil {
		s.reporters.Put(name, cachedKey{key, organization, now})
	}
	return key, organization, err
}

// ReportingTenant returns the Tenant of one organization for a platform key that
// reports events, by the organization's id or its external id. The organization may
// be cached and its name may have changed since; publishing checks it again. An
// unknown one is NotFound.
func (p *Platform) ReportingTenant(ctx context.Context, name string) (*Tenant, error) {
	id, ok := name, strings.HasPrefix(name, models.PrefixOrganization)
	if !ok {
		id, ok = p.store.names.Get(name)
	}
	if ok {
		if org, ok := p.store.engine.CachedOrganization(id); ok && org.IsNamed(name) {
			return &Tenant{store: p.store, org: org, actor: p.actor, named: name}, nil
		}
	}
	t, err := p.Tenant(ctx, name)
	if err != nil {
		return nil, err
	}
	p.store.names.Put(name, t.org.ID)
	t.named = name
	return t, nil
}
