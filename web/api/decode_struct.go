package api

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"time"

	jsonx "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"hookwell/webhook"
)

// decodeBody reads one object that makes up a whole body into a struct, by
// encoding/json v2. The package stops at the first value that does not fit its
// field, accepts members that no field has, and forgets what a null replaced. So
// every member passes through structReader.value first, which notes a fault and
// goes on. What the fields hold is right only if there are no faults.
//
// The first result are the faults at the fields. The error is Malformed, or says
// what is wrong with the struct.
func decodeBody(body []byte, into any) (webhook.Faults, error) {
	var broken *jsonx.SemanticError
	faults, err := readObject(body, func(r *bodyReader) {
		s := structReader{bodyReader: r, seen: map[jsontext.Pointer]bool{}}
		r.err = jsonx.UnmarshalDecode(r.decoder, into, jsonx.WithUnmarshalers(jsonx.UnmarshalFromFunc(s.value)))
		errors.As(r.err, &broken)
	})
	if broken != nil {
		return nil, broken
	}
	return faults, err
}

// fieldReader is the type of a field with rules of its own. It reads exactly one
// value and notes what is wrong with it at the field.
type fieldReader interface {
	read(r *bodyReader, field string)
}

// structReader reads the members of structs as far as the package's own reading
// is not strict enough.
type structReader struct {
	*bodyReader
	seen map[jsontext.Pointer]bool // every member that was read
}

// value reads the next value into its field, or leaves that to the package by
// errors.ErrUnsupported.
func (s *structReader) value(d *jsontext.Decoder, target any) error {
	at := d.StackPointer()
	if at == "" { // the body itself
		return errors.ErrUnsupported
	}
	field := pointerPath(at)
	if reflect.TypeOf(target).Elem().Kind() == reflect.Pointer && d.PeekKind() != 'n' {
		return errors.ErrUnsupported // it comes again as what it points to
	}
	_, length := d.StackIndex(d.StackDepth())
	members := (length + 1) / 2
	if members == maxMembers {
		s.fault(pointerPath(at.Parent()), fmt.Sprintf("This has %d members or more, which is too many.", maxMembers))
	}
	switch {
	case members > maxMembers:
		s.raw()
	case s.seen[at]:
		s.wrong(field, "This stands twice in the same object.")
	default:
		s.seen[at] = true
		s.member(field, target)
	}
	return s.err
}

// member reads a value of any type that the fields of bodies have. A null leaves
// what stands there, which is the field's default; a string takes none.
func (s *structReader) member(field string, target any) {
	switch target := target.(type) {
	case fieldReader:
		target.read(s.bodyReader, field)
		return
	case *string:
		*target, _ = s.text(field)
		return
	}
	if s.null() {
		return
	}
	switch target := target.(type) {
	case *bool:
		*target, _ = s.boolean(field)
	case *int:
		*target, _ = s.integer(field)
	case *time.Time:
		*target = s.time(field)
	case *[]string:
		*target, _ = s.texts(field)
	case *jsontext.Value: // which is copied, since the request's memory is used again
		*target = bytes.Clone(s.raw())
	default:
		s.err = fmt.Errorf("no body may have a field of type %T", target)
	}
}

// pointerPath returns a field's path as faults name it.
func pointerPath(at jsontext.Pointer) string {
	path := ""
	for name := range at.Tokens() {
		path = fieldPath(path, name)
	}
	return path
}

// unknownMembers are the members of a body that no field of its struct has. Each
// is a fault.
type unknownMembers map[string]unknownMember

type unknownMember struct{}

func (unknownMember) read(r *bodyReader, field string) { r.wrong(field, "There is no such field.") }

// filledText is a string that is left out by null, and not by "".
type filledText string

func (t *filledText) read(r *bodyReader, field string) {
	if r.null() {
		return
	}
	text, ok := r.text(field)
	if ok && text == "" {
		r.fault(field, "This is empty. Leave it out or give a value.")
	}
	*t = filledText(text)
}

// organizationName is an organization by its id or external id; null is as none.
type organizationName string

func (n *organizationName) read(r *bodyReader, field string) {
	*n = organizationName(r.organization(field))
}

// ofOrganization is what every body of one organization's request may have.
type ofOrganization struct {
	Organization organizationName `json:"organizationId"`
	Unknown      unknownMembers   `json:",embed"`
}

func (o *ofOrganization) named() string { return string(o.Organization) }
