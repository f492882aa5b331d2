package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// maxTitle is the longest title, in characters.
const maxTitle = 100

// Members lists the organization's members by name. A guest sees only their own
// address. It fails if the database does.
func (t *Tenant) Members(ctx context.Context) ([]models.TeamMember, error) {
	var list []models.TeamMember
	err := t.members(t.store.db.WithContext(ctx)).Order("users.name, members.id").Find(&list).Error
	for i := range list {
		t.hideAddress(&list[i])
	}
	return list, err
}

// Member reads one member. An unknown one is NotFound.
func (t *Tenant) Member(ctx context.Context, id string) (*models.TeamMember, error) {
	m, err := t.member(t.store.db.WithContext(ctx), id)
	if err == nil {
		t.hideAddress(m)
	}
	return m, err
}

// hideAddress leaves a colleague's address out for a guest.
func (t *Tenant) hideAddress(m *models.TeamMember) {
	if t.hidesAddresses && m.UserID != t.actor.ID {
		m.Email = ""
	}
}

func (t *Tenant) members(db *gorm.DB) *gorm.DB {
	return db.Table("members").Select(database.MemberColumns+", users.name, users.email").
		Joins("JOIN users ON users.id = members.user_id").Where("members.organization_id = ?", t.org.ID)
}

func (t *Tenant) member(db *gorm.DB, id string) (*models.TeamMember, error) {
	return database.Find[models.TeamMember](t.members(db).Where("members.id = ?", id), "member")
}

// lock reads the organization anew and holds its row to the end of the
// transaction: who belongs to it, and as what, changes one at a time, so that
// two owners who leave at once don't both count on the other. One that was
// deleted is NotFound.
func (t *Tenant) lock(tx *database.Tx) error {
	org, err := database.Find[models.Organization](tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ? AND deleted_at IS NULL", t.org.ID), "organization")
	if err != nil {
		return err
	}
	t.org = org
	return nil
}

// actingRole returns the actor's role at this moment, which may have changed since
// the request began. An operator and a platform key may do all.
func (t *Tenant) actingRole(tx *database.Tx) (models.Role, error) {
	switch t.actor.Kind {
	case models.ActorOperator, models.ActorKey:
		return models.RoleOwner, nil
	case models.ActorUser:
	default:
		return "", forbiddenRole()
	}
	m, err := database.Find[models.TeamMember](t.members(tx.DB).Where("members.user_id = ?", t.actor.ID), "organization")
	if err != nil {
		return "", err
	}
	return m.Role, nil
}

func forbiddenRole() error {
	return &models.Error{Kind: models.Forbidden, Code: "role", Message: "Your role in this organization doesn’t allow it. Ask an owner."}
}

func lastOwner() error {
	return models.NewConflict("last_owner", "This is the last owner. Make somebody else an owner first.")
}

// needOwner refuses what would leave the organization without an owner.
func (t *Tenant) needOwner(tx *database.Tx, m *models.TeamMember) error {
	if m.Role != models.RoleOwner {
		return nil
	}
	var others int64
	err := t.within(tx.DB).Model(&models.Member{}).Where("role = ? AND id <> ?", models.RoleOwner, m.ID).Count(&others).Error
	if err == nil && others == 0 {
		return lastOwner()
	}
	return err
}

// changeMember changes one member under the organization's lock. The function
// gets the member and the role of who acts.
func (t *Tenant) changeMember(ctx context.Context, id string, change func(tx *database.Tx, m *models.TeamMember, acting models.Role) error) (*models.TeamMember, error) {
	var m *models.TeamMember
	err := t.store.transaction(ctx, func(tx *database.Tx) error {
		if err := t.lock(tx); err != nil {
			return err
		}
		acting, err := t.actingRole(tx)
		if err != nil {
			return err
		}
		if m, err = t.member(tx.DB, id); err != nil {
			return err
		}
		return change(tx, m, acting)
	})
	return m, err
}

// SetRole gives a member another role, and ends the keys and invitations that the
// new role doesn't cover: see Revocations. Agreed are the ids of those that the
// caller was shown; if more would end, it is a Conflict with CodeRevokes. It is
// Forbidden without the right to change that role. The last owner keeps the role:
// that is a Conflict. Setting the present role changes nothing.
func (t *Tenant) SetRole(ctx context.Context, id string, role models.Role, agreed ...string) (*models.TeamMember, error) {
	return t.changeMember(ctx, id, func(tx *database.Tx, m *models.TeamMember, acting models.Role) error {
		if !acting.Manages(m.Role) || !acting.Manages(role) {
			return forbiddenRole()
		}
		if m.Role == role {
			return nil
		}
		if err := t.check(m.RoleVersion()); err != nil {
			return err
		}
		if err := t.needOwner(tx, m); err != nil {
			return err
		}
		events, err := t.setRole(tx, m, role, agreed)
		if err != nil {
			return err
		}
		return t.store.engine.EmitAll(tx, events...)
	})
}

// setRole writes the role and ends what goes beyond it. The events are for the
// caller to emit.
func (t *Tenant) setRole(tx *database.Tx, m *models.TeamMember, role models.Role, agreed []string) ([]pipeline.AppEvent, error) {
	ends, err := t.revocations(tx.DB, m, role)
	if err != nil {
		return nil, err
	}
	if err := ends.Agreed(agreed); err != nil {
		return nil, err
	}
	from := m.Role
	m.Role = role
	if err := tx.Model(&models.Member{}).Where("id = ?", m.ID).Update("role", role).Error; err != nil {
		return nil, err
	}
	event := memberRoleChanged(t.org, m, from, t.actor, t.store.clock.Now())
	if err := t.audit(tx, "member.role_changed", m.ID, m.Name, fmt.Sprintf("%s to %s", from, role)); err != nil {
		return nil, err
	}
	revoked, err := t.revoke(tx, ends, "Its maker’s role changed from "+string(from)+" to "+string(role)+".")
	return append([]pipeline.AppEvent{event}, revoked...), err
}

// TransferOwnership makes a member an owner and the acting owner an admin, whose
// invitations of owners end. Agreed is as for SetRole. An unknown member is
// NotFound; anybody but an owner is Forbidden; naming oneself is a Conflict.
func (t *Tenant) TransferOwnership(ctx context.Context, id string, agreed ...string) (*models.TeamMember, error) {
	m, err := t.changeMember(once(ctx), id, func(tx *database.Tx, m *models.TeamMember, acting models.Role) error {
		if t.actor.Kind != models.ActorUser || !acting.May(models.RightOwn) {
			return forbiddenRole()
		}
		if m.UserID == t.actor.ID {
			return models.NewConflict("own_membership", "You own the organization already. Choose another member.")
		}
		own, err := database.Find[models.TeamMember](t.members(tx.DB).Where("members.user_id = ?", t.actor.ID), "member")
		if err != nil {
			return err
		}
		var events []pipeline.AppEvent
		if m.Role != models.RoleOwner {
			if events, err = t.setRole(tx, m, models.RoleOwner, nil); err != nil {
				return err
			}
		}
		lowered, err := t.setRole(tx, own, models.RoleAdmin, agreed)
		if err != nil {
			return err
		}
		return t.store.engine.EmitAll(tx, append(events, lowered...)...)
	})
	if earlier(err) != nil {
		return t.Member(ctx, id)
	}
	return m, err
}

// SetTitle sets a member's title in the organization; an empty one removes it.
// Members may set their own, and the titles of members whose role they may change.
// An unknown member is NotFound; who may not is Forbidden; a wrong title is Invalid
// at "title", and a version that is not the present one is Outdated.
func (t *Tenant) SetTitle(ctx context.Context, id, title string) (*models.TeamMember, error) {
	title = strings.TrimSpace(title)
	return t.changeMember(ctx, id, func(tx *database.Tx, m *models.TeamMember, acting models.Role) error {
		if m.UserID != t.actor.ID && !acting.Manages(m.Role) {
			return forbiddenRole()
		}
		if fault := webhook.NameFault(title, maxTitle); fault != "" {
			return models.InvalidField("title", fault)
		}
		if m.Title == title {
			return nil
		}
		if err := t.check(m.TitleVersion()); err != nil {
			return err
		}
		change := map[string]fieldChange{"title": textChange(m.Title, title)}
		m.Title = title
		if err := tx.Model(&models.Member{}).Where("id = ?", m.ID).Update("title", title).Error; err != nil {
			return err
		}
		if err := t.audit(tx, "member.updated", m.ID, m.Name, title); err != nil {
			return err
		}
		return t.store.engine.EmitAll(tx, memberUpdated(t.org, m, change, t.actor, t.store.clock.Now()))
	})
}

// RemoveMember ends another person's membership, and with it the keys and
// invitations that they made. An unknown member is NotFound; who may not manage
// their role is Forbidden; removing oneself is a Conflict.
func (t *Tenant) RemoveMember(ctx context.Context, id string) (*models.TeamMember, error) {
	m, err := t.changeMember(once(ctx), id, func(tx *database.Tx, m *models.TeamMember, acting models.Role) error {
		if !acting.Manages(m.Role) {
			return forbiddenRole()
		}
		if m.UserID == t.actor.ID {
			return models.NewConflict("own_membership", "This is you. To end your own membership, leave the organization.")
		}
		makes(tx, m.Name, "")
		event := func(at time.Time) pipeline.AppEvent { return memberRemoved(t.org, m, t.actor, at) }
		return t.endMembership(tx, m, "member.removed", "The member who made it was removed.", event)
	})
	if before := earlier(err); before != nil {
		return &models.TeamMember{Member: models.Member{ID: id, OrganizationID: t.org.ID}, Name: before.made}, nil
	}
	return m, err
}

// Leave ends the actor's membership, and with it the keys and invitations that
// they made. For the last owner it is a Conflict.
func (t *Tenant) Leave(ctx context.Context) error {
	own, err := t.Own(ctx)
	if err != nil {
		return err
	}
	_, err = t.changeMember(once(ctx), own.ID, func(tx *database.Tx, m *models.TeamMember, _ models.Role) error {
		event := func(at time.Time) pipeline.AppEvent { return memberLeft(t.org, m, at) }
		return t.endMembership(tx, m, "member.left", "The member who made it left.", event)
	})
	return unlessTaken(err)
}

// Own returns the actor's membership; NotFound if there is none.
func (t *Tenant) Own(ctx context.Context) (*models.TeamMember, error) {
	return database.Find[models.TeamMember](t.members(t.store.db.WithContext(ctx)).Where("members.user_id = ?", t.actor.ID), "member")
}

func (t *Tenant) endMembership(tx *database.Tx, m *models.TeamMember, action, reason string, event func(at time.Time) pipeline.AppEvent) error {
	if err := t.needOwner(tx, m); err != nil {
		return err
	}
	if err := tx.Where("id = ?", m.ID).Delete(&models.Member{}).Error; err != nil {
		return err
	}
	ends, err := t.revocations(tx.DB, m, "")
	if err != nil {
		return err
	}
	revoked, err := t.revoke(tx, ends, reason)
	if err != nil {
		return err
	}
	if err := t.audit(tx, action, m.ID, m.Name, string(m.Role)); err != nil {
		return err
	}
	return t.store.engine.EmitAll(tx, append([]pipeline.AppEvent{event(t.store.clock.Now())}, revoked...)...)
}

// addMember stores a membership. Its event is for the caller to emit, after
// what comes before it. The invitation is nil when there was none.
func (s *Store) addMember(tx *database.Tx, org *models.Organization, user *models.User, role models.Role, invitation *models.Invitation, actor models.Actor) (pipeline.AppEvent, error) {
	now := s.clock.Now()
	m := &models.TeamMember{Member: models.Member{ID: s.clock.NewID(models.PrefixMember, now), OrganizationID: org.ID, UserID: user.ID, Role: role, CreatedAt: now}, Name: user.Name, Email: user.Email}
	if err := tx.Create(&m.Member).Error; err != nil {
		return pipeline.AppEvent{}, duplicateIsConflict(err, "This person is a member already.")
	}
	return memberAdded(org, m, invitation), s.db.Audit(tx, actor, org.ID, "member.added", m.ID, user.Name, string(role))
}
