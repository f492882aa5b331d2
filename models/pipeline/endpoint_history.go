package pipeline

import (
	"time"

	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

// AddHistory adds a line to the endpoint's history: what it is from since on, in
// the transaction of the change. A line of the same time is replaced. It fails if
// the database does.
func AddHistory(tx *database.Tx, e *models.Endpoint, since time.Time) error {
	return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(models.NewEndpointHistory(e, since)).Error
}
