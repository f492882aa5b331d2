package main

import (
	"math"
	"math/rand/v2"
	"time"

	"hookwell/webhook"
)

var names = []string{"Acme Robotics", "Northwind Parts", "Globex Energy", "Initech Payments", "Umbra Health", "Stark Logistics", "Wayne Foods", "Hooli Cloud"}

// profile is how a receiver behaves.
type profile struct {
	name, path string
	types      []string
	seconds    []int         // its own schedule
	median     time.Duration // of its answers
	stale      bool          // disabled some days ago
	// answer is what becomes of an attempt; a status of 0 is no answer.
	answer func(age time.Duration, at time.Time, number int, draw *rand.Rand) (webhook.Cause, int)
}

// known are the first endpoints of every organization.
var known = []*profile{
	{name: "Production API", path: "hooks/hookwell", types: []string{"*"}, median: 84 * time.Millisecond, answer: mostly(0.001, 503)},
	{name: "Billing sync", path: "billing/webhooks", types: []string{"payment.*", "subscription.*"}, seconds: []int{0, 30, 300, 1800}, median: 160 * time.Millisecond, answer: nightly},
	{name: "CRM bridge", path: "in/crm", types: []string{"org.*"}, median: 110 * time.Millisecond, answer: since(4*day, 401)},
	{name: "Data warehouse", path: "events", types: []string{"*"}, median: 38 * time.Millisecond, answer: mostly(0.0005, 502)},
	{name: "Security log", path: "siem/ingest", types: []string{"security.*", "api_key.*"}, median: 55 * time.Millisecond, answer: mostly(0, 0)},
	{name: "Support desk", path: "tickets/new", types: []string{"payment.failed", "subscription.cancelled"}, seconds: []int{0, 60, 300, 1800}, median: 420 * time.Millisecond, answer: mostly(0.35, 500)},
	{name: "Partner feed", path: "partner/feed", types: []string{"subscription.*"}, seconds: []int{0, 60, 600}, median: 900 * time.Millisecond, answer: refuses(0.2, 422)},
	{name: "Staging", path: "staging", types: []string{"*"}, seconds: []int{0, 60, 600}, median: 70 * time.Millisecond, answer: unsteady, stale: true},
	{name: "Offboarding", path: "offboarding", types: []string{"org.deleted"}, median: 60 * time.Millisecond, answer: mostly(0, 0)},
}

// more are the others, in turn: one narrow interest each.
var more = []*profile{
	{name: "Ledger", path: "ledger", types: []string{"payment.refunded"}, median: 120 * time.Millisecond, answer: mostly(0.002, 503)},
	{name: "Welcome mails", path: "mails", types: []string{"org.member.added"}, median: 210 * time.Millisecond, answer: mostly(0.01, 429)},
	{name: "Quota service", path: "quota", types: []string{"subscription.updated"}, median: 48 * time.Millisecond, answer: mostly(0.001, 500)},
	{name: "Key inventory", path: "keys", types: []string{"api_key.*"}, median: 66 * time.Millisecond, answer: mostly(0.001, 500)},
	{name: "Dunning", path: "dunning", types: []string{"payment.failed"}, median: 140 * time.Millisecond, answer: mostly(0.004, 504)},
}

func profileAt(i int) *profile {
	if i < len(known) {
		return known[i]
	}
	return more[(i-len(known))%len(more)]
}

type answer = func(age time.Duration, at time.Time, number int, draw *rand.Rand) (webhook.Cause, int)

// mostly answers well, but for a share of single attempts.
func mostly(share float64, status int) answer {
	return func(_ time.Duration, _ time.Time, _ int, draw *rand.Rand) (webhook.Cause, int) {
		if draw.Float64() < share {
			return webhook.CauseStatus, status
		}
		return "", 204
	}
}

// refuses takes a share of deliveries at no attempt.
func refuses(share float64, status int) answer {
	return func(_ time.Duration, at time.Time, number int, draw *rand.Rand) (webhook.Cause, int) {
		if number == 1 && draw.Float64() < share || number > 1 {
			return webhook.CauseStatus, status
		}
		return "", 200
	}
}

// since refuses everything from so long ago on.
func since(age time.Duration, status int) answer {
	return func(ago time.Duration, _ time.Time, _ int, _ *rand.Rand) (webhook.Cause, int) {
		if ago < age {
			return webhook.CauseStatus, status
		}
		return "", 204
	}
}

// nightly times out between midnight and four, one night in five.
func nightly(_ time.Duration, at time.Time, _ int, draw *rand.Rand) (webhook.Cause, int) {
	if at.Hour() < 4 && at.YearDay()%5 == 0 && draw.Float64() < 0.8 {
		return webhook.CauseTimeout, 0
	}
	if draw.Float64() < 0.0008 {
		return webhook.CauseReset, 0
	}
	return "", 200
}

// unsteady returns a machine that is often away.
func unsteady(_ time.Duration, at time.Time, _ int, draw *rand.Rand) (webhook.Cause, int) {
	if at.Hour()%12 != 3 || draw.Float64() < 0.3 {
		return "", 200
	}
	return []webhook.Cause{webhook.CauseRefused, webhook.CauseDNS, webhook.CauseTLS, webhook.CauseConnect}[at.Day()%4], 0
}

// takes returns how long an answer took.
func (p *profile) takes(cause webhook.Cause, draw *rand.Rand) time.Duration {
	if cause == webhook.CauseTimeout {
		return 15*time.Second + time.Duration(draw.IntN(3000))*time.Microsecond
	}
	spread := math.Exp(0.45 * draw.NormFloat64())
	return min(time.Duration(float64(p.median)*spread), 14*time.Second).Truncate(time.Microsecond)
}
