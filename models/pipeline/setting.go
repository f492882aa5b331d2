package pipeline

import (
	"time"

	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

// AddSetting adds a line to the endpoint's history: what it is from since on, in
// the transaction of the change. A line of the same time is replaced. It fails if
// the database does.
func AddSetting(tx *database.Tx, e *models.Endpoint, since time.Time) error {
	return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(models.NewEndpointSetting(e, since)).Error
}

// NoteSettings is AddSetting, for callers that have its earlier name.
func NoteSettings(tx *database.Tx, e *models.Endpoint, since time.Time) error {
	return AddSetting(tx, e, since)
}

// Later is database.StrictlyAfter, for callers that have its earlier name.
func Later(now, before time.Time) time.Time { return database.StrictlyAfter(now, before) }

// EndWork is Engine.EndDeliveriesTo, for callers that have its earlier name.
func (p *Engine) EndWork(tx *database.Tx, endpointIDs []string, state models.State, cause webhook.Cause) error {
	return p.EndDeliveriesTo(tx, endpointIDs, state, cause)
}
