package models

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/webhook"
)

// keyPrefix marks a key in logs and scanners of leaked secrets.
const keyPrefix = "hwk_"

// keyUseGrain is how exactly a key's last use is kept: a write per request
// would cost more than the answer.
const keyUseGrain = time.Minute

// May tells whether the key has the scope. A platform key has every one.
func (k *Key) May(scope Scope) bool {
	return k.OrganizationID == nil || slices.Contains(k.Scopes, scope)
}

// Masked shows which key it is without showing the key.
func (k *Key) Masked() string { return keyPrefix + "…" + k.Hint }

// Platform tells whether the key acts for any organization.
func (k *Key) Platform() bool { return k.OrganizationID == nil }

// NewKey is a key to be made. Scopes are names; a platform key has all of them
// and takes none. Without ExpiresAt it is good until it is revoked.
type NewKey struct {
	Name      string
	Scopes    []string
	ExpiresAt *time.Time
}

// newKey makes the row and the text that is shown once.
func (s *Store) newKey(n NewKey, scopes []Scope, createdBy string) (*Key, string, error) {
	name, now := strings.TrimSpace(n.Name), s.clock.Now()
	var faults webhook.Faults
	if name == "" {
		faults = append(faults, webhook.Fault{Field: "name", Message: "Enter a name of up to 100 characters."})
	}
	faults = append(faults, textFaults("name", webhook.NameFault(name, maxName))...)
	expires := n.ExpiresAt
	switch {
	case expires == nil:
	case !webhook.InRange(*expires):
		faults = append(faults, webhook.Fault{Field: "expires", Message: badTime})
	case !expires.After(now):
		faults = append(faults, webhook.Fault{Field: "expires", Message: "Choose a time that lies ahead."})
	default:
		at := expires.UTC().Truncate(time.Microsecond) // as it is stored
		expires = &at
	}
	if len(faults) > 0 {
		return nil, "", invalid(faults)
	}
	text := keyPrefix + rand.Text() + rand.Text()[:14] // 200 bits
	return &Key{ID: s.clock.newID(PrefixKey, now), Name: name, Hash: hashToken(text), Hint: text[len(text)-4:],
		Scopes: scopes, CreatedBy: createdBy, CreatedAt: now, ExpiresAt: expires}, text, nil
}

// parseScopes reads scopes by name, in catalog order without repeats.
func parseScopes(names []string) ([]Scope, error) {
	var scopes []Scope
	for _, scope := range Scopes() {
		if slices.Contains(names, string(scope)) {
			scopes = append(scopes, scope)
		}
	}
	for _, name := range names {
		if !slices.Contains(scopes, Scope(name)) {
			return nil, invalidField("scopes", "There is no scope "+quote(name)+". Choose from events:write, read and write.")
		}
	}
	if len(scopes) == 0 {
		return nil, invalidField("scopes", "Choose at least one scope.")
	}
	return scopes, nil
}

// Keys lists the organization's keys, the newest first, revoked ones included.
func (t *Tenant) Keys(ctx context.Context) ([]Key, error) {
	var keys []Key
	err := t.rows(ctx).Order("id DESC").Find(&keys).Error
	return keys, err
}

// CreateKey makes a key and answers its text, which is never shown again. A
// person who is no admin by now is Forbidden. It makes one for each form; the
// text is empty for a form that is sent again late.
func (t *Tenant) CreateKey(ctx context.Context, n NewKey) (*Key, string, error) {
	scopes, scopeErr := parseScopes(n.Scopes)
	key, text, err := t.store.newKey(n, scopes, t.actor.Name)
	if err := joinFaults(err, scopeErr); err != nil {
		return nil, "", err
	}
	key.OrganizationID = &t.org.ID
	key.CreatedByUser = t.actor.userID()
	err = t.store.transaction(once(ctx), func(tx *Tx) error {
		if err := t.mayMakeKey(tx); err != nil {
			return err
		}
		makes(tx, key.ID, text)
		if err := tx.Create(key).Error; err != nil {
			return err
		}
		if err := t.audit(tx, "key.created", key.ID, key.Name, key.describe()); err != nil {
			return err
		}
		return t.store.emitAll(tx, keyCreated(t.org, key, t.actor))
	})
	if before := earlier(err); before != nil {
		key, err = find[Key](t.rows(ctx).Where("id = ?", before.made), "key")
		return key, before.shown, err
	}
	return key, text, err
}

// mayMakeKey asks once more, under the organization's lock: the keys of who is
// removed are revoked, and one that came just after would stay.
func (t *Tenant) mayMakeKey(tx *Tx) error {
	if t.actor.Kind != ActorUser {
		return nil
	}
	if err := t.lock(tx); err != nil {
		return err
	}
	acting, err := t.actingRole(tx)
	if err == nil && !acting.May(RightAdminister) {
		return forbiddenRole()
	}
	return err
}

// RevokeKey makes a key useless at once. Revoking twice changes nothing.
func (t *Tenant) RevokeKey(ctx context.Context, id string) error {
	return t.store.transaction(ctx, func(tx *Tx) error { return t.store.revokeKey(tx, t.org, t.within(tx.DB), id, t.actor) })
}

// revokeKey revokes one key of the organization's, or of the platform's where
// org is nil.
func (s *Store) revokeKey(tx *Tx, org *Organization, scoped *gorm.DB, id string, actor Actor) error {
	key, err := find[Key](scoped.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id), "key")
	if err != nil || key.RevokedAt != nil {
		return err
	}
	events, err := s.revokeKeys(tx, org, []Key{*key}, "", actor)
	if err != nil {
		return err
	}
	return s.emitAll(tx, events...)
}

// revokeKeys revokes keys that are in force and locked. The events are for the
// caller to emit; a platform key has none.
func (s *Store) revokeKeys(tx *Tx, org *Organization, keys []Key, reason string, actor Actor) ([]ownEvent, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	now, organizationID, action := s.clock.Now(), "", "platform_key.revoked"
	if org != nil {
		organizationID, action = org.ID, "key.revoked"
	}
	ids, entries := make([]string, len(keys)), make([]AuditEntry, len(keys))
	var events []ownEvent
	for i := range keys {
		ids[i] = keys[i].ID
		entries[i] = s.auditEntry(actor, organizationID, action, keys[i].ID, keys[i].Name, reason)
		if org != nil {
			events = append(events, keyRevoked(org, &keys[i], reason, actor, now))
		}
	}
	if err := tx.Model(&Key{}).Where("id IN ?", ids).Update("revoked_at", now).Error; err != nil {
		return nil, err
	}
	return events, tx.Create(&entries).Error
}

// AuthenticateKey answers the key of that text and, for an organization's key,
// its organization. Anything else is Unauthorized: one whose time is over with
// the code key_expired.
func (s *Store) AuthenticateKey(ctx context.Context, text string) (*Key, *Organization, error) {
	if !strings.HasPrefix(text, keyPrefix) {
		return nil, nil, noKey()
	}
	refused := unknownKey()
	key, err := find[Key](s.db.WithContext(ctx).Where("hash = ? AND revoked_at IS NULL", hashToken(text)), "key")
	if IsKind(err, NotFound) {
		return nil, nil, refused
	}
	if err != nil {
		return nil, nil, err
	}
	if key.Expired(s.clock.Now()) {
		return nil, nil, &Error{Kind: Unauthorized, Code: "key_expired",
			Message: "The API key expired on " + key.ExpiresAt.Format("2 January 2006 at 15:04 UTC") + ". Use a new one."}
	}
	if err := s.noteKeyUse(ctx, key); err != nil {
		return nil, nil, err
	}
	if key.Platform() {
		return key, nil, nil
	}
	org, err := find[Organization](s.db.WithContext(ctx).Where("id = ? AND deleted_at IS NULL", *key.OrganizationID), "organization")
	if IsKind(err, NotFound) {
		return nil, nil, refused
	}
	return key, org, err
}

// noKey is the refusal of what isn't even written as a key.
func noKey() error {
	return &Error{Kind: Unauthorized, Code: "unauthorized", Message: "This is no API key: keys begin with hwk_. Send one as Authorization: Bearer hwk_…"}
}

func unknownKey() error {
	return &Error{Kind: Unauthorized, Code: "unauthorized", Message: "The API key is unknown or was revoked."}
}

func (s *Store) noteKeyUse(ctx context.Context, key *Key) error {
	now := s.clock.Now()
	if key.LastUsedAt != nil && now.Sub(*key.LastUsedAt) < keyUseGrain {
		return nil
	}
	return s.db.WithContext(ctx).Model(&Key{}).Where("id = ?", key.ID).Update("last_used_at", now).Error
}

// KeyTenant is the organization of an organization's key, as the key sees it.
func (s *Store) KeyTenant(key *Key, org *Organization, actor Actor) *Tenant {
	return &Tenant{store: s, org: org, actor: keyActor(key, actor)}
}

func keyActor(key *Key, actor Actor) Actor {
	actor.Kind, actor.ID, actor.Name = ActorKey, key.ID, key.Name
	return actor
}

// describe is what the audit log keeps of a new key.
func (k *Key) describe() string {
	text := scopeNames(k.Scopes)
	if k.Platform() {
		text = ""
	}
	if k.ExpiresAt != nil {
		text = strings.TrimSpace(text + " until " + k.ExpiresAt.Format(time.RFC3339))
	}
	return text
}

// joinFaults makes one Invalid error of several; any other error wins.
func joinFaults(errs ...error) error {
	var faults webhook.Faults
	for _, err := range errs {
		var e *Error
		switch {
		case err == nil:
		case errors.As(err, &e) && e.Kind == Invalid:
			faults = append(faults, e.Fields...)
		default:
			return err
		}
	}
	if len(faults) > 0 {
		return invalid(faults)
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
