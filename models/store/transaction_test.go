package store_test

import (
	"testing"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/database"

	"gorm.io/gorm"
)

// Two transactions hold a row each and ask for the other's. Whom the database
// chooses to end that does its work again, and nobody hears of it.
func TestTheVictimOfADeadlockRunsAgain(t *testing.T) {
	f := newFixture(t, storetest.Postgres(t))
	first, second := endpoint(t, f.tenant, nil), endpoint(t, f.tenant, nil)
	count := func(tx *gorm.DB, e *models.Endpoint) error {
		return tx.Exec("UPDATE endpoint_states SET failures = failures + 1 WHERE endpoint_id = ?", e.ID).Error
	}
	other := f.DB().WithContext(t.Context()).Begin()
	defer other.Rollback()
	must(t, other.Exec("SET LOCAL deadlock_timeout = '10min'").Error) // it is not the one who looks
	must(t, count(other, second))
	done, tries := make(chan error, 1), 0
	must(t, f.Transaction(t.Context(), func(tx *database.Tx) error {
		if tries++; tries > 1 {
			if err := <-done; err != nil {
				return err
			}
		}
		must(t, tx.Exec("SET LOCAL deadlock_timeout = '1ms'").Error)
		if err := count(tx.DB, first); err != nil {
			return err
		}
		if tries == 1 {
			go func() {
				err := count(other, first)
				if err == nil {
					err = other.Commit().Error
				}
				done <- err
			}()
			eventually(t, "the other's wait", func() bool {
				var waiting int
				must(t, f.DB().Raw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting).Error)
				return waiting == 1
			})
		}
		return count(tx.DB, second)
	}))
	for _, e := range []*models.Endpoint{first, second} {
		if failures := f.state(t, e).Failures; tries != 2 || failures != 2 {
			t.Errorf("after %d tries a row was written %d times, want each transaction once", tries, failures)
		}
	}
}
