package store

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// keyUseGrain is how exactly a key's last use is kept: a write per request
// would cost more than the answer.
const keyUseGrain = time.Minute

// newKey makes the row and the text that is shown once.
func (s *Store) newKey(n models.NewKey, scopes []models.Scope, createdBy string) (*models.Key, string, error) {
	name, now := strings.TrimSpace(n.Name), s.clock.Now()
	var faults webhook.Faults
	if name == "" {
		faults = append(faults, webhook.Fault{Field: "name", Message: "Enter a name of up to 100 characters."})
	}
	faults = append(faults, models.TextFaults("name", webhook.NameFault(name, models.MaxName))...)
	expires := n.ExpiresAt
	switch {
	case expires == nil:
	case !webhook.InRange(*expires):
		faults = append(faults, webhook.Fault{Field: "expires", Message: pipeline.BadTime})
	case !expires.After(now):
		faults = append(faults, webhook.Fault{Field: "expires", Message: "Choose a time that lies ahead."})
	default:
		at := expires.UTC().Truncate(time.Microsecond) // as it is stored
		expires = &at
	}
	if len(faults) > 0 {
		return nil, "", models.NewInvalid(faults)
	}
	text := models.KeyPrefix + rand.Text() + rand.Text()[:14] // 200 bits
	return &models.Key{ID: s.clock.NewID(models.PrefixKey, now), Name: name, Hash: models.HashToken(text), Hint: text[len(text)-4:],
		Scopes: scopes, CreatedBy: createdBy, CreatedAt: now, ExpiresAt: expires}, text, nil
}

// parseScopes reads scopes by name, in catalog order without repeats.
func parseScopes(names []string) ([]models.Scope, error) {
	var scopes []models.Scope
	for _, scope := range models.Scopes() {
		if slices.Contains(names, string(scope)) {
			scopes = append(scopes, scope)
		}
	}
	for _, name := range names {
		if !slices.Contains(scopes, models.Scope(name)) {
			return nil, models.InvalidField("scopes", "There is no scope "+quote(name)+". Choose from events:write, read, write, requests:read and sources:write.")
		}
	}
	if len(scopes) == 0 {
		return nil, models.InvalidField("scopes", "Choose at least one scope.")
	}
	return scopes, nil
}

// Keys lists the organization's keys, newest first, including revoked ones. It fails
// if the database does.
func (t *Tenant) Keys(ctx context.Context) ([]models.Key, error) {
	var keys []models.Key
	err := t.rows(ctx).Order("id DESC").Find(&keys).Error
	return keys, err
}

// CreateKey makes a key and returns its text, which is never shown again. It is
// Forbidden if the person is no longer an admin. It makes one key for each form;
// a form that is sent again late gets an empty text.
func (t *Tenant) CreateKey(ctx context.Context, n models.NewKey) (*models.Key, string, error) {
	scopes, scopeErr := parseScopes(n.Scopes)
	key, text, err := t.store.newKey(n, scopes, t.actor.Name)
	if err := joinFaults(err, scopeErr); err != nil {
		return nil, "", err
	}
	key.OrganizationID = &t.org.ID
	key.CreatedByUser = t.actor.UserID()
	err = t.store.transaction(once(ctx), func(tx *database.Tx) error {
		if err := t.mayMakeKey(tx); err != nil {
			return err
		}
		makes(tx, key.ID, text)
		if err := tx.Create(key).Error; err != nil {
			return err
		}
		if err := t.audit(tx, "key.created", key.ID, key.Name, key.Describe()); err != nil {
			return err
		}
		return t.store.engine.EmitAll(tx, keyCreated(t.org, key, t.actor))
	})
	if before := earlier(err); before != nil {
		key, err = database.Find[models.Key](t.rows(ctx).Where("id = ?", before.made), "key")
		return key, before.shown, err
	}
	return key, text, err
}

// mayMakeKey asks once more, under the organization's lock: the keys of who is
// removed are revoked, and one that came just after would stay.
func (t *Tenant) mayMakeKey(tx *database.Tx) error {
	if t.actor.Kind != models.ActorUser {
		return nil
	}
	if err := t.lock(tx); err != nil {
		return err
	}
	acting, err := t.actingRole(tx)
	if err == nil && !acting.May(models.RightAdminister) {
		return forbiddenRole()
	}
	return err
}

// RevokeKey revokes a key at once. Revoking it twice changes nothing. An unknown one
// is NotFound.
func (t *Tenant) RevokeKey(ctx context.Context, id string) error {
	return t.store.transaction(ctx, func(tx *database.Tx) error { return t.store.revokeKey(tx, t.org, t.within(tx.DB), id, t.actor) })
}

// revokeKey revokes one key of the organization's, or of the platform's where
// org is nil.
func (s *Store) revokeKey(tx *database.Tx, org *models.Organization, scoped *gorm.DB, id string, actor models.Actor) error {
	key, err := database.Find[models.Key](scoped.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id), "key")
	if err != nil || key.RevokedAt != nil {
		return err
	}
	events, err := s.revokeKeys(tx, org, []models.Key{*key}, "", actor)
	if err != nil {
		return err
	}
	return s.engine.EmitAll(tx, events...)
}

// revokeKeys revokes keys that are in force and locked. The events are for the
// caller to emit; a platform key has none.
func (s *Store) revokeKeys(tx *database.Tx, org *models.Organization, keys []models.Key, reason string, actor models.Actor) ([]pipeline.AppEvent, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	now, organizationID, action := s.clock.Now(), "", "platform_key.revoked"
	if org != nil {
		organizationID, action = org.ID, "key.revoked"
	}
	ids, entries := make([]string, len(keys)), make([]models.AuditEntry, len(keys))
	var events []pipeline.AppEvent
	for i := range keys {
		ids[i] = keys[i].ID
		entries[i] = s.db.AuditEntry(actor, organizationID, action, keys[i].ID, keys[i].Name, reason)
		if org != nil {
			events = append(events, keyRevoked(org, &keys[i], reason, actor, now))
		}
	}
	if err := tx.Model(&models.Key{}).Where("id IN ?", ids).Update("revoked_at", now).Error; err != nil {
		return nil, err
	}
	return events, tx.Create(&entries).Error
}

// AuthenticateKey returns the key with that text and, for an organization's key,
// its organization. Any other text is Unauthorized; an expired key has the code
// key_expired.
func (s *Store) AuthenticateKey(ctx context.Context, text string) (*models.Key, *models.Organization, error) {
	if !strings.HasPrefix(text, models.KeyPrefix) {
		return nil, nil, noKey()
	}
	refused := pipeline.UnknownKey()
	key, err := database.Find[models.Key](s.db.WithContext(ctx).Where("hash = ? AND revoked_at IS NULL", models.HashToken(text)), "key")
	if models.IsKind(err, models.NotFound) {
		return nil, nil, refused
	}
	if err != nil {
		return nil, nil, err
	}
	if key.Expired(s.clock.Now()) {
		return nil, nil, &models.Error{Kind: models.Unauthorized, Code: "key_expired",
			Message: "The API key expired on " + key.ExpiresAt.Format("2 January 2006 at 15:04 UTC") + ". Use a new one."}
	}
	if err := s.noteKeyUse(ctx, key); err != nil {
		return nil, nil, err
	}
	if key.Platform() {
		return key, nil, nil
	}
	org, err := database.Find[models.Organization](s.db.WithContext(ctx).Where("id = ? AND deleted_at IS NULL", *key.OrganizationID), "organization")
	if models.IsKind(err, models.NotFound) {
		return nil, nil, refused
	}
	return key, org, err
}

// noKey returns the refusal of what isn't even written as a key.
func noKey() error {
	return &models.Error{Kind: models.Unauthorized, Code: "unauthorized", Message: "This is no API key: keys begin with hwk_. Send one as Authorization: Bearer hwk_…"}
}

func (s *Store) noteKeyUse(ctx context.Context, key *models.Key) error {
	now := s.clock.Now()
	if key.LastUsedAt != nil && now.Sub(*key.LastUsedAt) < keyUseGrain {
		return nil
	}
	return s.db.WithContext(ctx).Model(&models.Key{}).Where("id = ?", key.ID).Update("last_used_at", now).Error
}

// KeyTenant returns the Tenant of an organization's key. Who reads or changes
// deliveries with it calls Expand first; who reports need not.
func (s *Store) KeyTenant(key *models.Key, org *models.Organization, actor models.Actor) *Tenant {
	return &Tenant{store: s, org: org, actor: keyActor(key, actor)}
}

func keyActor(key *models.Key, actor models.Actor) models.Actor {
	actor.Kind, actor.ID, actor.Name = models.ActorKey, key.ID, key.Name
	return actor
}

// joinFaults makes one Invalid error of several; any other error wins.
func joinFaults(errs ...error) error {
	var faults webhook.Faults
	for _, err := range errs {
		var e *models.Error
		switch {
		case err == nil:
		case errors.As(err, &e) && e.Kind == models.Invalid:
			faults = append(faults, e.Fields...)
		default:
			return err
		}
	}
	if len(faults) > 0 {
		return models.NewInvalid(faults)
	}
	return nil
}

// quote shows what somebody sent inside a sentence, shortened.
func quote(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		text = string(runes[:60]) + "…"
	}
	return "“" + text + "”"
}

func newKeyData(k *models.Key) keyData { return keyData{k.ID, k.Name, k.Masked(), k.Scopes} }
