package pipeline

import (
	"time"

	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

// AddHistory adds a row to the endpoint's history, valid from since on, in the
// transaction of the change. It replaces a row of the same time. It fails if the
// database does.
func AddHistory(tx *database.Tx, e *models.Endpoint, since time.Time) error {
	return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(models.NewEndpointHistory(e, since)).Error
}
