package models

import (
	"errors"
	"fmt"
	"time"

	"hookwell/webhook"
)

// Kind says what sort of refusal an Error is; the web's one table turns it
// into a status code.
type Kind int

// The kinds of refusal.
const (
	Invalid      Kind = iota + 1 // what was given breaks a rule; Fields says where
	NotFound                     // there is no such row, or it is another tenant's
	Conflict                     // the row's state doesn't allow it now
	Forbidden                    // who asks may not do it
	Unauthorized                 // who asks is not known
	TooLarge                     // what was given is longer than allowed
	Malformed                    // what was given can't be read at all
	Unavailable                  // a service is away; trying again later may work
	TooMany                      // too often in too short a time; trying again later works
	Outdated                     // what it was made from has changed since
)

// Error is the one error that a person or a program gets to see. Message is
// for people; Code is stable, for programs; Fields name what to mend.
type Error struct {
	Kind    Kind
	Code    string
	Message string
	Fields  webhook.Faults
	// RetryAfter is when trying again may work; 0 says nothing of it.
	RetryAfter time.Duration

	Cause error // for the log alone
}

// Error returns the message with its fields and cause, for the log. People are
// shown Message and Fields alone.
func (e *Error) Error() string {
	switch {
	case len(e.Fields) > 0:
		return fmt.Sprintf("%s %s", e.Message, e.Fields.Error())
	case e.Cause != nil:
		return fmt.Sprintf("%s (%s)", e.Message, e.Cause)
	}
	return e.Message
}

// Unwrap returns what lies behind the refusal, nil where it is our own.
func (e *Error) Unwrap() error { return e.Cause }

// IsKind reports whether an error is, or wraps, an Error of that kind.
func IsKind(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

// CodeTooManyEndpoints is of an organization with as many endpoints as it may have.
const CodeTooManyEndpoints = "too_many_endpoints"

// CodeDatabaseBusy is of what was not done because no connection was to be had.
const CodeDatabaseBusy = "database_busy"

// The codes of refusals by a database that takes no writes.
const (
	CodeStorageFull     = "storage_full"
	CodeStorageReadOnly = "storage_read_only"
)

// CodeTwoFactor is of an organization that asks its members for a second factor.
const CodeTwoFactor = "two_factor_required"

// IsCode reports whether an error is, or wraps, an Error with that code.
func IsCode(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// NewInvalid returns an Invalid error with what is wrong at each field, the first
// webhook.MaxFaults of them.
func NewInvalid(fields webhook.Faults) error {
	return &Error{Kind: Invalid, Code: "invalid", Message: "Some of what was sent needs a change.", Fields: fields.Cut(webhook.MaxFaults)}
}

// InvalidField returns an Invalid error at one field.
func InvalidField(field, message string) error {
	return NewInvalid(webhook.Faults{{Field: field, Message: message}})
}

// RefusedField returns a refusal of who asks, told at a field of the form.
func RefusedField(code, field, message string) error {
	return &Error{Kind: Unauthorized, Code: code, Message: message, Fields: webhook.Faults{{Field: field, Message: message}}}
}

// NewNotFound returns a NotFound error that names what there is none of.
func NewNotFound(noun string) error {
	return &Error{Kind: NotFound, Code: "not_found", Message: "There is no such " + noun + "."}
}

// NewConflict returns a Conflict with its code and what a person reads.
func NewConflict(code, message string) error {
	return &Error{Kind: Conflict, Code: code, Message: message}
}
