package webhook

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a list of faults. The input decides how many faults it has, so it
// must not decide how long the list becomes.
const (
	MaxFaults  = 50  // listed of one event, form or request
	maxField   = 300 // bytes of a fault's field
	maxMessage = 500 // bytes of its message
	maxStep    = 100 // bytes of one name in a field
)

// Fault is one error in somebody's input, in words that let them correct it. The
// last of a list may stand for faults that are not listed: it has only More, the
// number of those.
type Fault struct {
	Field   string // dotted path such as "data.customer.email", "url" or "eventTypes"
	Message string // for people: "is required", "Choose at least one event type."
	More    int    // 0 but for the last of a list that was cut
}

// Text returns the fault's message, or how many faults are not listed.
func (f Fault) Text() string {
	if f.More > 0 {
		return "and " + strconv.Itoa(f.More) + " more"
	}
	return f.Message
}

// Faults are all errors found in an input; nil or empty means none. Check the
// length before returning it as an error, since a nil Faults in an error is not a
// nil error.
type Faults []Fault

// Add appends a fault and cuts its field and message to a length that can be
// shown. From MaxFaults on it only counts, and allocates nothing.
func (f *Faults) Add(field, message string) {
	list := *f
	if n := len(list); n > 0 && list[n-1].More > 0 {
		list[n-1].More++
		return
	}
	if len(list) >= MaxFaults {
		*f = append(list, Fault{More: 1})
		return
	}
	*f = append(list, Fault{Field: shortened(field, maxField), Message: shortened(message, maxMessage)})
}

// Cut returns a list of at most that many faults, followed by the number of the
// others. It cuts fields and messages as Add does. It doesn't change the original
// list.
func (f Faults) Cut(most int) Faults {
	more, fits := 0, len(f) <= most
	for i, fault := range f {
		more += fault.More
		fits = fits && (fault.More == 0 || i == len(f)-1) && len(fault.Field) <= maxField && len(fault.Message) <= maxMessage
	}
	if fits {
		return f
	}
	cut := make(Faults, 0, min(len(f), most)+1)
	for _, fault := range f {
		switch {
		case fault.More > 0:
		case len(cut) < most:
			cut = append(cut, Fault{Field: shortened(fault.Field, maxField), Message: shortened(fault.Message, maxMessage)})
		default:
			more++
		}
	}
	if more > 0 {
		cut = append(cut, Fault{More: more})
	}
	return cut
}

// Listed returns how many faults have a field and a message.
func (f Faults) Listed() int {
	if n := len(f); n > 0 && f[n-1].More > 0 {
		return n - 1
	}
	return len(f)
}

// Count returns how many faults there are, listed or not.
func (f Faults) Count() int {
	n := f.Listed()
	if n < len(f) {
		n += f[n].More
	}
	return n
}

// Error lists the faults in one line, each as its field and its message.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Text()
		if fault.More == 0 {
			lines[i] = fault.Field + ": " + fault.Message
		}
	}
	return strings.Join(lines, "; ")
}

// shortened returns text of at most so many bytes, cut between characters.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	end := most - len("…")
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// sentence is an error to be shown to people as it is.
type sentence string

func (s sentence) Error() string { return string(s) }
