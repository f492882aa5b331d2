package inbound

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Item is one event of a request: the whole request, or one element of a batch.
type Item struct {
	ID   string // the provider's id of the item; "" if it has none
	Type string
	Time time.Time
	Test bool
	Body []byte // the item's JSON; nil if the request's contents aren't JSON
}

// MaxItems is how many items of a batch are read.
const MaxItems = 1000

// batchRule says where the items of a batch are.
type batchRule struct {
	// Items is a path with [*]. What follows the last [*] is the item.
	Items string `json:"items"`

	// Single says that a batch of one has the type of its item.
	Single bool         `json:"single,omitempty"`
	Item   identityRule `json:"item"`

	path path
	read *identityReader
}

// identifyBatch says of a request that it is a batch, or takes the identity of
// its one item.
func (v *Verifier) identifyBatch(identity *Identity, document []byte) {
	rule := v.provider.batch
	identity.Batch = true
	items, err := rule.split(document)
	if err != nil || len(items) != 1 || !rule.Single {
		identity.Type = ""
		return
	}
	item := rule.read.read(&Request{}, items[0])
	identity.Batch, identity.Type = false, item.Type
	if identity.ID == "" {
		identity.ID, identity.IDSigned = item.ID, item.IDSigned
	}
	if identity.Time.IsZero() {
		identity.Time = item.Time
	}
}

// Batches reports whether the provider may send several items in one request.
func (v *Verifier) Batches() bool { return v.provider.batch != nil }

// Items splits a request into its items: one, unless the provider batches. Its
// error is a sentence for people: the batch can't be read, or has more than
// MaxItems.
func (v *Verifier) Items(request *Request) ([]Item, error) {
	document := request.document()
	rule := v.provider.batch
	if rule == nil {
		identity := v.identity(request).read(request, document)
		return []Item{newItem(identity, document)}, nil
	}
	parts, err := rule.split(document)
	if err != nil {
		return nil, err
	}
	whole := v.identity(request).read(request, document)
	items := make([]Item, len(parts))
	for i, part := range parts {
		items[i] = newItem(rule.read.read(&Request{}, part), part)
		if items[i].Time.IsZero() {
			items[i].Time = whole.Time
		}
		items[i].Test = items[i].Test || whole.Test
	}
	return items, nil
}

func newItem(identity Identity, body []byte) Item {
	return Item{ID: externalText(identity.ID, MaxExternalID), Type: externalText(identity.Type, MaxExternalType), Time: identity.Time, Test: identity.Test, Body: body}
}

var errNoBatch = sentence("The body isn't the list of events that this provider sends.")

// split returns the items of a document.
func (r *batchRule) split(document []byte) ([]jsontext.Value, error) {
	items := []jsontext.Value{document}
	if document == nil {
		return nil, errNoBatch
	}
	for _, s := range r.path {
		var next []jsontext.Value
		for _, item := range items {
			parts, err := stepInto(item, s)
			if err != nil {
				return nil, err
			}
			next = append(next, parts...)
			if len(next) > MaxItems {
				return nil, sentence(fmt.Sprintf("The request has more than %d events.", MaxItems))
			}
		}
		items = next
	}
	return items, nil
}

// stepInto takes one step of a path, which leads to several values for [*].
func stepInto(value jsontext.Value, s step) ([]jsontext.Value, error) {
	if s.index != every {
		f := &finder{}
		f.add(path{s})
		found, err := f.find(value)
		if err != nil || found[0] == nil {
			return nil, errNoBatch
		}
		return found, nil
	}
	if value.Kind() != '[' {
		return nil, errNoBatch
	}
	return elements(value)
}
