package pipeline

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"hookwell/models/database"
)

// ExpandOlder is ExpandLate at another time.
func (p *Engine) ExpandOlder(ctx context.Context, than time.Time) error {
	return p.expandOlder(ctx, than)
}

// LoseAnswers makes the database's answers to accepted groups be lost, after their
// commit, until the function that it returns is called.
func (p *Engine) LoseAnswers() (end func()) {
	kept := p.statements
	p.statements = losing{kept}
	return func() { p.statements = kept }
}

type losing struct{ statements }

func (l losing) writeIfUnchanged(db *gorm.DB, c *database.Clock, f *fanOut, p precondition, worker string) (written, error) {
	if wrote, err := l.statements.writeIfUnchanged(db, c, f, p, worker); err != nil || !wrote.ok {
		return wrote, err
	}
	return written{}, errors.New("the connection broke before the answer came")
}

// StandStill makes the last Attend longer ago.
func (p *Engine) StandStill(length time.Duration) { p.attended.Add(-int64(length)) }
