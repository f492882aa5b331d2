package models_test

import (
	"testing"
	"time"

	"hookwell/models"
)

func TestHealthOf(t *testing.T) {
	now := time.Date(2026, 4, 20, 14, 5, 0, 0, time.UTC)
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	enabled, disabled := &models.Endpoint{}, &models.Endpoint{DisabledAt: ago(time.Hour)}
	for name, c := range map[string]struct {
		endpoint         *models.Endpoint
		success, failure *time.Time
		want             models.Health
	}{
		"disabled_whatever_happened": {disabled, ago(time.Second), nil, models.HealthDisabled},
		"never_called_is_quiet":      {enabled, nil, nil, models.HealthQuiet},
		"two_days_of_nothing":        {enabled, ago(49 * time.Hour), ago(50 * time.Hour), models.HealthQuiet},
		"only_successes":             {enabled, ago(time.Minute), nil, models.HealthHealthy},
		"an_old_failure":             {enabled, ago(time.Minute), ago(2 * time.Hour), models.HealthHealthy},
		"only_failures":              {enabled, nil, ago(time.Minute), models.HealthFailing},
		"failing_since_days":         {enabled, ago(97 * time.Hour), ago(time.Minute), models.HealthFailing},
		"both_within_the_hour":       {enabled, ago(time.Minute), ago(2 * time.Minute), models.HealthDegraded},
		"a_first_failure":            {enabled, ago(2 * time.Minute), ago(time.Minute), models.HealthDegraded},
	} {
		t.Run(name, func(t *testing.T) {
			state := models.EndpointState{LastSuccessAt: c.success, LastFailureAt: c.failure}
			if got := models.HealthOf(c.endpoint, state, nil, now); got != c.want {
				t.Errorf("%s, not %s", got, c.want)
			}
		})
	}
}
