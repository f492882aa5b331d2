package api

import (
	"strings"
	"unicode"

	"hookwell/models"
	"hookwell/webhook"
)

// maskedHeader stands for a header's value, which is never shown again.
const maskedHeader = "••••"

// endpointBody is what a request sets of an endpoint: one change for each
// member that was given.
//
// It is read member by member, and not by decodeBody into a struct as the other
// administrative bodies are. models.EndpointFields lists the settings with their
// checks; a struct would list each of them once more, and a new setting would have
// to be added to it.
type endpointBody struct {
	changes []func(*models.EndpointInput)
	enabled *bool
}

// create returns a new endpoint's input: the defaults and what was given.
func (b *endpointBody) create() models.EndpointInput {
	in := models.NewEndpointInput()
	for _, change := range b.changes {
		change(&in)
	}
	in.Disabled = b.enabled != nil && !*b.enabled
	return in
}

func (b *endpointBody) apply(in *models.EndpointInput) error {
	for _, change := range b.changes {
		change(in)
	}
	in.Enabled = b.enabled
	return nil
}

// member reads one member; null sets a field to its default, and is refused
// by the fields that have none.
func (b *endpointBody) member(r *bodyReader, name, field string) bool {
	if named, ok := models.EndpointFieldNamed(name); ok {
		b.field(r, named, field)
		return true
	}
	type input = models.EndpointInput
	switch name {
	case "eventTypes":
		given(b, r, field, r.texts, func(in *input) *[]string { return &in.EventTypes })
	case "schedule":
		given(b, r, field, r.schedule, func(in *input) *webhook.Schedule { return &in.Schedule })
	case "headers":
		headers := r.headers(field)
		b.changes = append(b.changes, func(in *input) { in.Headers = headers })
	case "secret": // to import with a new endpoint; the store refuses it for another
		given(b, r, field, r.secret, func(in *input) *webhook.Secret { return &in.Secret })
	case "enabled":
		if enabled, ok := r.boolean(field); ok {
			b.enabled = &enabled
		}
	default:
		return false
	}
	return true
}

// field reads one of models.EndpointFields. What is wrong with a text is told with
// what is wrong with the others.
func (b *endpointBody) field(r *bodyReader, named models.EndpointField, field string) {
	read := r.text
	switch {
	case r.null():
		b.text(named, named.Default())
		return
	case named.IsNumber():
		if n, ok := r.integer(field); ok {
			b.changes = append(b.changes, func(in *models.EndpointInput) { named.Set(in, n) })
		}
		return
	case named.Lines:
		read = r.paragraph
	}
	if text, ok := read(field); ok {
		b.text(named, text)
	}
}

func (b *endpointBody) text(named models.EndpointField, text string) {
	b.changes = append(b.changes, func(in *models.EndpointInput) { in.Unread = append(in.Unread, named.Read(in, text)...) })
}

// given reads a member's value into the input's field.
func given[T any](b *endpointBody, r *bodyReader, field string, read func(field string) (T, bool), of func(*models.EndpointInput) *T) {
	var value T
	if r.null() {
		defaults := models.NewEndpointInput()
		value = *of(&defaults)
	} else {
		var ok bool
		if value, ok = read(field); !ok {
			return
		}
	}
	b.changes = append(b.changes, func(in *models.EndpointInput) { *of(in) = value })
}

// paragraph reads a text that may have line breaks.
func (r *bodyReader) paragraph(field string) (string, bool) {
	text, ok := r.text(field)
	if ok && strings.ContainsFunc(text, func(c rune) bool { return unicode.IsControl(c) && !strings.ContainsRune("\n\r\t", c) }) {
		r.fault(field, "Use no control characters but line breaks and tabs.")
	}
	return text, ok
}

// maxSubscriptions is more than any catalog's types and prefixes.
const maxSubscriptions = 1000

func (r *bodyReader) texts(field string) ([]string, bool) {
	var texts []string
	count, ok := r.list(field, maxSubscriptions, func(item string) {
		if text, ok := r.text(item); ok {
			texts = append(texts, text)
		}
	})
	if count > maxSubscriptions {
		r.fault(field, "This list is too long.")
	}
	return texts, ok
}

// schedule reads a schedule's name or its list of seconds.
func (r *bodyReader) schedule(field string) (schedule webhook.Schedule, ok bool) {
	var err error
	switch r.decoder.PeekKind() {
	case '"':
		var name string
		if name, ok = r.text(field); ok {
			schedule, err = webhook.ParseSchedule(name)
		}
	case '[':
		var seconds []int
		if seconds, ok = r.seconds(field); ok {
			schedule, err = webhook.NewSchedule(seconds)
		}
	default:
		r.wrong(field, "The schedule is standard, patient, brisk or a list of seconds.")
	}
	if err != nil {
		r.fault(field, err.Error())
	}
	return schedule, ok && err == nil
}

// seconds reads whole numbers; of a list that is too long it keeps as many as
// show that it is.
func (r *bodyReader) seconds(field string) (seconds []int, ok bool) {
	before := r.faults.Count()
	_, ok = r.list(field, maxMembers, func(item string) {
		n, _ := r.integer(item)
		seconds = append(seconds, n)
	})
	return seconds, ok && r.faults.Count() == before
}

// secret reads one that exists already. Its fault does not repeat it.
func (r *bodyReader) secret(field string) (webhook.Secret, bool) {
	text, ok := r.text(field)
	if !ok {
		return webhook.Secret{}, false
	}
	secret, err := webhook.ImportSecret(text)
	if err != nil {
		r.fault(field, err.Error())
	}
	return secret, err == nil
}

// headers reads the endpoint's own headers; null is none. The mask of an
// answer that is sent back is no value.
func (r *bodyReader) headers(field string) []webhook.Header {
	headers := []webhook.Header{}
	if r.null() {
		return headers
	}
	r.object(field, func(name, at string) bool {
		value, ok := r.text(at)
		switch {
		case !ok:
		case value == maskedHeader:
			r.fault(at, "This is the mask and not a value. Send every header with its value, or leave headers out to keep them.")
		default:
			headers = append(headers, webhook.Header{Name: name, Value: value})
		}
		return true
	})
	return headers
}
