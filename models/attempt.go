package models

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"hookwell/webhook"
)

// Trigger says why an attempt was made.
type Trigger string

// The triggers.
const (
	TriggerSchedule Trigger = "schedule"
	TriggerPerson   Trigger = "person"
	TriggerTest     Trigger = "test"
)

// Attempt is one HTTP POST of a delivery with all that was sent and received.
// The request's body is the event's. Times in microseconds.
type Attempt struct {
	DeliveryID      string `gorm:"primaryKey"`
	Number          int    `gorm:"primaryKey;autoIncrement:false"`
	OrganizationID  string
	Trigger         Trigger
	StartedAt       time.Time
	DurationUs      int64
	StatusCode      int
	Cause           webhook.Cause
	Error           string
	Note            string
	Requests        int // begun; 0 where no connection was made
	RemoteAddress   string
	TLSVersion      string
	DNSUs           int64 `gorm:"column:dns_us"`
	ConnectUs       int64
	TLSUs           int64 `gorm:"column:tls_us"`
	FirstByteUs     int64
	RequestURL      string
	RequestHeaders  Headers
	ResponseHeaders Headers
	ResponseBody    []byte
	Truncated       bool
}

// Headers are header fields in the order in which they were sent. They are
// stored as JSON in bytes.
type Headers []webhook.Header

// Value writes the column; nil is an empty list. Of each attempt it writes two
// lists, which is why it does without reflection. The bytes are those of
// json.Marshal.
func (h Headers) Value() (driver.Value, error) {
	const around = len(`{"Name":"","Value":""},`)
	size := len("[]")
	for i := range h {
		size += around + len(h[i].Name) + len(h[i].Value)
	}
	b := append(make([]byte, 0, size), '[')
	for i := range h {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"Name":`...), h[i].Name)
		b = appendText(append(b, `,"Value":`...), h[i].Value)
		b = append(b, '}')
	}
	return append(b, ']'), nil
}

// appendText appends a JSON string. What json.Marshal would escape, it escapes.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(text) // a string can't fail
			return append(b, quoted...)
		}
	}
	b = append(append(b, '"'), text...)
	return append(b, '"')
}

// Scan reads the column.
func (h *Headers) Scan(column any) error {
	stored, ok := column.([]byte)
	if !ok {
		return fmt.Errorf("headers are stored as %T", column)
	}
	return json.Unmarshal(stored, (*[]webhook.Header)(h))
}

// ID names the attempt for the API.
func (a *Attempt) ID() string { return attemptID(a.DeliveryID, a.Number) }

// Delivered reports whether the attempt was a success.
func (a *Attempt) Delivered() bool { return a.Cause == "" }

// Duration returns how long the whole exchange took.
func (a *Attempt) Duration() time.Duration { return time.Duration(a.DurationUs) * time.Microsecond }

// Timings returns the parts of the exchange.
func (a *Attempt) Timings() webhook.Timings {
	us := func(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
	return webhook.Timings{DNS: us(a.DNSUs), Connect: us(a.ConnectUs), TLS: us(a.TLSUs), FirstByte: us(a.FirstByteUs)}
}
