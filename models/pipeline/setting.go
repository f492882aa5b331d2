package pipeline

import (
	"time"

	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

// NoteSettings adds a line to the endpoint's history.
func NoteSettings(tx *database.Tx, e *models.Endpoint, since time.Time) error {
	return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(SettingOf(e, since)).Error
}

func SettingOf(e *models.Endpoint, since time.Time) *models.EndpointSetting {
	return &models.EndpointSetting{EndpointID: e.ID, Since: since, OrganizationID: e.OrganizationID, EventTypes: e.EventTypes,
		Enabled: e.Enabled(), Deleted: e.DeletedAt != nil}
}

// Later is now, or just after the time before it if the clock has not moved.
func Later(now, before time.Time) time.Time {
	if now.After(before) {
		return now
	}
	return before.Add(time.Microsecond)
}
