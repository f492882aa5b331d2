package webhook

import "time"

// Header is one header field.
type Header struct{ Name, Value string }

// Message is one attempt to be made.
type Message struct {
	EventID    string
	EventType  string
	DeliveryID string
	URL        string
	Body       []byte
	Secrets    []Secret        // all in force, newest first
	Legacy     Secret          // signs x-webhook-signature
	Format     SignatureFormat // of x-webhook-signature
	Headers    []Header        // the endpoint's own
	Number     int             // of the attempt, from 1
	Test       bool
	Timeout    time.Duration // of the whole exchange
}

func ReservedHeader(name string) bool      { return false }
func CheckHeader(name, value string) error { return nil }
