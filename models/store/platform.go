package store

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// Platform is the view of a platform key, or of an operator at the command line:
// every organization, each reached by id or external id.
type Platform struct {
	store *Store
	actor models.Actor
}

// Platform returns the store as a platform key sees it.
func (s *Store) Platform(key *models.Key, actor models.Actor) *Platform {
	return &Platform{store: s, actor: keyActor(key, actor)}
}

// Operator returns the store as an operator at the command line sees it.
func (s *Store) Operator() *Platform {
	return &Platform{store: s, actor: models.Actor{Kind: models.ActorOperator, Name: "command line"}}
}

// Organization returns one organization, by its id or its external id. An unknown
// one is NotFound.
func (p *Platform) Organization(ctx context.Context, name string) (*models.Organization, error) {
	column := "external_id"
	if database.IsID(models.PrefixOrganization, name) {
		column = "id"
	}
	return database.Find[models.Organization](p.store.db.WithContext(ctx).Where(column+" = ? AND deleted_at IS NULL", name), "organization")
}

// Tenant returns the Tenant of one organization, by its id or its external id. An
// unknown one is NotFound.
func (p *Platform) Tenant(ctx context.Context, name string) (*Tenant, error) {
	org, err := p.Organization(ctx, name)
	if err != nil {
		return nil, err
	}
	return &Tenant{store: p.store, org: org, actor: p.actor}, p.store.engine.Expand(ctx, org.ID)
}

// Organizations lists organizations, newest first. A limit out of range, or a cursor
// that is none of this list's, is Invalid.
func (p *Platform) Organizations(ctx context.Context, page models.Page) ([]models.Organization, string, error) {
	query, err := database.Paginate(page, p.store.db.WithContext(ctx).Where("deleted_at IS NULL"), models.PrefixOrganization)
	if err != nil {
		return nil, "", err
	}
	return database.Paged(query, page, func(o *models.Organization) string { return o.ID })
}

// CreateOrganization makes an organization without members, and its endpoints. It
// returns the endpoints' secrets in the same order. Wrong input is Invalid at its
// fields, an endpoint's at endpoints.N.
func (p *Platform) CreateOrganization(ctx context.Context, n models.NewOrganization) (*models.Organization, []webhook.Secret, error) {
	if err := n.Check(); err != nil {
		return nil, nil, err
	}
	for i := range n.Endpoints {
		if err := p.store.checkEndpoint(ctx, "", &n.Endpoints[i]); err != nil {
			return nil, nil, prefixFaults(err, "endpoints."+strconv.Itoa(i)+".")
		}
	}
	var org *models.Organization
	var secrets []webhook.Secret
	err := p.store.transaction(ctx, func(tx *database.Tx) (err error) {
		if org, secrets, err = p.store.createOrganization(tx, n, p.actor); err != nil {
			return err
		}
		return p.store.engine.EmitAll(tx, organizationCreated(org, p.actor))
	})
	return org, secrets, err
}

func prefixFaults(err error, prefix string) error {
	var e *models.Error
	if !errors.As(err, &e) || e.Kind != models.Invalid {
		return err
	}
	faults := make(webhook.Faults, len(e.Fields))
	for i, fault := range e.Fields {
		if faults[i] = fault; fault.More == 0 {
			faults[i].Field = prefix + fault.Field
		}
	}
	return models.NewInvalid(faults)
}

// CreateUser makes an account and adds it to an organization, named by its id or by
// the name of a new one. It returns both ids. A wrong account, or an address that
// has one already, is Invalid at its field; an unknown organization is NotFound.
func (p *Platform) CreateUser(ctx context.Context, account models.Account, organization string, role models.Role) (*models.User, *models.Organization, error) {
	if err := checkAccount(&account); err != nil {
		return nil, nil, err
	}
	hash, err := p.store.hash(ctx, operatorAsker(account.Email), account.Password)
	if err != nil {
		return nil, nil, err
	}
	var user *models.User
	var org *models.Organization
	err = p.store.transaction(ctx, func(tx *database.Tx) error {
		var events []pipeline.AppEvent
		if org, events, err = p.organizationFor(tx, organization); err != nil {
			return err
		}
		now := p.store.clock.Now()
		if user, err = p.store.createUser(tx, account, hash, &now); err != nil {
			return err
		}
		if err := p.store.db.Audit(tx, p.actor, org.ID, "user.created", user.ID, user.Name, ""); err != nil {
			return err
		}
		added, err := p.store.addMember(tx, org, user, role, nil, p.actor)
		if err != nil {
			return err
		}
		return p.store.engine.EmitAll(tx, append(events, added)...)
	})
	return user, org, err
}

// organizationFor returns the organization of that id, or a new one of that name
// with what is to be told of it.
func (p *Platform) organizationFor(tx *database.Tx, name string) (*models.Organization, []pipeline.AppEvent, error) {
	if strings.HasPrefix(name, models.PrefixOrganization) {
		org, err := database.Find[models.Organization](tx.Where("id = ? AND deleted_at IS NULL", name), "organization")
		return org, nil, err
	}
	n := models.NewOrganization{Name: name}
	if err := n.Check(); err != nil {
		return nil, nil, renameFaults(err, "name", "organization")
	}
	org, _, err := p.store.createOrganization(tx, n, p.actor)
	if err != nil {
		return nil, nil, err
	}
	return org, []pipeline.AppEvent{organizationCreated(org, p.actor)}, nil
}

func renameFaults(err error, from, to string) error {
	var e *models.Error
	if errors.As(err, &e) {
		for i := range e.Fields {
			if e.Fields[i].Field == from {
				e.Fields[i].Field = to
			}
		}
	}
	return err
}

// ResetPassword gives an account a new password and ends all its sessions. An
// address without an account is NotFound; a wrong password is Invalid.
func (p *Platform) ResetPassword(ctx context.Context, email string, change models.PasswordChange) error {
	user, err := database.Find[models.User](p.store.db.WithContext(ctx).Where("email = ?", normalEmail(email)), "account")
	if err != nil {
		return err
	}
	account := models.Account{Name: user.Name, Email: user.Email, Password: change.New}
	if err := checkAccount(&account); err != nil {
		return err
	}
	hash, err := p.store.hash(ctx, operatorAsker(user.Email), change.New)
	if err != nil {
		return err
	}
	return p.store.transaction(ctx, func(tx *database.Tx) error {
		if change.Unlink {
			if err := p.store.unlinkAll(tx, p.actor, user, "with a new password"); err != nil {
				return err
			}
		}
		return p.store.setPassword(tx, p.actor, user, hash, byAdmin, "")
	})
}

// RemoveTwoFactor turns an account's second factor off, for a person who has lost
// both the app and the recovery codes. Without a second factor it is a Conflict.
func (p *Platform) RemoveTwoFactor(ctx context.Context, email string) error {
	user, err := database.Find[models.User](p.store.db.WithContext(ctx).Where("email = ?", normalEmail(email)), "account")
	if err != nil {
		return err
	}
	return p.store.transaction(ctx, func(tx *database.Tx) error { return p.store.removeTwoFactor(tx, p.actor, user) })
}

// CreateKey makes a platform key and returns its text, which is shown once. Wrong
// input is Invalid at its fields.
func (p *Platform) CreateKey(ctx context.Context, n models.NewKey) (*models.Key, string, error) {
	key, text, err := p.store.newKey(n, models.Scopes(), p.actor.Name)
	if err != nil {
		return nil, "", err
	}
	err = p.store.transaction(ctx, func(tx *database.Tx) error {
		if err := tx.Create(key).Error; err != nil {
			return err
		}
		return p.store.db.Audit(tx, p.actor, "", "platform_key.created", key.ID, key.Name, key.Describe())
	})
	return key, text, err
}

// Keys lists the platform keys, newest first. It fails if the database does.
func (p *Platform) Keys(ctx context.Context) ([]models.Key, error) {
	var keys []models.Key
	err := p.store.db.WithContext(ctx).Where("organization_id IS NULL").Order("id DESC").Find(&keys).Error
	return keys, err
}

// RevokeKey revokes a platform key at once. An unknown one is NotFound.
func (p *Platform) RevokeKey(ctx context.Context, id string) error {
	return p.store.transaction(ctx, func(tx *database.Tx) error {
		return p.store.revokeKey(tx, nil, tx.Where("organization_id IS NULL"), id, p.actor)
	})
}
