package inbound

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// valueData is one value as people write it: exactly one of Path, First, Const,
// CEL, Fields and Payment.
type valueData struct {
	Path     string                    `json:"path,omitempty"`
	First    []jsontext.Value          `json:"first,omitempty"` // the first value that is there
	Const    jsontext.Value            `json:"const,omitempty"`
	CEL      string                    `json:"cel,omitempty"`
	Fields   map[string]jsontext.Value `json:"fields,omitempty"`  // an object
	Payment  string                    `json:"payment,omitempty"` // what only earlier events told: amount, refunded or status
	Fn       jsontext.Value            `json:"fn,omitempty"`      // a function or a list of them
	Currency jsontext.Value            `json:"currency,omitempty"`
	Map      map[string]jsontext.Value `json:"map,omitempty"` // in place of each text
	Else     jsontext.Value            `json:"else,omitempty"`
}

// value is a compiled value.
type value struct {
	at       string // its field in the mapping, for errors
	path     path
	isPath   bool
	first    []*value
	constant any
	isConst  bool
	cel      *expression
	fields   map[string]*value
	fns      []string
	currency *value
	mapped   map[string]any
	other    any
	hasOther bool
}

// Limits of one mapping's values.
const (
	maxValueDepth = 10
	maxDataFields = 100
)

// Words of {"payment": ...}.
const (
	latePaid     = "amount"
	lateRefunded = "refunded"
	lateStatus   = "status"
)

// data compiles the fields of an event's data.
func (c *mappingCompiler) data(at string, m *mapping, fields map[string]jsontext.Value) {
	m.data, m.late = map[string]*value{}, map[string]string{}
	if len(fields) == 0 || len(fields) > maxDataFields {
		c.faults.Add(at, fmt.Sprintf("has 1 to %d fields", maxDataFields))
	}
	for _, name := range sorted(fields) {
		field := at + "." + name
		if word, alone, ok := lateWord(fields[name]); ok {
			if !alone {
				c.faults.Add(field+".payment", "stands alone")
			}
			if m.payment == nil || m.payment.refund == nil {
				c.faults.Add(field+".payment", "needs a payment with a refund in the mapping")
			}
			m.late[name] = word
			continue
		}
		m.data[name] = c.value(field, fields[name], 0)
	}
}

// lateWord returns the word of a value that only a PaymentTotal gives, and whether
// nothing stands beside it.
func lateWord(text jsontext.Value) (word string, alone, ok bool) {
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return "", false, false
	}
	word, _ = members["payment"].(string)
	return word, len(members) == 1, slices.Contains([]string{latePaid, lateRefunded, lateStatus}, word)
}

func sorted[V any](fields map[string]V) []string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// value compiles one value. It always returns one, which counts for nothing if
// there are faults.
func (c *mappingCompiler) value(at string, text jsontext.Value, depth int) *value {
	v := &value{at: at}
	if depth > maxValueDepth {
		c.faults.Add(at, "is nested too deep")
		return v
	}
	var data valueData
	if text.Kind() != '{' {
		c.faults.Add(at, `is an object: {"path": "$.id"}, {"const": "x"}, {"cel": "..."}, {"first": [...]} or {"fields": {...}}`)
		return v
	}
	if !c.decode(at, text, &data) {
		return v
	}
	kinds := 0
	for _, has := range []bool{data.Path != "", data.First != nil, data.Const != nil, data.CEL != "", data.Fields != nil, data.Payment != ""} {
		if has {
			kinds++
		}
	}
	if kinds != 1 {
		c.faults.Add(at, "has exactly one of path, first, const, cel and fields")
		return v
	}
	if data.Payment != "" {
		c.faults.Add(at+".payment", "is amount, refunded or status, and stands for a whole field of data")
	}
	c.source(at, v, &data, depth)
	c.refine(at, v, &data, depth)
	return v
}

// source compiles where a value comes from.
func (c *mappingCompiler) source(at string, v *value, data *valueData, depth int) {
	switch {
	case data.Path != "":
		p, err := parsePath(data.Path)
		if err != nil {
			c.faults.Add(at+".path", err.Error())
		}
		v.path, v.isPath = p, true
	case data.CEL != "":
		v.cel = c.expression(at+".cel", data.CEL)
	case data.Const != nil:
		v.isConst, v.constant = true, plain(data.Const)
	}
	if data.First != nil && (len(data.First) == 0 || len(data.First) > 20) {
		c.faults.Add(at+".first", "has 1 to 20 values")
	}
	for i, part := range data.First {
		v.first = append(v.first, c.value(at+".first["+strconv.Itoa(i)+"]", part, depth+1))
	}
	if data.Fields != nil {
		v.fields = map[string]*value{}
		for _, name := range sorted(data.Fields) {
			v.fields[name] = c.value(at+".fields."+name, data.Fields[name], depth+1)
		}
	}
}

// refine compiles what is done with a value.
func (c *mappingCompiler) refine(at string, v *value, data *valueData, depth int) {
	if data.Fn != nil {
		switch list := plain(data.Fn).(type) {
		case string:
			v.fns = []string{list}
		case []any:
			for _, name := range list {
				text, _ := name.(string)
				v.fns = append(v.fns, text)
			}
		}
		for _, name := range v.fns {
			if functions[name] == nil {
				c.faults.Add(at+".fn", "is one of "+strings.Join(sorted(functions), ", "))
			}
		}
		if len(v.fns) == 0 || len(v.fns) > 5 {
			c.faults.Add(at+".fn", "is a function's name or a list of up to 5")
		}
	}
	if slices.Contains(v.fns, "minor") != (data.Currency != nil) {
		c.faults.Add(at+".currency", "is given with the function minor, and only with it")
	}
	if data.Currency != nil {
		v.currency = c.value(at+".currency", data.Currency, depth+1)
	}
	if data.Else != nil {
		v.other, v.hasOther = plain(data.Else), true
		if data.Map == nil {
			c.faults.Add(at+".else", "stands beside map")
		}
	}
	if data.Map != nil {
		v.mapped = map[string]any{}
		for _, name := range sorted(data.Map) {
			v.mapped[name] = plain(data.Map[name])
		}
	}
}

// plain decodes JSON that was checked before, with numbers as their text.
func plain(text []byte) any {
	decoded, err := decodeTree(text)
	if err != nil {
		return nil
	}
	return decoded
}

// absent is what a value is if there is nothing.
type absent struct{}

// eval returns a value, or absent{}. A null of the document is absent, and so is a
// null of CEL; {"const": null} is null.
func (v *value) eval(e *evaluation) (any, error) {
	found, err := v.find(e)
	if err != nil {
		return nil, err
	}
	for _, name := range v.fns {
		if _, none := found.(absent); none && name != "present" {
			break
		}
		if found, err = functions[name](e, v, found); err != nil {
			return nil, mappingError(v.at, err)
		}
	}
	if _, none := found.(absent); none || v.mapped == nil {
		return found, nil
	}
	if replaced, ok := v.mapped[textOf(found)]; ok {
		found = replaced
	} else if v.hasOther {
		found = v.other
	} else {
		return absent{}, nil
	}
	if found == nil {
		return absent{}, nil
	}
	return found, nil
}

func (v *value) error(message string) error { return &MappingError{Field: v.at, Message: message} }

// find returns a value before functions and maps.
func (v *value) find(e *evaluation) (any, error) {
	switch {
	case v.isPath:
		if found, ok := v.path.in(e.body); ok {
			return found, nil
		}
		return absent{}, nil
	case v.isConst:
		return v.constant, nil
	case v.cel != nil:
		found, err := v.cel.eval(e)
		if err != nil {
			return nil, mappingError(v.at, err)
		}
		return found, nil
	case v.fields != nil:
		object := map[string]any{}
		for name, field := range v.fields {
			found, err := field.eval(e)
			if err != nil {
				return nil, err
			}
			if _, none := found.(absent); !none {
				object[name] = found
			}
		}
		return object, nil
	}
	for _, candidate := range v.first {
		found, err := candidate.eval(e)
		if err != nil {
			return nil, err
		}
		if _, none := found.(absent); !none {
			return found, nil
		}
	}
	return absent{}, nil
}
