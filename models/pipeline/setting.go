package pipeline

import (
	"time"

	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

// AddSetting adds a line to the endpoint's history: what it is from since on, in
// the transaction of the change. A line of the same time is replaced. It fails if
// the database does.
func AddSetting(tx *database.Tx, e *models.Endpoint, since time.Time) error {
	return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(models.NewEndpointSetting(e, since)).Error
}
