package pipeline

import (
	"fmt"

	"hookwell/models"
	"hookwell/models/database"
)

// notify opens a notice in the place of the endpoint's last.
func (p *Engine) notify(tx *database.Tx, n models.Notice) error {
	if err := p.EndNotices(tx, n.EndpointID); err != nil {
		return err
	}
	n.CreatedAt = p.clock.Now()
	n.ID = p.clock.NewID(models.PrefixNotice, n.CreatedAt)
	if err := tx.Create(&n).Error; err != nil {
		return fmt.Errorf("opening a notice: %w", err)
	}
	return nil
}

// EndNotices ends the endpoint's open notices.
func (p *Engine) EndNotices(tx *database.Tx, endpointID string) error {
	return tx.Model(&models.Notice{}).Where("endpoint_id = ? AND ended_at IS NULL", endpointID).Update("ended_at", p.clock.Now()).Error
}
