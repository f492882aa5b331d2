package pipeline

import (
	"errors"
	"fmt"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/webhook"
)

// misfit says that what a mapping makes doesn't fit its type.
type misfit struct {
	mapped *inbound.Mapped
	cause  error
}

// Unwrap returns the refusal, whose fields are those of the data.
func (e *misfit) Unwrap() error { return e.cause }

// Error returns the mapping, the type, and each field that doesn't fit.
func (e *misfit) Error() string {
	why := e.cause.Error()
	var refused *models.Error
	if errors.As(e.cause, &refused) && len(refused.Fields) > 0 {
		why = webhook.Faults(refused.Fields).Error()
	}
	return fmt.Sprintf("%s: what it makes doesn’t fit %s: %s", e.mapped.Mapping, e.mapped.Type, why)
}
