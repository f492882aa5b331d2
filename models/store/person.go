package store

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// Person is a signed-in user's view of the store: their own account, and the
// organizations that they are a member of.
type Person struct {
	store *Store
	user  *models.User
	actor models.Actor
	condition

	provedAt time.Time // who they are; zero is never
}

// As returns the store as one user sees it.
func (s *Store) As(user *models.User, actor models.Actor) *Person {
	return &Person{store: s, user: user, actor: actor.As(user)}
}

// User returns the person's account.
func (p *Person) User() *models.User { return p.user }

// Organizations lists the person's organizations by name. It fails if the database
// does.
func (p *Person) Organizations(ctx context.Context) ([]models.Membership, error) {
	var list []models.Membership
	err := p.memberships(ctx).Order("organizations.name, organizations.id").Find(&list).Error
	return list, err
}

func (p *Person) memberships(ctx context.Context) *gorm.DB {
	return p.store.db.WithContext(ctx).Table("organizations").Select(database.OrgColumns+", members.role").
		Joins("JOIN members ON members.organization_id = organizations.id").
		Where("members.user_id = ? AND organizations.deleted_at IS NULL", p.user.ID)
}

// Tenant returns the Tenant of one organization, by its slug. It is NotFound if
// the organization is unknown or the person is not a member. It is Forbidden,
// with CodeTwoFactor, if the organization requires a second factor that the
// person lacks.
func (p *Person) Tenant(ctx context.Context, slug string) (*Tenant, models.Role, error) {
	m, err := database.Find[models.Membership](p.memberships(ctx).Where("organizations.slug = ?", slug), "organization")
	if err != nil {
		return nil, "", err
	}
	if m.RequireTwoFactor {
		second, err := p.store.asksSecondFactor(ctx, p.user.ID)
		if err != nil {
			return nil, "", err
		}
		if !second {
			return nil, "", &models.Error{Kind: models.Forbidden, Code: models.CodeTwoFactor, Message: "This organization asks for two-factor sign-in. Set it up first."}
		}
	}
	return (&Tenant{store: p.store, org: &m.Organization, actor: p.actor}).readBy(m.Role), m.Role, p.store.engine.Expand(ctx, m.ID)
}

// CreateOrganization makes an organization that the person owns. It makes one for
// each form. A wrong name is Invalid at "name".
func (p *Person) CreateOrganization(ctx context.Context, name string) (*models.Organization, error) {
	n := models.NewOrganization{Name: name}
	if err := n.Check(); err != nil {
		return nil, err
	}
	var org *models.Organization
	err := p.store.transaction(once(ctx), func(tx *database.Tx) (err error) {
		if org, _, err = p.store.createOrganization(tx, n, p.actor); err != nil {
			return err
		}
		makes(tx, org.ID, "")
		added, err := p.store.addMember(tx, org, p.user, models.RoleOwner, nil, p.actor)
		if err != nil {
			return err
		}
		return p.store.engine.EmitAll(tx, organizationCreated(org, p.actor), added)
	})
	if before := earlier(err); before != nil {
		return database.Find[models.Organization](p.store.db.WithContext(ctx).Where("id = ? AND deleted_at IS NULL", before.made), "organization")
	}
	return org, err
}

// How a password came to be changed, as security.password_changed says it.
const (
	bySettings  = "settings"
	byResetLink = "reset_link"
	byAdmin     = "admin"
)

func nameFaults(name string) webhook.Faults {
	if name == "" {
		return webhook.Faults{{Field: "name", Message: "Enter your name, up to " + strconv.Itoa(models.MaxName) + " characters."}}
	}
	return models.TextFaults("name", webhook.NameFault(name, models.MaxName))
}

// Rename changes the person's name. A bad one is Invalid at "name". It fails with
// Outdated if the version isn't the one that If asks for.
func (p *Person) Rename(ctx context.Context, name string) error {
	name = strings.TrimSpace(name)
	if faults := nameFaults(name); len(faults) > 0 {
		return models.NewInvalid(faults)
	}
	return p.store.transaction(ctx, func(tx *database.Tx) error {
		now, err := database.Find[models.User](tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", p.user.ID), "account")
		if err != nil {
			return err
		}
		if err := p.check(now.NameVersion()); err != nil && now.Name != name {
			return err
		}
		change := map[string]any{"name": name, "updated_at": p.store.clock.Now()}
		if err := tx.Model(&models.User{}).Where("id = ?", p.user.ID).Updates(change).Error; err != nil {
			return err
		}
		return p.auditOwn(tx, "user.renamed", name)
	})
}

// budgetPasswords bounds how often a signed-in person sets their password.
var budgetPasswords = pipeline.Budget{Name: "passwords set by a person", Most: 10, Span: time.Hour, Used: "You have set your password 10 times within the hour."}

// ChangePassword gives the account a new password and returns the account. All
// sessions but the one with the token end. Bad input is Invalid at "present",
// "code" and "new"; more than 10 times an hour is TooMany. The code isn't needed
// after a proof; a person who has no password yet needs a proof: see CheckProof.
func (p *Person) ChangePassword(ctx context.Context, change models.PasswordChange, token string) (*models.User, error) {
	user, err := p.changePassword(ctx, change, token)
	if earlier(err) != nil {
		return p.store.User(ctx, p.user.ID)
	}
	return user, err
}

func (p *Person) changePassword(ctx context.Context, change models.PasswordChange, token string) (*models.User, error) {
	if err := p.store.sentBefore(ctx); err != nil {
		return nil, err
	}
	if faults := passwordFaults("new", change.New, p.user.Name, p.user.Email); len(faults) > 0 {
		return nil, models.NewInvalid(faults)
	}
	if err := p.mayChangePassword(ctx, change); err != nil {
		return nil, err
	}
	set := pipeline.Spend(budgetPasswords, p.user.ID)
	if err := p.store.spend(ctx, set); err != nil {
		return nil, err
	}
	hash, err := p.store.hash(ctx, ownAsker(p.user, p.actor), change.New)
	if err != nil {
		return nil, errors.Join(err, p.store.refund(ctx, set))
	}
	user := *p.user
	err = p.store.transaction(once(ctx), func(tx *database.Tx) error {
		if change.Unlink {
			if err := p.store.unlinkAll(tx, p.actor, &user, "with a new password"); err != nil {
				return err
			}
		}
		return p.store.setPassword(tx, p.actor, &user, hash, bySettings, token)
	})
	if err != nil {
		return nil, errors.Join(err, p.store.refund(ctx, set))
	}
	return &user, nil
}

func (p *Person) mayChangePassword(ctx context.Context, change models.PasswordChange) error {
	if !p.user.HasPassword() {
		return p.CheckProof()
	}
	if err := p.store.confirm(ctx, p.user, p.actor, "present", change.Present); err != nil {
		return err
	}
	if change.New == change.Present {
		return models.InvalidField("new", "This is the password that you have. Choose another.")
	}
	if p.CheckProof() == nil {
		return nil
	}
	return p.ProveCode(ctx, change.Code)
}

// setPassword stores a new password's hash, ends the user's sessions but the
// one of the token, their reset links and those to another address, and
// reports it.
func (s *Store) setPassword(tx *database.Tx, actor models.Actor, user *models.User, hash, method, token string) error {
	user.PasswordHash, user.UpdatedAt = hash, s.clock.Now()
	change := map[string]any{"password_hash": hash, "updated_at": user.UpdatedAt}
	if err := tx.Model(&models.User{}).Where("id = ?", user.ID).Updates(change).Error; err != nil {
		return err
	}
	if _, err := s.endSessions(tx, user.ID, token); err != nil {
		return err
	}
	// Whoever knew the old one may have asked for another address too.
	ended := tx.Where("user_id = ? AND (purpose = ? OR purpose = ? AND email <> ?)", user.ID, linkReset, linkEmail, user.Email)
	if err := ended.Delete(&accountLink{}).Error; err != nil {
		return err
	}
	why := pipeline.MailAlways
	if method == bySettings {
		why = pipeline.MailAccount
	}
	if err := s.warn(tx, why, user.Email, models.MailPasswordChanged, models.MailValues{}); err != nil {
		return err
	}
	action := map[string]string{bySettings: "user.password_changed", byResetLink: "user.password_reset", byAdmin: "user.password_reset"}[method]
	return s.reportSecurity(tx, actor, user, action, method, "security.password_changed", securityData{Action: "password_changed", Method: method})
}
