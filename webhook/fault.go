package webhook

import "strings"

// Fault is one thing wrong with what somebody sent, said so that they can put it right.
type Fault struct {
	Field   string // dotted path such as "data.customer.email", "url" or "eventTypes"
	Message string // for people: "is required", "Choose at least one event type."
}

// Faults is everything found wrong at once; nil or empty means that nothing is.
// Check its length before handing it on as an error, since a nil Faults in an
// error is not a nil error.
type Faults []Fault

// Error lists the faults in one line, each as its field and its message.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Field + ": " + fault.Message
	}
	return strings.Join(lines, "; ")
}

// sentence is an error to be shown to people as it is.
type sentence string

func (s sentence) Error() string { return string(s) }
