package api

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"hookwell/models"
	"hookwell/webhook"
)

type attemptAnswer struct {
	ID            string          `json:"id" jsonschema:"The attempt's id."`
	DeliveryID    string          `json:"deliveryId" jsonschema:"Its delivery."`
	Number        int             `json:"number" jsonschema:"Its number, from 1."`
	Trigger       models.Trigger  `json:"trigger" jsonschema:"Why it was made: by the schedule, by a person (a resend), or as a test."`
	StartedAt     stamp           `json:"startedAt" jsonschema:"When it began."`
	DurationMs    float64         `json:"durationMs" jsonschema:"How long the exchange took."`
	StatusCode    *int            `json:"statusCode" jsonschema:"The status that came back; null when none did."`
	Cause         *string         `json:"cause" jsonschema:"Why it failed; null after a success."`
	Error         *string         `json:"error" jsonschema:"The same in a sentence."`
	Note          *string         `json:"note" jsonschema:"What was wrong with the response's body, if anything."`
	Requests      int             `json:"requests" jsonschema:"How many HTTP requests it began: one; two if the first one's connection was gone before a byte was written; none without a connection."`
	RemoteAddress *string         `json:"remoteAddress" jsonschema:"The address that was connected to."`
	Timings       timingsAnswer   `json:"timings" jsonschema:"How long its parts took."`
	Request       requestAnswer   `json:"request" jsonschema:"What was sent."`
	Response      *responseAnswer `json:"response" jsonschema:"What came back; null when nothing did."`
}

type timingsAnswer struct {
	DNSMs       *float64 `json:"dnsMs" jsonschema:"Looking up the name; null where it was not needed."`
	ConnectMs   *float64 `json:"connectMs" jsonschema:"Connecting; null on a kept connection."`
	TLSMs       *float64 `json:"tlsMs" jsonschema:"The TLS handshake; null without one."`
	FirstByteMs *float64 `json:"firstByteMs" jsonschema:"From the request to the first byte of the answer."`
}

type requestAnswer struct {
	URL     string       `json:"url" jsonschema:"The address that was called."`
	Headers headerObject `json:"headers" jsonschema:"Headers by name in lower case; secret values masked."`
	Body    string       `json:"body" jsonschema:"The signed text, as it was sent."`
}

type responseAnswer struct {
	Headers      headerObject `json:"headers" jsonschema:"Headers by name in lower case; repeated ones joined."`
	Body         string       `json:"body" jsonschema:"At most 16 KiB of it; text is converted to UTF-8."`
	BodyEncoding string       `json:"bodyEncoding" jsonschema:"base64 when the body is not text in UTF-8 or in the character set that its Content-Type names."`
	Truncated    bool         `json:"truncated" jsonschema:"Whether the body was longer."`
}

func shapeAttempt(a *models.Attempt, body string) attemptAnswer {
	shape := attemptAnswer{ID: a.ID(), DeliveryID: a.DeliveryID, Number: a.Number, Trigger: a.Trigger, StartedAt: stamp(a.StartedAt),
		DurationMs: milliseconds(a.Duration()), Cause: textOrNull(string(a.Cause)), Error: textOrNull(a.Error), Note: textOrNull(a.Note), Requests: a.Requests,
		RemoteAddress: textOrNull(a.RemoteAddress), Timings: shapeTimings(a.Timings()),
		Request: requestAnswer{URL: a.RequestURL, Headers: joinHeaders(a.RequestHeaders), Body: body}}
	if a.StatusCode != 0 {
		shape.StatusCode, shape.Response = &a.StatusCode, shapeResponse(a)
	}
	return shape
}

func shapeResponse(a *models.Attempt) *responseAnswer {
	shape := &responseAnswer{Headers: joinHeaders(a.ResponseHeaders), Body: string(a.ResponseBody), BodyEncoding: "utf-8", Truncated: a.Truncated}
	if !utf8.Valid(a.ResponseBody) {
		shape.Body, shape.BodyEncoding = base64.StdEncoding.EncodeToString(a.ResponseBody), "base64"
	}
	return shape
}

func shapeTimings(t webhook.Timings) timingsAnswer {
	reached := func(d time.Duration) *float64 {
		if d == 0 {
			return nil
		}
		ms := milliseconds(d)
		return &ms
	}
	return timingsAnswer{DNSMs: reached(t.DNS), ConnectMs: reached(t.Connect), TLSMs: reached(t.TLS), FirstByteMs: reached(t.FirstByte)}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// headerObject is header fields as one JSON object, name to value, in their
// order.
type headerObject []webhook.Header

// MarshalJSONTo writes the object.
func (h headerObject) MarshalJSONTo(to *jsontext.Encoder) error {
	if err := to.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, header := range h {
		for _, text := range []string{header.Name, header.Value} {
			if err := to.WriteToken(jsontext.String(text)); err != nil {
				return err
			}
		}
	}
	return to.WriteToken(jsontext.EndObject)
}

// joinHeaders gives every name once, in lower case. Repeated fields are joined
// by ", " as RFC 9110, section 5.3, allows for all but Set-Cookie, whose values
// stand on lines of their own, in their order.
func joinHeaders(headers []webhook.Header) headerObject {
	joined := make(headerObject, 0, len(headers))
	for _, h := range headers {
		name := strings.ToLower(h.Name)
		at := slices.IndexFunc(joined, func(have webhook.Header) bool { return have.Name == name })
		switch {
		case at < 0:
			joined = append(joined, webhook.Header{Name: name, Value: h.Value})
		case name == "set-cookie":
			joined[at].Value += "\n" + h.Value
		default:
			joined[at].Value += ", " + h.Value
		}
	}
	return joined
}
