package views

import (
	"strconv"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// part is one stretch of the timings bar, with its geometry in a drawing 400
// wide.
type part struct {
	class, label string
	took         time.Duration
	x, width     string
}

// timingParts lays out the parts that were reached.
func timingParts(t webhook.Timings) []part {
	all := []part{
		{class: "t-dns", label: "DNS", took: t.DNS}, {class: "t-connect", label: "Connect", took: t.Connect},
		{class: "t-tls", label: "TLS", took: t.TLS}, {class: "t-wait", label: "First byte", took: t.FirstByte},
	}
	var parts []part
	var sum time.Duration
	for _, p := range all {
		if p.took > 0 {
			parts = append(parts, p)
			sum += p.took
		}
	}
	at := 0.0
	for i := range parts {
		width := 400 * float64(parts[i].took) / float64(sum)
		parts[i].x = strconv.FormatFloat(at, 'f', 1, 64)
		parts[i].width = strconv.FormatFloat(max(width-1, 1), 'f', 1, 64)
		at += width
	}
	return parts
}

// attemptLine returns "Mon 20 April, 05:24:09.114 UTC, 192 ms from 203.0.113.24".
func attemptLine(now time.Time, a *models.Attempt) string {
	line := ui.FormatFull(now, a.StartedAt) + a.StartedAt.UTC().Format(".000") + " UTC, " + ui.FormatTook(a.Duration())
	if a.RemoteAddress != "" {
		line += " from " + a.RemoteAddress
	}
	if a.TLSVersion != "" {
		line += ", " + a.TLSVersion
	}
	return line
}

// noResponse says why there is no response to show.
func noResponse(a *models.Attempt) string {
	if a.Error != "" {
		return a.Error
	}
	what, _ := a.Cause.Advice(a.StatusCode)
	return what
}

// resultTitle is what came of an attempt, in one sentence.
func resultTitle(a *models.Attempt) string {
	if a.Delivered() {
		return "Delivered"
	}
	what, _ := a.Cause.Advice(a.StatusCode)
	return strings.TrimSuffix(what, ".")
}
