package webhook

import (
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// shape is a schema compiled for a tokenWalk, which reads an event's data once
// and makes nothing of it. What a shape lets through fits the schema. What it
// does not let through may still fit: the schema itself decides that, and names
// the faults. So a shape may be narrower than its schema, and is never wider.
type shape struct {
	rest *jsonschema.Schema // checks a value in place of the fields below, if it is set

	kinds    kinds
	integers bool    // no number but integers
	values   *values // of an enum or a const
	text     *textShape
	bounds   *bounds
	object   *objectShape
	array    *arrayShape
}

// kinds is a set of kinds of JSON values.
type kinds uint8

const (
	nulls kinds = 1 << iota
	booleans
	numbers
	texts
	arrays
	objects
)

var kindNames = map[string]kinds{"null": nulls, "boolean": booleans, "number": numbers, "integer": numbers,
	"string": texts, "array": arrays, "object": objects}

type values struct {
	texts    map[string]bool // the strings, as they read
	literals map[string]bool // null, the booleans and the numbers, as they are written
}

type textShape struct {
	size    size // in characters
	pattern jsonschema.Regexp
	format  *jsonschema.Format
}

// bounds are what a number's bounds mean for integers, and between which
// integers every fraction is within them.
type bounds struct{ integers, fractions span }

type span struct{ least, most int64 }

func (s span) has(least, most int64) bool { return s.least <= least && most <= s.most }

type objectShape struct {
	members  map[string]member
	others   *shape // of the members that it does not name
	required int    // how many of the named ones are
	size     size
}

type member struct {
	shape    *shape
	required bool
}

type arrayShape struct {
	first []*shape // of the first items
	items *shape   // of the items behind them
	size  size
}

type size struct{ least, most int }

func newSize(least, most *int) size {
	s := size{most: math.MaxInt}
	if least != nil {
		s.least = *least
	}
	if most != nil {
		s.most = *most
	}
	return s
}

func (s size) has(n int) bool { return s.least <= n && n <= s.most }

var (
	anything = newAnything()
	nothing  = &shape{}
)

func newAnything() *shape {
	s := &shape{kinds: nulls | booleans | numbers | texts | arrays | objects}
	s.object = &objectShape{others: s, size: newSize(nil, nil)}
	s.array = &arrayShape{items: s, size: newSize(nil, nil)}
	return s
}

// newShape compiles a schema. It returns nil if no part of it has a shape.
func newShape(s *jsonschema.Schema) *shape {
	made := shapes{}.of(s)
	if made.rest != nil {
		return nil
	}
	return made
}

// shapes are those that were made so far: a schema may refer to itself.
type shapes map[*jsonschema.Schema]*shape

func (made shapes) of(s *jsonschema.Schema) *shape {
	switch {
	case s == nil:
		return anything
	case made[s] != nil:
		return made[s]
	case s.Bool != nil && *s.Bool:
		return anything
	case s.Bool != nil:
		return nothing
	case s.Ref != nil && hasOnly(s, "Ref"):
		made[s] = &shape{rest: s} // stays where references go round in a circle
		made[s] = made.of(s.Ref)
	case !canShape(s):
		made[s] = &shape{rest: s}
	default:
		made[s] = &shape{}
		made.fill(made[s], s)
	}
	return made[s]
}

// shapedKeywords are the fields of a schema that fill knows.
var shapedKeywords = []string{"Types", "Enum", "Const", "Format",
	"MaxProperties", "MinProperties", "Required", "Properties", "AdditionalProperties",
	"MinItems", "MaxItems", "Items", "PrefixItems", "Items2020",
	"MinLength", "MaxLength", "Pattern", "Maximum", "Minimum", "ExclusiveMaximum", "ExclusiveMinimum"}

// saysNothing are the fields of a schema that are about no value.
var saysNothing = []string{"DraftVersion", "Location", "ID", "Anchor", "DynamicAnchor", "RecursiveAnchor",
	"Title", "Description", "Default", "Comment", "ReadOnly", "WriteOnly", "Examples", "Deprecated"}

// hasOnly reports whether a schema asserts nothing beyond the keywords. It goes
// through all fields, so that one which the library adds counts as unknown.
func hasOnly(s *jsonschema.Schema, keywords ...string) bool {
	of := reflect.ValueOf(s).Elem()
	for i := range of.NumField() {
		field := of.Type().Field(i)
		if field.IsExported() && !of.Field(i).IsZero() && !slices.Contains(keywords, field.Name) && !slices.Contains(saysNothing, field.Name) {
			return false
		}
	}
	return true
}

// canShape reports whether fill knows what a schema asserts.
func canShape(s *jsonschema.Schema) bool {
	if !hasOnly(s, shapedKeywords...) || s.Enum != nil && s.Const != nil {
		return false
	}
	if _, each := s.Items.([]*jsonschema.Schema); each {
		return false
	}
	return !slices.ContainsFunc(listed(s), func(value any) bool {
		switch value.(type) {
		case map[string]any, []any:
			return true
		}
		return false
	})
}

// listed returns the values of a schema's enum or const.
func listed(s *jsonschema.Schema) []any {
	switch {
	case s.Enum != nil:
		return s.Enum.Values
	case s.Const != nil:
		return []any{*s.Const}
	}
	return nil
}

func (made shapes) fill(to *shape, s *jsonschema.Schema) {
	to.kinds = anything.kinds
	if s.Types != nil && !s.Types.IsEmpty() {
		names := s.Types.ToStrings()
		to.kinds, to.integers = 0, !slices.Contains(names, "number")
		for _, name := range names {
			to.kinds |= kindNames[name]
		}
	}
	if s.Enum != nil || s.Const != nil {
		to.values = newValues(listed(s))
	}
	if s.MinLength != nil || s.MaxLength != nil || s.Pattern != nil || s.Format != nil {
		to.text = &textShape{size: newSize(s.MinLength, s.MaxLength), pattern: s.Pattern, format: s.Format}
	}
	if s.Minimum != nil || s.Maximum != nil || s.ExclusiveMinimum != nil || s.ExclusiveMaximum != nil {
		to.bounds = newBounds(s)
	}
	to.object = made.object(s)
	to.array = made.array(s)
}

func newValues(of []any) *values {
	v := &values{texts: map[string]bool{}, literals: map[string]bool{}}
	for _, value := range of {
		switch value := value.(type) {
		case string:
			v.texts[value] = true
		case json.Number:
			v.literals[value.String()] = true
		case bool:
			v.literals[map[bool]string{true: "true", false: "false"}[value]] = true
		case nil:
			v.literals["null"] = true
		}
	}
	return v
}

func newBounds(s *jsonschema.Schema) *bounds {
	all := span{math.MinInt64, math.MaxInt64}
	b := &bounds{all, all}
	for _, bound := range []*big.Rat{s.Minimum, s.ExclusiveMinimum} {
		if bound == nil {
			continue
		}
		up := clamped(bound, 1)
		b.fractions.least = max(b.fractions.least, up)
		if bound == s.ExclusiveMinimum && bound.IsInt() && up < math.MaxInt64 {
			up++
		}
		b.integers.least = max(b.integers.least, up)
	}
	for _, bound := range []*big.Rat{s.Maximum, s.ExclusiveMaximum} {
		if bound == nil {
			continue
		}
		down := clamped(bound, 0)
		b.fractions.most = min(b.fractions.most, down)
		if bound == s.ExclusiveMaximum && bound.IsInt() && down > math.MinInt64 {
			down--
		}
		b.integers.most = min(b.integers.most, down)
	}
	return b
}

// clamped returns the integer at or below a bound, or the one at or above it if
// up is 1. Beyond an int64 it returns the nearest one, which is far from the
// numbers that a walk compares: they have maxPlain digits at most.
func clamped(bound *big.Rat, up int64) int64 {
	n := new(big.Int).Div(bound.Num(), bound.Denom())
	if !bound.IsInt() {
		n.Add(n, big.NewInt(up))
	}
	switch {
	case n.IsInt64():
		return n.Int64()
	case n.Sign() < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

func (made shapes) object(s *jsonschema.Schema) *objectShape {
	o := &objectShape{members: map[string]member{}, others: anything, size: newSize(s.MinProperties, s.MaxProperties)}
	switch others := s.AdditionalProperties.(type) {
	case bool:
		if !others {
			o.others = nothing
		}
	case *jsonschema.Schema:
		o.others = made.of(others)
	}
	for name, schema := range s.Properties {
		o.members[name] = member{shape: made.of(schema)}
	}
	for _, name := range s.Required {
		m, ok := o.members[name]
		if !ok {
			m.shape = o.others
		}
		m.required = true
		o.members[name] = m
	}
	for _, m := range o.members {
		if m.required {
			o.required++
		}
	}
	return o
}

func (made shapes) array(s *jsonschema.Schema) *arrayShape {
	a := &arrayShape{items: anything, size: newSize(s.MinItems, s.MaxItems)}
	if s.DraftVersion >= 2020 {
		for _, schema := range s.PrefixItems {
			a.first = append(a.first, made.of(schema))
		}
		a.items = made.of(s.Items2020)
	} else if items, ok := s.Items.(*jsonschema.Schema); ok {
		a.items = made.of(items)
	}
	return a
}
