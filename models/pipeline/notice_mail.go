package pipeline

import (
	"fmt"

	"hookwell/models"
	"hookwell/models/database"
)

// mailOf is the message that goes out with each kind of notice.
var mailOf = map[models.NoticeKind]models.MailKind{
	models.NoticeFailing:   models.MailEndpointFailing,
	models.NoticeDisabling: models.MailEndpointDisabling,
	models.NoticeDisabled:  models.MailEndpointDisabled,
	models.NoticeGone:      models.MailEndpointGone,
	models.NoticeRecovered: models.MailEndpointRecovered,
}

// mailAdmins writes an announcement to the organization's admins and owners.
func (p *Engine) mailAdmins(tx *database.Tx, organizationID string, a *announcement) error {
	org, err := database.Find[models.Organization](tx.Where("id = ?", organizationID), "organization")
	if err != nil {
		return err
	}
	if org.DeletedAt != nil {
		return nil
	}
	var addresses []string
	err = tx.Model(&models.User{}).Joins("JOIN members m ON m.user_id = users.id").
		Where("m.organization_id = ? AND m.role IN ?", org.ID, []models.Role{models.RoleAdmin, models.RoleOwner}).Order("users.id").Pluck("users.email", &addresses).Error
	if err != nil {
		return fmt.Errorf("reading the admins: %w", err)
	}
	why := MailAlways
	if a.kind == models.NoticeFailing || a.kind == models.NoticeRecovered { // the others tell what is or will be disabled
		why = mailEndpoints
	}
	m := models.Mail{OrganizationID: org.ID, Kind: mailOf[a.kind], Values: models.MailValues{Organization: org.Name, Slug: org.Slug, Endpoints: a.endpoints()}}
	for _, m.To = range addresses {
		if err := p.Post(tx, why, models.Actor{}, m); err != nil {
			return err
		}
	}
	return nil
}

// endpoints returns the announcement's, as a message names them. When one is disabled
// is told only once that is near.
func (a *announcement) endpoints() []models.MailEndpoint {
	list := make([]models.MailEndpoint, len(a.on))
	for i, e := range a.on {
		list[i] = models.MailEndpoint{ID: e.ID, Name: e.Name, URL: e.URL}
		if state := a.of[i]; state != nil {
			list[i].FailingSince = state.FailingSince
			if a.kind == models.NoticeDisabling {
				list[i].DisableAt, _ = state.DisableAt()
			}
		}
	}
	return list
}
