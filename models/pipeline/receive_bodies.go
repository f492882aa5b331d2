package pipeline

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// dropStep is how many bodies one transaction drops.
const dropStep = 500

// DropBodies drops bodies, headers and queries of requests that are older than their
// sources keep these, refused requests included. The requests stay. One that waits to
// be processed keeps them until it was. It works in small steps that block nobody, and
// fails if the database does.
func (p *Engine) DropBodies(ctx context.Context) error {
	db := p.db.WithContext(ctx)
	var sources []struct {
		ID                string
		BodyRetentionDays int
		BodiesDroppedTo   string
	}
	err := db.Model(&models.Source{}).Select("id", "body_retention_days", "bodies_dropped_to").Where("body_retention_days > 0").Order("id").Scan(&sources).Error
	if err != nil {
		return fmt.Errorf("reading how long bodies are kept: %w", err)
	}
	for _, s := range sources {
		before := database.LowestID(models.PrefixRequest, p.clock.Now().AddDate(0, 0, -s.BodyRetentionDays))
		if err := p.dropBodiesOf(db, s.ID, s.BodiesDroppedTo, before); err != nil {
			return fmt.Errorf("dropping bodies: %w", err)
		}
	}
	return nil
}

// dropBodiesOf drops the bodies of a source's requests between two ids, and notes how
// far it got.
func (p *Engine) dropBodiesOf(db *gorm.DB, sourceID, from, before string) error {
	old := db.Where("source_id = ? AND id < ? AND body_dropped_at IS NULL", sourceID, before)
	if err := old.Session(&gorm.Session{}).Model(&models.RefusedRequest{}).UpdateColumns(p.dropped()).Error; err != nil {
		return err
	}
	if from >= before {
		return nil
	}
	// What is queued again meanwhile is locked by who queues it, and waits after that.
	some := old.Session(&gorm.Session{}).Model(&models.Request{}).Where("processing <> ?", models.ProcessingWaiting)
	for next := from; ; {
		var ids []string
		if err := some.Session(&gorm.Session{}).Where("id >= ?", next).Order("id").Limit(dropStep).Pluck("id", &ids).Error; err != nil {
			return err
		}
		if len(ids) == 0 {
			break
		}
		condition, parameter := p.db.Dialect.Among("id", ids)
		next = ids[len(ids)-1]
		done := some.Session(&gorm.Session{}).Where(condition, parameter).Where("id >= ? AND id <= ?", ids[0], next).UpdateColumns(p.dropped())
		if done.Error != nil {
			return done.Error
		}
		if len(ids) < dropStep {
			break
		}
		select {
		case <-time.After(pruneRest):
		case <-db.Statement.Context.Done():
			return db.Statement.Context.Err()
		}
	}
	var left []string // what waits
	if err := old.Session(&gorm.Session{}).Model(&models.Request{}).Where("id >= ?", from).Order("id").Limit(1).Pluck("id", &left).Error; err != nil {
		return err
	}
	if len(left) > 0 {
		before = left[0]
	}
	return db.Model(&models.Source{}).Where("id = ?", sourceID).UpdateColumn("bodies_dropped_to", before).Error
}

// dropped is what a request's row has once its body has gone.
func (p *Engine) dropped() map[string]any {
	return map[string]any{"body": []byte{}, "headers": models.Headers{}, "query": "", "body_dropped_at": p.clock.Now()}
}
