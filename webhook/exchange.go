package webhook

import "time"

// Timings are the parts of an exchange; zero where a part was not reached or
// a kept connection made it needless.
type Timings struct{ DNS, Connect, TLS, FirstByte time.Duration }

// Exchange is what came of one attempt.
type Exchange struct {
	StartedAt       time.Time
	Duration        time.Duration
	StatusCode      int // 0 when no response came
	Cause           Cause
	Error           string // for people
	Note            string // such as a fault of the body after a 2xx
	RemoteAddress   string
	TLSVersion      string
	Timings         Timings
	RequestHeaders  []Header
	ResponseHeaders []Header
	ResponseBody    []byte // decompressed, at most 16 KiB
	Truncated       bool
	RetryAfter      time.Duration // asked for by a 429 or 5xx
}

func (e Exchange) Delivered() bool { return e.StatusCode >= 200 && e.StatusCode <= 299 }
