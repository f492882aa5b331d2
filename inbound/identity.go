package inbound

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	jsonx "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Dedupe says by what a repeated request is known. Its text is the API's value.
type Dedupe string

// The rules.
const (
	DedupeID         Dedupe = "id"           // the provider's id
	DedupeBody       Dedupe = "body"         // the body's SHA-256
	DedupeIDOrBody   Dedupe = "id_or_body"   // either of them: the id isn't signed, and bodies are unique
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
	Kind string   // why it is a duplicate: "id", "body", "id_with_body" or "token"
	Hash [32]byte // SHA-256 of the kind and the value
}

func newKey(kind, value string) Key {
	return Key{kind, sha256.Sum256([]byte(kind + "\x00" + value))}
}

// Identity is what a request says it is.
type Identity struct {
	ID       string // the provider's id; "" if it has none
	IDSigned bool   // whether the signature covers it
	Type     string // the provider's type; "" if it has none, and for a batch
	Batch    bool   // whether the request may have several items
	Time     time.Time
	Test     bool // whether the provider says that it comes from its test mode
	Keys     []Key
}

// Limits of what is kept of a request's identity, in bytes.
const (
	MaxExternalID   = 255
	MaxExternalType = 255
	maxRelayType    = 128
)

// identityRule says where an identity is found.
type identityRule struct {
	ID   placeRule `json:"id"`
	Type placeRule `json:"type"`
	Time timeRule  `json:"time"`
	Test *testRule `json:"test"`
}

// placeRule names places, each header:NAME or a path. First takes the first that
// is there, Join joins all that are there.
type placeRule struct {
	First []string `json:"first,omitempty"`
	Join  []string `json:"join,omitempty"`
}

type timeRule struct {
	First []string `json:"first,omitempty"`
	Unit  string   `json:"unit,omitempty"` // s, ms or rfc3339; a number of seconds may have a fraction here
}

// testRule says how a request of the provider's test mode is known.
type testRule struct {
	Path   string `json:"path"`
	Equals string `json:"equals"`
}

// place is a compiled place.
type place struct {
	header string // or the path of a number in the finder
	number int
	signed bool
}

// identityReader reads identities in one pass over the document.
type identityReader struct {
	finder   finder
	id, kind []place
	idJoin   bool
	kindJoin bool
	time     []place
	unit     string
	test     place
	equals   string
}

// reader compiles the rule for a scheme, which decides what is signed. The rule
// was checked as it was loaded.
func (r identityRule) reader(scheme Scheme, code string) *identityReader {
	read := &identityReader{unit: r.Time.Unit, idJoin: len(r.ID.Join) > 0, kindJoin: len(r.Type.Join) > 0}
	compile := func(list []string) (places []place) {
		for _, text := range list {
			if header, ok := strings.CutPrefix(text, "header:"); ok {
				places = append(places, place{header: header, signed: strings.Contains(strings.ToLower(scheme.Message), "{header:"+strings.ToLower(header)+"}")})
			} else if p, err := parsePath(text); err == nil {
				places = append(places, place{number: read.finder.add(p), signed: scheme.signs() && code == "" || code == "twilio"})
			}
		}
		return places
	}
	read.id = compile(slices.Concat(r.ID.First, r.ID.Join))
	read.kind = compile(slices.Concat(r.Type.First, r.Type.Join))
	read.time = compile(r.Time.First)
	if r.Test != nil {
		read.test, read.equals = compile([]string{r.Test.Path})[0], r.Test.Equals
	}
	return read
}

// inFamily returns the rule with the prefix of its headers' names replaced.
func (r identityRule) inFamily(from, to string) identityRule {
	rename := func(list []string) (renamed []string) {
		for _, text := range list {
			renamed = append(renamed, strings.Replace(text, "header:"+from, "header:"+to, 1))
		}
		return renamed
	}
	r.ID.First, r.Type.First = rename(r.ID.First), rename(r.Type.First)
	return r
}

// read fills in an identity from a request's headers and its document, which is
// nil if the body isn't JSON.
func (r *identityReader) read(headers *Request, document []byte) (identity Identity) {
	var values []jsontext.Value
	if document != nil && r.finder.count > 0 {
		values, _ = r.finder.find(document)
	}
	text := func(p place) (found string) {
		if p.header != "" {
			found, _ = headers.header(p.header)
		} else if p.number < len(values) {
			found, _ = scalarText(values[p.number])
		}
		return found
	}
	collect := func(places []place, join bool, separator string) (string, bool) {
		var parts []string
		signed := true
		for _, p := range places {
			if part := text(p); part != "" {
				parts, signed = append(parts, part), signed && p.signed
				if !join {
					break
				}
			}
		}
		return strings.Join(parts, separator), signed
	}
	identity.ID, identity.IDSigned = collect(r.id, r.idJoin, ":")
	identity.Type, _ = collect(r.kind, r.kindJoin, ".")
	at, _ := collect(r.time, false, "")
	identity.Time = parseExternalTime(at, r.unit)
	if r.equals != "" {
		identity.Test = text(r.test) == r.equals
	}
	return identity
}

// parseExternalTime reads a provider's time, which isn't proven and therefore
// read with less strictness than a signed one. It returns the zero time if the
// text has another form.
func parseExternalTime(text, unit string) time.Time {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return sane(at) // also where numbers are usual: Stripe's thin events
	}
	whole, fraction, _ := strings.Cut(text, ".")
	at, ok := parseTimestamp(whole, unit)
	if !ok {
		return time.Time{}
	}
	if n, err := strconv.ParseFloat("0."+fraction, 64); err == nil && unit == "s" && fraction != "" {
		at = at.Add(time.Duration(n * float64(time.Second)).Truncate(time.Microsecond))
	}
	return sane(at)
}

// sane returns a time that a database and JSON can hold, or the zero time.
func sane(at time.Time) time.Time {
	if at = at.UTC(); at.Year() < 1970 || at.Year() > 9999 {
		return time.Time{}
	}
	return at
}

// Identify reads what a request says it is. Call it after Verify, with its state.
// It never fails: what can't be read is left empty. A request without an id has
// no key of one.
func (v *Verifier) Identify(request *Request, state State) Identity {
	document := request.contents()
	if v.provider.batch != nil {
		document = request.document()
	}
	identity := v.identity(request).read(request, document)
	if v.provider.batch != nil {
		v.identifyBatch(&identity, document)
	}
	identity.ID, identity.Type = externalText(identity.ID, MaxExternalID), externalText(identity.Type, MaxExternalType)
	if state == Verified || state == Authenticated {
		identity.Keys = v.keys(request, identity)
	}
	return identity
}

// keys returns the request's keys by the source's rule.
func (v *Verifier) keys(request *Request, identity Identity) []Key {
	var keys []Key
	if v.code != nil {
		keys = v.code.keys(request)
	}
	body := func() string {
		sum := sha256.Sum256(request.Body)
		return hex.EncodeToString(sum[:])
	}
	rule := v.dedupe
	if identity.ID != "" && (rule == DedupeID || rule == DedupeIDOrBody) {
		keys = append(keys, newKey("id", identity.ID))
	}
	if identity.ID != "" && rule == DedupeIDWithBody {
		keys = append(keys, newKey("id_with_body", identity.ID+"\x00"+body()))
	}
	if rule == DedupeBody || rule == DedupeIDOrBody {
		keys = append(keys, newKey("body", body()))
	}
	return keys
}

// externalText makes text of a stranger fit to keep: valid, without control
// characters. What is too long keeps its beginning and gets a hash, so that two
// long texts stay two.
func externalText(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return '_'
		}
		return r
	}, text)
	if len(text) <= most {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	cut := most - 33
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "~" + hex.EncodeToString(sum[:16])
}

// document returns the request's contents if they are JSON, and otherwise nil.
func (r *Request) document() []byte {
	document := r.contents()
	if len(document) == 0 || !jsontext.Value(document).IsValid() {
		return nil
	}
	return document
}

// contents returns the body, or a form's contents as JSON. A form with a field
// "payload" of JSON is that field's value, as GitHub and Slack send it; another
// form is an object of its fields. A body that isn't a form may be anything.
func (r *Request) contents() []byte {
	if !r.isForm() {
		return r.Body
	}
	values, err := url.ParseQuery(string(r.Body))
	if err != nil || len(values) > maxFormFields {
		return nil
	}
	if payload := values["payload"]; len(payload) == 1 && jsontext.Value(payload[0]).IsValid() {
		return []byte(payload[0])
	}
	fields := make(map[string]any, len(values))
	for name, list := range values {
		fields[name] = list[0]
		if len(list) > 1 {
			fields[name] = list
		}
	}
	document, err := jsonx.Marshal(fields, jsonx.Deterministic(true))
	if err != nil {
		return nil
	}
	return document
}

// RelayType returns the event type as which a source relays a request:
// "stripe.invoice.paid"; "sendgrid.batch" for a batch, and "hook.received"
// without a type.
func (i Identity) RelayType(slug string) string {
	name := "received"
	if i.Batch {
		name = "batch"
	}
	var kind strings.Builder
	gap := false
	for _, r := range strings.ToLower(i.Type) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' {
			if gap && r != '.' && kind.Len() > 0 {
				kind.WriteByte('_')
			}
			kind.WriteRune(r)
			gap = false
		} else {
			gap = true
		}
	}
	if text := strings.Trim(collapseDots(kind.String()), "."); text != "" {
		name = text
	}
	full := slug + "." + name
	if len(full) > maxRelayType {
		full = strings.TrimRight(full[:maxRelayType], "._")
	}
	return full
}

// collapseDots makes one dot of several, since a type's words aren't empty.
func collapseDots(text string) string {
	for strings.Contains(text, "..") {
		text = strings.ReplaceAll(text, "..", ".")
	}
	return text
}
