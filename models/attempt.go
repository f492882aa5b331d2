package models

import (
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
