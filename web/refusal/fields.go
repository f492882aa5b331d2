package refusal

import (
	"errors"

	"hookwell/models"
	"hookwell/webhook"
)

// OfField returns the Invalid error of one field.
func OfField(field, message string) error {
	return OfFields(webhook.Faults{{Field: field, Message: message}})
}

// OfFields returns the Invalid error of several fields, the first
// webhook.MaxFaults of them.
func OfFields(faults webhook.Faults) error {
	return &models.Error{Kind: models.Invalid, Code: "invalid", Message: "Some of what was sent needs a change.", Fields: faults.Cut(webhook.MaxFaults)}
}

// Join returns one error for the faults of a body and an error found beside them,
// so that the client gets all at once. If err is not a fault of a field, such as
// an unknown organization, Join returns err alone.
func Join(faults webhook.Faults, err error) error {
	var known *models.Error
	switch {
	case len(faults) == 0:
		return err
	case err == nil:
		return OfFields(faults)
	case errors.As(err, &known) && known.Kind == models.Invalid:
		return OfFields(append(faults, known.Fields...))
	}
	return err
}
