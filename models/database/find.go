package database

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"hookwell/models"
)

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	pool, err := db.DB.DB()
	if err != nil {
		return err
	}
	return pool.PingContext(ctx)
}

// Find reads one row, or says that there is no such noun.
func Find[T any](query *gorm.DB, noun string) (*T, error) {
	var row T
	err := query.Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, models.NewNotFound(noun)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the %s: %w", noun, err)
	}
	return &row, nil
}
