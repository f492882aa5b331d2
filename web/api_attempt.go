package web

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
	ID            string          `json:"id"`
	DeliveryID    string          `json:"deliveryId"`
	Number        int             `json:"number"`
	Trigger       models.Trigger  `json:"trigger"`
	StartedAt     stamp           `json:"startedAt"`
	DurationMs    float64         `json:"durationMs"`
	StatusCode    *int            `json:"statusCode"`
	Cause         *string         `json:"cause"`
	Error         *string         `json:"error"`
	Note          *string         `json:"note"`
	RemoteAddress *string         `json:"remoteAddress"`
	Timings       timingsAnswer   `json:"timings"`
	Request       requestAnswer   `json:"request"`
	Response      *responseAnswer `json:"response"`
}

type timingsAnswer struct {
	DNSMs       *float64 `json:"dnsMs"`
	ConnectMs   *float64 `json:"connectMs"`
	TLSMs       *float64 `json:"tlsMs"`
	FirstByteMs *float64 `json:"firstByteMs"`
}

type requestAnswer struct {
	URL     string       `json:"url"`
	Headers headerObject `json:"headers"`
	Body    string       `json:"body"`
}

type responseAnswer struct {
	Headers      headerObject `json:"headers"`
	Body         string       `json:"body"`
	BodyEncoding string       `json:"bodyEncoding"`
	Truncated    bool         `json:"truncated"`
}

func shapeAttempt(a *models.Attempt, body string) attemptAnswer {
	shape := attemptAnswer{ID: a.ID(), DeliveryID: a.DeliveryID, Number: a.Number, Trigger: a.Trigger, StartedAt: stamp(a.StartedAt),
		DurationMs: milliseconds(a.Duration()), Cause: textOrNull(string(a.Cause)), Error: textOrNull(a.Error), Note: textOrNull(a.Note),
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
