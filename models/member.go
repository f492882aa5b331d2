package models

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/webhook"
)

// TeamMember is a member with what the person's account says of them.
type TeamMember struct {
	Member
	Name  string
	Email string
}

// maxTitle is the longest title, in characters.
const maxTitle = 100

// Members lists who belongs to the organization, by name; for a guest without
// the others' addresses.
func (t *Tenant) Members(ctx context.Context) ([]TeamMember, error) {
	var list []TeamMember
	err := t.members(t.store.db.WithContext(ctx)).Order("users.name, members.id").Find(&list).Error
	for i := range list {
		t.hideAddress(&list[i])
	}
	return list, err
}

// Member reads one member.
func (t *Tenant) Member(ctx context.Context, id string) (*TeamMember, error) {
	m, err := t.member(t.store.db.WithContext(ctx), id)
	if err == nil {
		t.hideAddress(m)
	}
	return m, err
}

// hideAddress leaves a colleague's address out for a guest.
func (t *Tenant) hideAddress(m *TeamMember) {
	if t.hidesAddresses && m.UserID != t.actor.ID {
		m.Email = ""
	}
}

func (t *Tenant) members(db *gorm.DB) *gorm.DB {
	return db.Table("members").Select(memberColumns+", users.name, users.email").
		Joins("JOIN users ON users.id = members.user_id").Where("members.organization_id = ?", t.org.ID)
}

func (t *Tenant) member(db *gorm.DB, id string) (*TeamMember, error) {
	return find[TeamMember](t.members(db).Where("members.id = ?", id), "member")
}

// lock reads the organization anew and holds its row to the end of the
// transaction: who belongs to it, and as what, changes one at a time, so that
// two owners who leave at once don't both count on the other. One that was
// deleted is NotFound.
func (t *Tenant) lock(tx *Tx) error {
	org, err := find[Organization](tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ? AND deleted_at IS NULL", t.org.ID), "organization")
	if err != nil {
		return err
	}
	t.org = org
	return nil
}

// actingRole is the actor's role at this moment, which may have changed since
// the request began. An operator and a platform key may do all.
func (t *Tenant) actingRole(tx *Tx) (Role, error) {
	switch t.actor.Kind {
	case ActorOperator, ActorKey:
		return RoleOwner, nil
	case ActorUser:
	default:
		return "", forbiddenRole()
	}
	m, err := find[TeamMember](t.members(tx.DB).Where("members.user_id = ?", t.actor.ID), "organization")
	if err != nil {
		return "", err
	}
	return m.Role, nil
}

// Manages tells whether a role may give or take another, and remove who has
// it: an admin up to admins, an owner everybody.
func (r Role) Manages(other Role) bool {
	return r.May(RightOwn) || r.May(RightAdminister) && !other.May(RightOwn)
}

func forbiddenRole() error {
	return &Error{Kind: Forbidden, Code: "role", Message: "Your role in this organization doesn’t allow it. Ask an owner."}
}

func lastOwner() error {
	return conflict("last_owner", "This is the last owner. Make somebody else an owner first.")
}

// needOwner refuses what would leave the organization without an owner.
func (t *Tenant) needOwner(tx *Tx, m *TeamMember) error {
	if m.Role != RoleOwner {
		return nil
	}
	var others int64
	err := t.within(tx.DB).Model(&Member{}).Where("role = ? AND id <> ?", RoleOwner, m.ID).Count(&others).Error
	if err == nil && others == 0 {
		return lastOwner()
	}
	return err
}

// changeMember changes one member under the organization's lock. The function
// gets the member and the role of who acts.
func (t *Tenant) changeMember(ctx context.Context, id string, change func(tx *Tx, m *TeamMember, acting Role) error) (*TeamMember, error) {
	var m *TeamMember
	err := t.store.transaction(ctx, func(tx *Tx) error {
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

// SetRole gives a member another role, and ends what the member made beyond it:
// what Revocations lists. Agreed are the ids of what the person who asks was
// told; a change that would end more is a Conflict with CodeRevokes. Who may not
// is Forbidden; the last owner's stays, with a Conflict. The role that the
// member has changes nothing.
func (t *Tenant) SetRole(ctx context.Context, id string, role Role, agreed ...string) (*TeamMember, error) {
	return t.changeMember(ctx, id, func(tx *Tx, m *TeamMember, acting Role) error {
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
		return t.store.emitAll(tx, events...)
	})
}

// setRole writes the role and ends what goes beyond it. The events are for the
// caller to emit.
func (t *Tenant) setRole(tx *Tx, m *TeamMember, role Role, agreed []string) ([]ownEvent, error) {
	ends, err := t.revocations(tx.DB, m, role)
	if err != nil {
		return nil, err
	}
	if err := ends.agreed(agreed); err != nil {
		return nil, err
	}
	from := m.Role
	m.Role = role
	if err := tx.Model(&Member{}).Where("id = ?", m.ID).Update("role", role).Error; err != nil {
		return nil, err
	}
	event := memberRoleChanged(t.org, m, from, t.actor, t.store.clock.Now())
	if err := t.audit(tx, "member.role_changed", m.ID, m.Name, fmt.Sprintf("%s to %s", from, role)); err != nil {
		return nil, err
	}
	revoked, err := t.revoke(tx, ends, "Its maker’s role changed from "+string(from)+" to "+string(role)+".")
	return append([]ownEvent{event}, revoked...), err
}

// TransferOwnership makes a member an owner and the owner who acts an admin,
// whose invitations of owners end. Agreed is SetRole's.
func (t *Tenant) TransferOwnership(ctx context.Context, id string, agreed ...string) (*TeamMember, error) {
	m, err := t.changeMember(once(ctx), id, func(tx *Tx, m *TeamMember, acting Role) error {
		if t.actor.Kind != ActorUser || !acting.May(RightOwn) {
			return forbiddenRole()
		}
		if m.UserID == t.actor.ID {
			return conflict("own_membership", "You own the organization already. Choose another member.")
		}
		own, err := find[TeamMember](t.members(tx.DB).Where("members.user_id = ?", t.actor.ID), "member")
		if err != nil {
			return err
		}
		var events []ownEvent
		if m.Role != RoleOwner {
			if events, err = t.setRole(tx, m, RoleOwner, nil); err != nil {
				return err
			}
		}
		lowered, err := t.setRole(tx, own, RoleAdmin, agreed)
		if err != nil {
			return err
		}
		return t.store.emitAll(tx, append(events, lowered...)...)
	})
	if earlier(err) != nil {
		return t.Member(ctx, id)
	}
	return m, err
}

// SetTitle says what a member does in the organization; empty takes it back.
// Members set their own, and that of those whose role they may change.
func (t *Tenant) SetTitle(ctx context.Context, id, title string) (*TeamMember, error) {
	title = strings.TrimSpace(title)
	return t.changeMember(ctx, id, func(tx *Tx, m *TeamMember, acting Role) error {
		if m.UserID != t.actor.ID && !acting.Manages(m.Role) {
			return forbiddenRole()
		}
		if fault := webhook.NameFault(title, maxTitle); fault != "" {
			return invalidField("title", fault)
		}
		if m.Title == title {
			return nil
		}
		if err := t.check(m.TitleVersion()); err != nil {
			return err
		}
		change := map[string]fieldChange{"title": textChange(m.Title, title)}
		m.Title = title
		if err := tx.Model(&Member{}).Where("id = ?", m.ID).Update("title", title).Error; err != nil {
			return err
		}
		if err := t.audit(tx, "member.updated", m.ID, m.Name, title); err != nil {
			return err
		}
		return t.store.emitAll(tx, memberUpdated(t.org, m, change, t.actor, t.store.clock.Now()))
	})
}

// RemoveMember ends somebody else's membership, and with it the keys and the
// invitations that the member made.
func (t *Tenant) RemoveMember(ctx context.Context, id string) (*TeamMember, error) {
	m, err := t.changeMember(once(ctx), id, func(tx *Tx, m *TeamMember, acting Role) error {
		if !acting.Manages(m.Role) {
			return forbiddenRole()
		}
		if m.UserID == t.actor.ID {
			return conflict("own_membership", "This is you. To end your own membership, leave the organization.")
		}
		makes(tx, m.Name, "")
		event := func(at time.Time) ownEvent { return memberRemoved(t.org, m, t.actor, at) }
		return t.endMembership(tx, m, "member.removed", "The member who made it was removed.", event)
	})
	if before := earlier(err); before != nil {
		return &TeamMember{Member: Member{ID: id, OrganizationID: t.org.ID}, Name: before.made}, nil
	}
	return m, err
}

// Leave ends the membership of who acts, and with it the keys and the
// invitations that they made. The last owner can't, with a Conflict.
func (t *Tenant) Leave(ctx context.Context) error {
	own, err := t.Own(ctx)
	if err != nil {
		return err
	}
	_, err = t.changeMember(once(ctx), own.ID, func(tx *Tx, m *TeamMember, _ Role) error {
		event := func(at time.Time) ownEvent { return memberLeft(t.org, m, at) }
		return t.endMembership(tx, m, "member.left", "The member who made it left.", event)
	})
	return unlessTaken(err)
}

// Own is the membership of who acts; NotFound for who has none.
func (t *Tenant) Own(ctx context.Context) (*TeamMember, error) {
	return find[TeamMember](t.members(t.store.db.WithContext(ctx)).Where("members.user_id = ?", t.actor.ID), "member")
}

func (t *Tenant) endMembership(tx *Tx, m *TeamMember, action, reason string, event func(at time.Time) ownEvent) error {
	if err := t.needOwner(tx, m); err != nil {
		return err
	}
	if err := tx.Where("id = ?", m.ID).Delete(&Member{}).Error; err != nil {
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
	return t.store.emitAll(tx, append([]ownEvent{event(t.store.clock.Now())}, revoked...)...)
}

// addMember stores a membership. Its event is for the caller to emit, after
// what comes before it. The invitation is nil when there was none.
func (s *Store) addMember(tx *Tx, org *Organization, user *User, role Role, invitation *Invitation, actor Actor) (ownEvent, error) {
	now := s.clock.Now()
	m := &TeamMember{Member: Member{ID: s.clock.newID(PrefixMember, now), OrganizationID: org.ID, UserID: user.ID, Role: role, CreatedAt: now}, Name: user.Name, Email: user.Email}
	if err := tx.Create(&m.Member).Error; err != nil {
		return ownEvent{}, duplicateIsConflict(err, "This person is a member already.")
	}
	return memberAdded(org, m, invitation), s.audit(tx, actor, org.ID, "member.added", m.ID, user.Name, string(role))
}
