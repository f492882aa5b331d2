package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"hookwell/models"
	"hookwell/webhook"
)

// What a body may not be, whatever its route.
const (
	maxMembers   = 100 // of one object; no shape of the API comes near
	maxFieldName = 100
)

// bodyReader reads a request's JSON in one pass, without reflection. What is no
// JSON (RFC 8259) ends the reading with err. What I-JSON (RFC 7493) forbids
// beyond that (a name twice in an object, text that is no Unicode) is a fault at
// its field, as a wrong type is, so that in a batch it concerns its own event
// alone. What raw answers is part of the request's memory.
type bodyReader struct {
	decoder *jsontext.Decoder
	faults  webhook.Faults
	err     error
}

func newBodyReader(body []byte) *bodyReader {
	// A decoder on a bytes.Buffer reads its bytes in place and never moves them.
	return &bodyReader{decoder: jsontext.NewDecoder(bytes.NewBuffer(body),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
}

// readBody reads one object that makes up a whole body, member by member. The
// first result are the faults at its fields. The error is Malformed.
func readBody(body []byte, member func(r *bodyReader, name, field string) bool) (webhook.Faults, error) {
	return readObject(body, func(r *bodyReader) {
		r.object("", func(name, field string) bool { return member(r, name, field) })
	})
}

// readObject has the one object that makes up a whole body read.
func readObject(body []byte, read func(*bodyReader)) (webhook.Faults, error) {
	r := newBodyReader(body)
	switch kind := r.decoder.PeekKind(); {
	case len(bytes.TrimSpace(body)) == 0:
		return nil, malformed("invalid_json", "The body is empty. Send a JSON object.")
	case kind != '{' && kind != jsontext.KindInvalid:
		if r.raw(); r.err == nil {
			return nil, malformed("not_an_object", "The body must be a JSON object.")
		}
	default:
		read(r)
	}
	if r.err == nil {
		if _, r.err = r.decoder.ReadToken(); r.err == nil {
			return nil, malformed("invalid_json", "The body must end after its JSON object.")
		}
	}
	if !errors.Is(r.err, io.EOF) {
		return nil, syntaxError(r.err, body)
	}
	return r.faults, nil
}

func malformed(code, message string) error {
	return &models.Error{Kind: models.Malformed, Code: code, Message: message}
}

// syntaxError says where the body stops to be JSON, as an editor counts.
func syntaxError(err error, body []byte) error {
	var syntax *jsontext.SyntacticError
	if errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &syntax) {
		return malformed("invalid_json", "The body is not valid JSON: it ends too early.")
	}
	before := body[:min(max(syntax.ByteOffset, 0), int64(len(body)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(bytes.Runes(before[bytes.LastIndexByte(before, '\n')+1:])) + 1
	return malformed("invalid_json", fmt.Sprintf("The body is not valid JSON at line %d, column %d: %v.", line, column, syntax.Err))
}

func (r *bodyReader) fault(field, message string) {
	r.faults.Add(field, message)
}

// wrong passes over a value that is none of those its field takes.
func (r *bodyReader) wrong(field, message string) {
	if r.raw(); r.err == nil {
		r.fault(field, message)
	}
}

// raw reads any value as it stands.
func (r *bodyReader) raw() jsontext.Value {
	if r.err != nil {
		return nil
	}
	var value jsontext.Value
	value, r.err = r.decoder.ReadValue()
	return value
}

func (r *bodyReader) token() jsontext.Token {
	if r.err != nil {
		return jsontext.Token{}
	}
	var token jsontext.Token
	token, r.err = r.decoder.ReadToken()
	return token
}

// null passes over a null and tells whether there was one.
func (r *bodyReader) null() bool {
	if r.err != nil || r.decoder.PeekKind() != 'n' {
		return false
	}
	r.raw()
	return true
}

// object reads an object's members. The function reads the value of each name
// that it knows and is false for the others; at is the object's own path, empty
// at the top.
func (r *bodyReader) object(at string, member func(name, field string) bool) {
	if r.decoder.PeekKind() != '{' {
		r.wrong(at, "This must be a JSON object.")
		return
	}
	r.token()
	var seen []string
	for r.err == nil && r.decoder.PeekKind() != '}' {
		name := r.token().String()
		if r.err != nil {
			return
		}
		field := fieldPath(at, name)
		switch {
		case len(seen) == maxMembers:
			r.raw()
			continue
		case slices.Contains(seen, name):
			r.wrong(field, "This stands twice in the same object.")
		case !member(name, field):
			r.wrong(field, "There is no such field.")
		}
		if seen = append(seen, name); len(seen) == maxMembers {
			r.fault(at, fmt.Sprintf("This has %d members or more, which is too many.", maxMembers))
		}
	}
	r.token()
}

func fieldPath(at, name string) string {
	if len(name) > maxFieldName {
		name = strings.ToValidUTF8(name[:maxFieldName], "") + "…"
	}
	if at == "" {
		return name
	}
	return at + "." + name
}

// list reads an array, item by item, and returns how many items it has. It
// passes over those beyond the most that are read: what is wrong with a list
// that is too long is its length. It is false when there is no array.
func (r *bodyReader) list(at string, most int, item func(field string)) (count int, ok bool) {
	if r.decoder.PeekKind() != '[' {
		r.wrong(at, "This must be a list.")
		return 0, false
	}
	for r.token(); r.err == nil && r.decoder.PeekKind() != ']'; count++ {
		if count >= most {
			r.raw()
		} else {
			item(at + "." + strconv.Itoa(count))
		}
	}
	r.token()
	return count, r.err == nil
}

// text reads a string.
func (r *bodyReader) text(field string) (string, bool) {
	if r.decoder.PeekKind() != '"' {
		r.wrong(field, "This must be a string.")
		return "", false
	}
	value := r.raw()
	if r.err != nil {
		return "", false
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		r.fault(field, "This has an unpaired surrogate or bytes that are not UTF-8.")
		return "", false
	}
	return string(text), true
}

func (r *bodyReader) boolean(field string) (value, ok bool) {
	switch r.decoder.PeekKind() {
	case 't', 'f':
		return r.token().Bool(), r.err == nil
	}
	r.wrong(field, "This must be true or false.")
	return false, false
}

func (r *bodyReader) integer(field string) (int, bool) {
	const message = "This must be a whole number."
	if r.decoder.PeekKind() != '0' {
		r.wrong(field, message)
		return 0, false
	}
	value := r.raw()
	if r.err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(value), 10, 32)
	if err != nil {
		r.fault(field, message)
	}
	return int(n), err == nil
}

const timeMessage = "Use an RFC 3339 time such as 2026-03-03T15:22:41Z, in UTC from 1970 to 9999."

func (r *bodyReader) time(field string) time.Time {
	text, ok := r.text(field)
	if !ok {
		return time.Time{}
	}
	at, err := webhook.ParseTime(text)
	if err != nil || !webhook.InRange(at) {
		r.fault(field, timeMessage)
	}
	return at
}
