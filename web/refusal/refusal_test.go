package refusal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"hookwell/models"
)

func TestRefusal(t *testing.T) {
	t.Run("of_what_takes_too_long_is_503", func(t *testing.T) {
		if status, _ := Of(fmt.Errorf("reading: %w", context.DeadlineExceeded)); status != http.StatusServiceUnavailable {
			t.Errorf("status %d", status)
		}
	})
	t.Run("of_every_kind_has_a_status", func(t *testing.T) {
		for kind := models.Invalid; kind <= models.Outdated; kind++ {
			if statuses[kind] == 0 {
				t.Errorf("kind %d has none", kind)
			}
		}
	})
	t.Run("of_a_database_that_refuses_is_503", func(t *testing.T) {
		for code, want := range map[string]string{"53100": models.CodeStorageFull, "25006": models.CodeStorageReadOnly} {
			status, told := Of(fmt.Errorf("accepting events: %w", errors.Join(&pgconn.PgError{Code: code})))
			if status != http.StatusServiceUnavailable || told.Code != want || told.RetryAfter == 0 {
				t.Errorf("%s is told as %d %+v", code, status, told)
			}
		}
	})
}
