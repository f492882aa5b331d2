package refusal

import (
	"errors"

	"hookwell/models"
	"hookwell/webhook"
)

// Join returns one error for the faults of a body and an error found beside them,
// so that the client gets all at once. If err is not a fault of a field, such as
// an unknown organization, Join returns err alone.
func Join(faults webhook.Faults, err error) error {
	var known *models.Error
	switch {
	case len(faults) == 0:
		return err
	case err == nil:
		return models.NewInvalid(faults)
	case errors.As(err, &known) && known.Kind == models.Invalid:
		return models.NewInvalid(append(faults, known.Fields...))
	}
	return err
}
