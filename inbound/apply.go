package inbound

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hookwell/webhook"
)

// Mapped is one event of the catalog that an item becomes.
type Mapped struct {
	Mapping string // the mapping's name
	Type    string // of the catalog

	// Identity is, with the organization and the source, what makes two items the
	// same event. The mapping's stable name is part of it: several mappings may
	// share one on purpose. At most 255 bytes.
	Identity string

	OccurredAt time.Time // the provider's time; zero if it gives none
	Test       bool
	Payment    *Payment // what the event says of a payment's money; nil if it says nothing

	data map[string]any
	late map[string]string
}

// Payment is what one event adds to what a source knows of a payment. Keep per
// organization, source and ID the amount that was paid and the sum of the refunds,
// and add each event once.
type Payment struct {
	ID     string
	Paid   *int64 // the amount paid, in minor units
	Refund *int64 // the amount of this refund, in minor units
}

// PaymentTotal is what a source knows of a payment, with the event's own Payment
// already added.
type PaymentTotal struct {
	Paid     *int64 // nil if no event said it
	Refunded int64
}

// Data returns the event's data. total matters only if Payment has a Refund. While
// nobody knows what was paid, the amount is the sum refunded so far, as at least
// that was paid, and the status is partially_refunded. Whether the data fits the
// catalog's schema is for the caller to check.
func (m *Mapped) Data(total PaymentTotal) (json.RawMessage, error) {
	data := m.data
	if len(m.late) > 0 {
		data = make(map[string]any, len(m.data)+len(m.late))
		for name, value := range m.data {
			data[name] = value
		}
		for name, word := range m.late {
			data[name] = total.value(word)
		}
	}
	var out bytes.Buffer
	for _, name := range sorted(data) {
		separator := byte(',')
		if out.Len() == 0 {
			separator = '{'
		}
		out.WriteByte(separator)
		if err := writeMember(&out, name, data[name]); err != nil || out.Len() > maxMappedData {
			return nil, &MappingError{Mapping: m.Mapping, Field: "data." + name, Message: "is too large, or can't be written as JSON"}
		}
	}
	if out.Len() == 0 {
		out.WriteByte('{')
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// maxMappedData is beyond what any event's data may have. Many fields could each
// hold the whole body.
const maxMappedData = 4 * webhook.MaxData

func writeMember(out *bytes.Buffer, name string, value any) error {
	for i, part := range []any{name, value} {
		if i > 0 {
			out.WriteByte(':')
		}
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(part); err != nil {
			return err
		}
		out.Truncate(out.Len() - 1) // the line break
	}
	return nil
}

func (t PaymentTotal) value(word string) any {
	paid := t.Refunded
	if t.Paid != nil {
		paid = *t.Paid
	}
	switch word {
	case latePaid:
		return paid
	case lateRefunded:
		return t.Refunded
	}
	if t.Paid != nil && t.Refunded >= paid {
		return "refunded"
	}
	return "partially_refunded"
}

// Outcome says what became of an item. Its text is the API's value.
type Outcome string

// The outcomes.
const (
	OutcomeMapped   Outcome = "mapped"
	OutcomeFiltered Outcome = "filtered" // a mapping is for its type, but its condition is false
	OutcomeUnmapped Outcome = "unmapped" // no mapping is for its type
	OutcomeNotJSON  Outcome = "not_json" // it has no type, and no mapping can read it
	OutcomeFailed   Outcome = "failed"
)

// Result is what one item becomes.
type Result struct {
	Outcome Outcome
	Events  []Mapped
	False   []string // the mappings whose condition is false, if the outcome is OutcomeFiltered
	Err     error    // a *MappingError if the outcome is OutcomeFailed
}

// MappingError says where a mapping failed. Its text is for people. It wraps
// context.DeadlineExceeded if the request's time was over, and context.Canceled if
// the caller's context was: then the mapping may be right, and mapping the request
// again may succeed.
type MappingError struct {
	Mapping string // its name
	Field   string // "when", "mappings[0].data.amount"
	Message string

	cause error
}

// Unwrap returns why there was no time left, or nil.
func (e *MappingError) Unwrap() error { return e.cause }

// errNoTime is what an expression fails with when the request's time is over.
type errNoTime struct{ error }

func (errNoTime) Error() string {
	return fmt.Sprintf("took longer than the %d ms that a request's events have together", MappingTime.Milliseconds())
}
func (e errNoTime) Unwrap() error { return e.error }

// Error returns the mapping, the field and what is wrong with it.
func (e *MappingError) Error() string { return e.Mapping + ": " + e.Field + ": " + e.Message }

// evaluation is one item on its way through the mappings.
type evaluation struct {
	ctx     context.Context
	item    *Item
	body    any
	headers map[string]string
	vars    map[string]any
}

func (e *evaluation) variables() map[string]any {
	if e.vars == nil {
		e.vars = map[string]any{"body": e.body, "headers": e.headers, "type": e.item.Type}
	}
	return e.vars
}

// decodeTree decodes JSON with numbers as their text.
func decodeTree(text []byte) (tree any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err = decoder.Decode(&tree)
	return tree, err
}

// mappingTime is MappingTime, but in tests that may be held up for longer.
var mappingTime = MappingTime

// Apply maps the items of one request, each by itself: an item becomes all its
// events or none. Results are in the items' order. All items together have
// MappingTime and become at most MaxMappedEvents; items beyond either fail.
// headers are the request's; those with credentials are left out.
func (m *Mappings) Apply(ctx context.Context, headers []Header, items []Item) []Result {
	results := make([]Result, len(items))
	if !m.anyFor(items) {
		for i := range results {
			results[i].Outcome = items[i].unmapped()
		}
		return results
	}
	ctx, cancel := context.WithTimeout(ctx, mappingTime)
	defer cancel()
	visible := visibleHeaders(headers)
	left := MaxMappedEvents
	for i := range items {
		results[i] = m.item(ctx, visible, &items[i], left)
		left -= len(results[i].Events)
	}
	return results
}

// visibleHeaders are the headers that conditions see.
func visibleHeaders(headers []Header) map[string]string {
	visible := map[string]string{}
	for _, header := range headers {
		name := strings.ToLower(header.Name)
		if _, has := visible[name]; has || name == "authorization" || name == "cookie" || strings.Contains(name, "token") || strings.Contains(name, "signature") {
			continue
		}
		visible[name] = header.Value
	}
	return visible
}

// unmapped returns the outcome of an item that no mapping is for.
func (i *Item) unmapped() Outcome {
	if i.Type == "" && i.Body == nil {
		return OutcomeNotJSON
	}
	return OutcomeUnmapped
}

func (m *Mappings) item(ctx context.Context, headers map[string]string, item *Item, left int) Result {
	result := Result{Outcome: item.unmapped()}
	e := &evaluation{ctx: ctx, item: item, headers: headers}
	var took []string
	for _, mapping := range m.list {
		if !mapping.isFor(item.Type) {
			continue
		}
		if ctx.Err() != nil {
			return failed(mapping, errNoTime{ctx.Err()})
		}
		if e.body == nil {
			var err error
			if e.body, err = decodeTree(item.Body); err != nil {
				return failed(mapping, &MappingError{Field: "body", Message: "isn't JSON"})
			}
		}
		if result.Outcome != OutcomeMapped {
			result.Outcome = OutcomeFiltered
		}
		if mapping.yields(took) {
			continue
		}
		event, err := mapping.apply(e)
		if err != nil {
			return failed(mapping, err)
		}
		if event == nil {
			result.False = append(result.False, mapping.name)
			continue
		}
		if len(result.Events) == left {
			return failed(mapping, &MappingError{Field: "mappings", Message: fmt.Sprintf("the request becomes more than %d events", MaxMappedEvents)})
		}
		result.Outcome, took = OutcomeMapped, append(took, mapping.name)
		result.Events = append(result.Events, *event)
	}
	if result.Outcome != OutcomeFiltered {
		result.False = nil
	}
	return result
}

func failed(m *mapping, err error) Result {
	var at *MappingError
	if !errors.As(err, &at) {
		at = mappingError("mappings", err)
	}
	return Result{Outcome: OutcomeFailed, Err: &MappingError{Mapping: m.name, Field: at.Field, Message: at.Message, cause: at.cause}}
}

// mappingError returns an error at a field, and keeps why there was no time.
func mappingError(field string, err error) *MappingError {
	wrapped := &MappingError{Field: field, Message: err.Error()}
	var late errNoTime
	if errors.As(err, &late) {
		wrapped.cause = late.error
	}
	return wrapped
}

// anyFor reports whether there is a mapping for one of the items.
func (m *Mappings) anyFor(items []Item) bool {
	return slices.ContainsFunc(m.list, func(one *mapping) bool {
		return slices.ContainsFunc(items, func(item Item) bool { return one.isFor(item.Type) })
	})
}

func (m *mapping) isFor(kind string) bool {
	return slices.Contains(m.events, kind) || slices.Contains(m.events, "*")
}

// yields reports whether an earlier mapping that this one leaves the item to took
// it.
func (m *mapping) yields(took []string) bool {
	return slices.ContainsFunc(m.unless, func(name string) bool { return slices.Contains(took, name) })
}

// apply returns the event, or nil if the mapping's condition is false.
func (m *mapping) apply(e *evaluation) (*Mapped, error) {
	if m.when != nil {
		holds, err := m.when.eval(e)
		if err != nil {
			return nil, mappingError("when", err)
		}
		switch holds {
		case false:
			return nil, nil
		case true:
		default:
			return nil, &MappingError{Field: "when", Message: "is neither true nor false"}
		}
	}
	event := &Mapped{Mapping: m.name, Type: m.kind, OccurredAt: e.item.Time, Test: e.item.Test, data: map[string]any{}, late: m.late}
	for name, value := range m.data {
		found, err := value.eval(e)
		if err != nil {
			return nil, err
		}
		if _, none := found.(absent); !none {
			event.data[name] = found
		}
	}
	var err error
	if event.Identity, err = m.identify(e); err != nil {
		return nil, err
	}
	if event.Payment, err = m.money(e); err != nil {
		return nil, err
	}
	return event, m.date(e, event)
}

// identify returns what makes two items the same event: the values that the
// mapping names, or else the provider's id, or else the item's bytes.
func (m *mapping) identify(e *evaluation) (string, error) {
	parts := []string{m.same}
	for _, value := range m.identity {
		found, err := value.eval(e)
		if err != nil {
			return "", err
		}
		if _, none := found.(absent); none {
			return "", value.error("is missing, and tells one event from another")
		}
		parts = append(parts, textOf(found))
	}
	if len(m.identity) == 0 {
		id := e.item.ID
		if id == "" {
			sum := sha256.Sum256(e.item.Body)
			id = hex.EncodeToString(sum[:])
		}
		parts = append(parts, id)
	}
	return externalText(strings.Join(parts, ":"), MaxExternalID), nil
}

// money returns what the event says of a payment.
func (m *mapping) money(e *evaluation) (*Payment, error) {
	if m.payment == nil {
		return nil, nil
	}
	id, err := m.payment.id.eval(e)
	if err != nil {
		return nil, err
	}
	if _, none := id.(absent); none {
		return nil, m.payment.id.error("is missing")
	}
	payment := &Payment{ID: externalText(textOf(id), MaxExternalID)}
	amount, into := m.payment.paid, &payment.Paid
	if m.payment.refund != nil {
		amount, into = m.payment.refund, &payment.Refund
	}
	found, err := amount.eval(e)
	if err != nil {
		return nil, err
	}
	whole, err := integer(found)
	if err != nil || whole.(int64) < 0 {
		return nil, amount.error("isn't an amount in minor units")
	}
	n := whole.(int64)
	*into = &n
	return payment, nil
}

// date sets the event's time, if the mapping has an own place for it.
func (m *mapping) date(e *evaluation, event *Mapped) error {
	if m.occurredAt == nil {
		return nil
	}
	found, err := m.occurredAt.eval(e)
	if err != nil {
		return err
	}
	if _, none := found.(absent); none {
		return nil
	}
	if event.OccurredAt = parseExternalTime(textOf(found), "rfc3339"); event.OccurredAt.IsZero() {
		return m.occurredAt.error("isn't a time as RFC 3339 writes it")
	}
	return nil
}
