package store

import (
	"context"

	"hookwell/models"
	"hookwell/webhook"
)

// readBy returns the organization as somebody of that role reads it: guests don't see
// people's addresses, wherever these stand. The mask lies here and not on pages,
// so that a page or a partial that is yet to come has it too.
func (t *Tenant) readBy(role models.Role) *Tenant {
	t.hidesAddresses = !role.May(models.RightOperate)
	return t
}

// forReader leaves people's addresses out of an event, if its reader may not
// see them.
func (t *Tenant) forReader(e *models.Event) *models.Event {
	if e != nil && t.hidesAddresses && e.Origin == models.OriginRelayed {
		e.Body, e.Relayed, e.Redacted = nil, nil, true // what a source received is for members
	} else if e != nil && t.hidesAddresses {
		e.Body, _ = webhook.RedactBody(e.Body)
		e.Redacted = true
	}
	return e
}

// attemptsForReader leaves them out of what was exchanged as well: receivers
// echo what they got.
func (t *Tenant) attemptsForReader(ctx context.Context, deliveryID string, attempts []models.Attempt) error {
	if !t.hidesAddresses || len(attempts) == 0 {
		return nil
	}
	var event models.Event
	err := t.rows(ctx).Select("body").Where("id = (?)", t.rows(ctx).Model(&models.Delivery{}).Select("event_id").Where("id = ?", deliveryID)).Limit(1).Find(&event).Error
	if err != nil {
		return err
	}
	_, hidden := webhook.RedactBody(event.Body)
	for i := range attempts {
		a := &attempts[i]
		a.RequestURL, a.Error, a.Note = hidden.Text(a.RequestURL), hidden.Text(a.Error), hidden.Text(a.Note)
		a.ResponseBody = hidden.Bytes(a.ResponseBody)
		for _, headers := range []models.Headers{a.RequestHeaders, a.ResponseHeaders} {
			for j := range headers {
				headers[j].Value = hidden.Text(headers[j].Value)
			}
		}
	}
	return nil
}
