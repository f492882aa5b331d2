package store

import (
	"slices"
	"strings"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

// move is a change of an endpoint's URL to another origin.
type move struct {
	headers []string       // that are left behind
	again   webhook.Secret // sent again, to be kept; zero if none was
}

// move settles which own headers the endpoint has after the edit. It is nil if
// the URL's origin stays.
func (t *Tenant) move(e *models.Endpoint, in *models.EndpointInput) (*move, error) {
	url := strings.TrimSpace(in.URL)
	moves := url != e.URL && !webhook.SameOrigin(e.URL, url)
	if !moves && !in.Secret.IsZero() {
		return nil, models.InvalidField("secret", "An endpoint’s secret is changed by rotating it.")
	}
	if !moves && in.HeaderEdit == nil {
		return nil, nil
	}
	kept, err := t.store.engine.OwnHeaders(e)
	if err != nil {
		return nil, models.UnusableSecret()
	}
	if !moves {
		in.Headers = in.HeaderEdit.Apply(kept)
		return nil, nil
	}
	m := &move{again: in.Secret}
	in.Secret = webhook.Secret{}
	if in.Headers != nil && in.HeaderEdit == nil {
		return m, nil // all of them were sent
	}
	edit := models.HeaderEdit{}
	if in.HeaderEdit != nil {
		edit = *in.HeaderEdit
	}
	in.Headers = edit.Apply(nil)
	for _, header := range kept {
		named := func(name string) bool { return strings.EqualFold(name, header.Name) }
		sent := func(h webhook.Header) bool { return named(h.Name) }
		if !slices.ContainsFunc(edit.Set, sent) && !slices.ContainsFunc(edit.Remove, named) {
			m.headers = append(m.headers, header.Name)
		}
	}
	return m, nil
}

// leaveBehind ends the imported secrets of an endpoint that moved, but for one
// that was sent again, and makes one in place of the newest. The endpoint's row
// is locked.
func (t *Tenant) leaveBehind(tx *database.Tx, e *models.Endpoint, m *move) (models.Moved, error) {
	if m == nil {
		return models.Moved{}, nil
	}
	moved := models.Moved{Headers: m.headers}
	rows, err := t.inForce(tx, e)
	if err != nil {
		return moved, err
	}
	known := m.again.IsZero()
	var ending []models.EndpointSecret
	for _, row := range rows {
		switch {
		case !m.again.IsZero() && t.store.anyIs([]models.EndpointSecret{row}, m.again):
			known = true
		case row.Imported:
			ending = append(ending, row)
		}
	}
	if !known {
		return moved, models.InvalidField("secret", "The endpoint has another secret. Enter the one that was imported, or leave it empty for a new one.")
	}
	if len(ending) == 0 {
		return moved, nil
	}
	now := database.StrictlyAfter(t.store.clock.Now(), rows[0].CreatedAt)
	if err := t.within(tx.DB).Model(&models.EndpointSecret{}).Where("id IN ?", secretIDs(ending)).Update("expires_at", now).Error; err != nil {
		return moved, err
	}
	if ending[0].ID != rows[0].ID {
		return moved, nil
	}
	row, secret := t.newSecret(e, webhook.Secret{}, now)
	if err := tx.Create(row).Error; err != nil {
		return moved, err
	}
	moved.Secret = secret
	return moved, t.audit(tx, "endpoint.secret_rotated", e.ID, e.Title(), "a URL of another origin ended the imported one")
}
