package models

import (
	"fmt"

	"hookwell/webhook"
)

// EndpointPolicy says how an endpoint is delivered to: what its row and its input
// have in common. A new setting is a field of it, a column, and an entry of
// endpointFields; the form, the API, its document, error texts, the endpoint's page
// and the audit log take it from there.
type EndpointPolicy struct {
	Schedule           webhook.Schedule `gorm:"serializer:json"`
	TimeoutSeconds     int
	MaxInFlight        int
	RateLimitPerSecond int // 0 is no limit
	RetryStatuses      webhook.RetryStatuses
	SignatureFormat    webhook.SignatureFormat
	SourceSignature    webhook.SourceSignature
}

// Bounds and defaults of an endpoint's fields. A test holds docs/ to them.
const (
	DefaultTimeoutSeconds  = 15
	MaxTimeoutSeconds      = 30
	DefaultMaxInFlight     = 20
	MaxMaxInFlight         = 100
	MaxRateLimit           = 1000
	MaxEndpointDescription = 500 // characters
	MaxOwnHeaders          = 20
)

func defaultPolicy() EndpointPolicy {
	return EndpointPolicy{Schedule: webhook.Schedules()[0], TimeoutSeconds: DefaultTimeoutSeconds,
		MaxInFlight: DefaultMaxInFlight, SignatureFormat: webhook.SignatureFormats()[0],
		SourceSignature: webhook.SourceSignatures()[0]}
}

// endpointFields are the fields that are one text or one number each, in the order
// of the form. Event types, the schedule, own headers and the secret are read in
// ways of their own.
var endpointFields = []EndpointField{
	{
		Name: "url", Label: "URL", Part: AddressPart,
		text: func(in *EndpointInput) *string { return &in.URL },
	},
	{
		Name: "name", Label: "Name", Part: AddressPart, Optional: true, MaxLength: MaxName,
		Hint: "What people call it. Shown instead of the URL.", About: "What people call it.",
		text: func(in *EndpointInput) *string { return &in.Name },
	},
	{
		Name: "description", Label: "Description", Part: AddressPart, Optional: true, MaxLength: MaxEndpointDescription, Lines: true,
		About: "A note, with line breaks.",
		text:  func(in *EndpointInput) *string { return &in.Description },
	},
	{
		Name: "retryStatuses", Label: "Statuses that are retried", Brief: "Retried statuses", Part: RetriesPart, Optional: true,
		Hint:      "Such as 408, 429, 500-599, or all but some: !401, !404. Empty is all. Failures without a status are always retried.",
		About:     "Which statuses of failures are tried again: a list such as 408,429,500-599, or !401,!404 for all but these. Empty is all. Failures without a status are always tried again.",
		MaxLength: webhook.MaxRetryStatuses, Pattern: webhook.RetryStatusesPattern,
		text:  func(in *EndpointInput) *string { return (*string)(&in.RetryStatuses) },
		words: func(in *EndpointInput) string { return in.RetryStatuses.Set().Words() },
		parse: func(text string) (string, webhook.Faults) {
			statuses, faults := webhook.ParseRetryStatuses(text)
			return string(statuses), faults
		},
	},
	{
		Name: "timeoutSeconds", Label: "Timeout", Part: RetriesPart, Unit: "seconds",
		Hint: "seconds for the whole exchange.", About: "Of the whole exchange.", Shown: "%s s",
		Most: MaxTimeoutSeconds, Choose: " seconds.",
		number: func(in *EndpointInput) *int { return &in.TimeoutSeconds },
	},
	{
		Name: "maxInFlight", Label: "In flight at once", Brief: "In flight", Part: RetriesPart, Unit: "requests",
		Hint: "requests. The others wait their turn.", About: "How many attempts may be under way at once.", Shown: "at most %s",
		Most: MaxMaxInFlight, Choose: ".",
		number: func(in *EndpointInput) *int { return &in.MaxInFlight },
	},
	{
		Name: "rateLimitPerSecond", Label: "Rate limit", Part: RetriesPart, Unit: "a second", Optional: true,
		Hint: "requests a second. The others wait; waiting is no attempt.", About: "Requests a second over all workers; 0 is no limit.",
		Shown: "%s a second", Most: MaxRateLimit, Choose: " requests a second, or 0 for no limit.",
		number: func(in *EndpointInput) *int { return &in.RateLimitPerSecond },
	},
	{
		Name: "signatureFormat", Label: "Format of x-webhook-signature", Brief: "Signature", Part: SignaturePart, About: "Of x-webhook-signature.",
		Choices: textsOf(webhook.SignatureFormats()), title: func(choice string) string { return webhook.SignatureFormat(choice).Pattern() },
		text:  func(in *EndpointInput) *string { return (*string)(&in.SignatureFormat) },
		words: func(in *EndpointInput) string { return in.SignatureFormat.Pattern() },
		parse: func(text string) (string, webhook.Faults) {
			format, err := webhook.ParseSignatureFormat(text)
			return string(format), faultsOf(err)
		},
	},
	{
		Name: "sourceSignature", Label: "Signature of what sources receive", Brief: "Signature of sources", Part: SignaturePart,
		Hint:    "Of events that pass on a provider’s request. With the provider’s own, a receiver that was written for the provider verifies them.",
		About:   "Whose signature goes along with what a source received: Hookwell's, or the provider's own headers in its place.",
		Choices: textsOf(webhook.SourceSignatures()), title: func(choice string) string { return webhook.SourceSignature(choice).Title() },
		text:  func(in *EndpointInput) *string { return (*string)(&in.SourceSignature) },
		words: func(in *EndpointInput) string { return in.SourceSignature.Title() },
		parse: func(text string) (string, webhook.Faults) {
			choice, err := webhook.ParseSourceSignature(text)
			return string(choice), faultsOf(err)
		},
	},
}

func textsOf[T ~string](values []T) []string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = string(value)
	}
	return texts
}

// faultsOf returns a parser's sentence as the fault of a field that is named later.
func faultsOf(err error) webhook.Faults {
	if err == nil {
		return nil
	}
	return webhook.Faults{{Message: err.Error()}}
}

// CheckPolicy puts the endpoint's policy in its normal form and returns what is
// wrong with it and with the endpoint's own headers, all faults at once; none is
// empty.
func (in *EndpointInput) CheckPolicy() webhook.Faults {
	var faults webhook.Faults
	for _, field := range EndpointFields() {
		faults = append(faults, field.check(in)...)
	}
	return append(faults, in.checkHeaders()...)
}

// ChangesOf says in the audit which settings of the policy an edit changed, with
// their values before and after; "" if none.
func (p EndpointPolicy) ChangesOf(before EndpointPolicy) string {
	words := ""
	changed := func(label, was, is string) {
		if was != is {
			words += fmt.Sprintf("; %s: %s, was %s", label, is, was)
		}
	}
	changed("Schedule", scheduleText(before.Schedule), scheduleText(p.Schedule))
	was, is := &EndpointInput{EndpointPolicy: before}, &EndpointInput{EndpointPolicy: p}
	for _, field := range EndpointFields() {
		changed(field.Title(), field.Words(was), field.Words(is))
	}
	return words
}

func scheduleText(s webhook.Schedule) string {
	if s.Name == webhook.CustomSchedule {
		return s.List()
	}
	return s.Name
}
