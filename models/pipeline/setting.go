package pipeline

import (
	"time"

	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

// AddSetting adds a row to the endpoint's history, valid from since on, in the
// transaction of the change. It replaces a row of the same time. It fails if the
// database does.
func AddSetting(tx *database.Tx, e *models.Endpoint, since time.Time) error {
	return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(models.NewEndpointSetting(e, since)).Error
}
