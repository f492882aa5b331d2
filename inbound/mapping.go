package inbound

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	jsonx "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"hookwell/webhook"
)

// Limits of mappings.
const (
	MaxMappingBytes = 64 << 10               // of one mapping's JSON
	MaxMappings     = 50                     // of one source
	MappingTime     = 100 * time.Millisecond // for all of a request's items, preview included
	MaxMappedEvents = 1000                   // of one request
	maxMappedTypes  = 100                    // provider types that one mapping is for
)

// mappingData is one mapping as people write it.
type mappingData struct {
	Name       string                    `json:"name"`             // stable; it is part of what makes two items the same event
	Events     []string                  `json:"events"`           // the provider's types, or "*"
	When       string                    `json:"when,omitempty"`   // CEL; without one every item of the types is mapped
	Unless     []string                  `json:"unless,omitempty"` // earlier mappings: if one of them took the item, this one doesn't
	Type       string                    `json:"type"`             // of the catalog
	Same       string                    `json:"same,omitempty"`   // in place of the name in the identity, so that several mappings share it
	Identity   []jsontext.Value          `json:"identity,omitempty"`
	OccurredAt jsontext.Value            `json:"occurredAt,omitempty"`
	Payment    *paymentData              `json:"payment,omitempty"`
	Data       map[string]jsontext.Value `json:"data"`
	Note       string                    `json:"note,omitempty"` // for people
}

type paymentData struct {
	ID     jsontext.Value `json:"id"`
	Paid   jsontext.Value `json:"paid,omitempty"`
	Refund jsontext.Value `json:"refund,omitempty"`
}

// mapping is a compiled mapping.
type mapping struct {
	name, same, kind string
	events, unless   []string
	when             *expression
	identity         []*value
	occurredAt       *value
	payment          *paymentMapping
	data             map[string]*value
	late             map[string]string // fields that only a PaymentTotal fills in
}

type paymentMapping struct{ id, paid, refund *value }

// Mappings are the compiled mappings of one source. They are safe for concurrent
// use.
type Mappings struct{ list []*mapping }

// None reports whether there is no mapping.
func (m *Mappings) None() bool { return len(m.list) == 0 }

// Types lists the catalog types that the mappings make, each once.
func (m *Mappings) Types() []string {
	var types []string
	for _, mapping := range m.list {
		if !slices.Contains(types, mapping.kind) {
			types = append(types, mapping.kind)
		}
	}
	return types
}

// mappingCompiler collects the faults of mappings, each at its field.
type mappingCompiler struct {
	faults      webhook.Faults
	expressions int // of the mapping that is being compiled
}

var (
	mappingName = regexp.MustCompile(`^[a-z0-9_]{1,60}$`)
	catalogType = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)*$`)
)

// CompileMappings reads a source's mappings. Faults are at fields such as
// "mappings[2].data.amount.path". It doesn't know the catalog: check that each of
// Types is in it, and check data against its schema. The provider is the source's.
func CompileMappings(provider *Provider, list []json.RawMessage) (*Mappings, webhook.Faults) {
	var c mappingCompiler
	if len(list) > MaxMappings {
		c.faults.Add("mappings", fmt.Sprintf("has at most %d mappings", MaxMappings))
		return nil, c.faults
	}
	compiled := &Mappings{}
	for i, text := range list {
		if m := c.mapping("mappings["+strconv.Itoa(i)+"]", text, compiled.list); m != nil {
			compiled.list = append(compiled.list, m)
		}
	}
	if len(c.faults) > 0 {
		return nil, c.faults
	}
	return compiled, nil
}

// mapping compiles one mapping, or returns nil if its JSON can't be read.
func (c *mappingCompiler) mapping(at string, text []byte, earlier []*mapping) *mapping {
	if len(text) > MaxMappingBytes {
		c.faults.Add(at, fmt.Sprintf("has at most %d KiB", MaxMappingBytes>>10))
		return nil
	}
	c.expressions = 0
	var data mappingData
	if !c.decode(at, text, &data) {
		return nil
	}
	m := &mapping{name: data.Name, same: data.Same, kind: data.Type, events: data.Events, unless: data.Unless}
	c.words(at, m, earlier)
	if data.When != "" {
		m.when = c.condition(at+".when", data.When)
	}
	for i, part := range data.Identity {
		m.identity = append(m.identity, c.value(at+".identity["+strconv.Itoa(i)+"]", part, 0))
	}
	if data.OccurredAt != nil {
		m.occurredAt = c.value(at+".occurredAt", data.OccurredAt, 0)
	}
	if data.Payment != nil {
		m.payment = c.payment(at+".payment", data.Payment)
	}
	c.data(at+".data", m, data.Data)
	return m
}

// words checks the names of a mapping.
func (c *mappingCompiler) words(at string, m *mapping, earlier []*mapping) {
	named := func(name string) bool {
		return slices.ContainsFunc(earlier, func(other *mapping) bool { return other.name == name })
	}
	if !mappingName.MatchString(m.name) {
		c.faults.Add(at+".name", "is 1 to 60 characters of a to z, 0 to 9 and _")
	} else if named(m.name) {
		c.faults.Add(at+".name", "is the name of an earlier mapping")
	}
	if m.same == "" {
		m.same = m.name
	} else if !mappingName.MatchString(m.same) {
		c.faults.Add(at+".same", "is 1 to 60 characters of a to z, 0 to 9 and _")
	}
	if len(m.kind) > maxRelayType || !catalogType.MatchString(m.kind) {
		c.faults.Add(at+".type", "is an event type of the catalog, such as payment.succeeded")
	}
	if len(m.events) == 0 || len(m.events) > maxMappedTypes {
		c.faults.Add(at+".events", fmt.Sprintf(`lists 1 to %d types of the provider, or "*"`, maxMappedTypes))
	}
	for i, event := range m.events {
		if event == "" || len(event) > MaxExternalType {
			c.faults.Add(at+".events["+strconv.Itoa(i)+"]", fmt.Sprintf("has 1 to %d characters", MaxExternalType))
		}
	}
	for i, name := range m.unless {
		if !named(name) {
			c.faults.Add(at+".unless["+strconv.Itoa(i)+"]", "is the name of an earlier mapping")
		}
	}
}

func (c *mappingCompiler) payment(at string, data *paymentData) *paymentMapping {
	p := &paymentMapping{}
	if data.ID == nil {
		c.faults.Add(at+".id", "is required")
	} else {
		p.id = c.value(at+".id", data.ID, 0)
	}
	if (data.Paid == nil) == (data.Refund == nil) {
		c.faults.Add(at, "has paid or refund, not both")
	}
	if data.Paid != nil {
		p.paid = c.value(at+".paid", data.Paid, 0)
	}
	if data.Refund != nil {
		p.refund = c.value(at+".refund", data.Refund, 0)
	}
	return p
}

// decode reads JSON into a struct. A fault names the member.
func (c *mappingCompiler) decode(at string, text []byte, into any) bool {
	err := jsonx.Unmarshal(text, into, jsonx.RejectUnknownMembers(true))
	if err == nil {
		return true
	}
	var syntax *jsontext.SyntacticError
	var semantic *jsonx.SemanticError
	switch {
	case errors.As(err, &semantic) && errors.Is(semantic.Err, jsonx.ErrUnknownName):
		c.faults.Add(at+pointerField(semantic.JSONPointer), "isn't known here")
	case errors.As(err, &semantic):
		c.faults.Add(at+pointerField(semantic.JSONPointer), "may not be a JSON "+semantic.JSONKind.String())
	case errors.As(err, &syntax):
		message := fmt.Sprintf("isn't valid JSON at byte %d", syntax.ByteOffset)
		if errors.Is(syntax.Err, jsontext.ErrDuplicateName) {
			message = "is there twice"
			at += pointerField(syntax.JSONPointer)
		}
		c.faults.Add(at, message)
	default:
		c.faults.Add(at, "isn't valid JSON")
	}
	return false
}

// pointerField writes a JSON pointer as the rest of a field.
func pointerField(pointer jsontext.Pointer) string {
	var field strings.Builder
	for token := range pointer.Tokens() {
		if _, err := strconv.Atoi(token); err == nil {
			field.WriteString("[" + token + "]")
		} else {
			field.WriteString("." + token)
		}
	}
	return field.String()
}
