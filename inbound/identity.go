package inbound

import "time"

// Dedupe says by what a repeated request is known. Its text is the API's value.
type Dedupe string

// The rules.
const (
	DedupeID         Dedupe = "id"           // the provider's id
	DedupeBody       Dedupe = "body"         // the body's SHA-256
	DedupeIDOrBody   Dedupe = "id_or_body"   // either of them
	DedupeIDWithBody Dedupe = "id_with_body" // both together: one id may come with several bodies
	DedupeNone       Dedupe = "none"         // every request is new
)

// Dedupes lists the rules.
func Dedupes() []Dedupe {
	return []Dedupe{DedupeID, DedupeBody, DedupeIDOrBody, DedupeIDWithBody, DedupeNone}
}

// Key is one key of a request. Two requests of a source that share a key are the
// same. Write all keys of a request or none.
type Key struct {
	Kind string   // why it is a duplicate: "id", "body", "id_with_body", "token"
	Hash [32]byte // SHA-256 of the kind and the value
}

// Identity is what a request says it is.
type Identity struct {
	ID       string // the provider's id; "" if it has none, at most 255 bytes
	IDSigned bool   // whether the signature covers it
	Type     string // the provider's type; "" if it has none, at most 255 bytes
	Batch    bool   // whether several items came in one request
	Time     time.Time
	Test     bool // whether the provider says that it is from its test mode
	Keys     []Key
}

type (
	identityRule     struct{}
	batchRule        struct{}
	organizationRule struct{}
	valueRule        struct{}
)

// Identify reads what a request says it is. Call it after Verify, with its state:
// an unverified request has no keys. It never fails: what can't be read is left
// empty.
func (v *Verifier) Identify(request *Request, state State) Identity { return Identity{} }

// RelayType returns the event type as which a source relays a request:
// "stripe.invoice.paid", "sendgrid.batch", "hook.received".
func (i Identity) RelayType(slug string) string { return slug + ".received" }

// Item is one event of a request: the whole request, or one element of a batch.
type Item struct {
	ID   string
	Type string
	Time time.Time
	Test bool
	Body []byte // JSON of the item
}

// MaxItems is how many items of a batch are read.
const MaxItems = 1000

// Items splits a request into its items: one, unless the provider batches. Its
// error is a sentence for people: the batch can't be read, or has more than
// MaxItems.
func (v *Verifier) Items(request *Request) ([]Item, error) { return nil, nil }
