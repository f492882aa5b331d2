package models

import (
	"time"
)

// EndpointState is what holds an endpoint's deliveries back, and how it fares.
// While HeldUntil lies ahead the due scan passes the endpoint by: one row holds
// back any number of deliveries. Failures counts those in a row that speak
// against the endpoint; RateFreeUs is when its rate limit has nothing left to wait for.
type EndpointState struct {
	EndpointID    string `gorm:"primaryKey"`
	HeldUntil     *time.Time
	HeldBecause   Hold
	Failures      int
	RateFreeUs    int64 // Unix microseconds
	LastSuccessAt *time.Time
	LastFailureAt *time.Time
	Failing
}

// Hold is why an endpoint's deliveries are held back.
type Hold string

// HeldByCircuit is an open circuit.
const HeldByCircuit Hold = "circuit"

// Circuit is the state of an endpoint's circuit breaker.
type Circuit string

// The circuit's states: closed lets everything through, open nothing, half-open
// one request that decides.
const (
	CircuitClosed   Circuit = "closed"
	CircuitOpen     Circuit = "open"
	CircuitHalfOpen Circuit = "half-open"
)

// circuitThreshold is how many failures in a row open a circuit.
const circuitThreshold = 5

// EndpointResults is what a group of results says of one endpoint.
type EndpointResults struct {
	EndpointID       string
	Success, Failure time.Time
	Answered         bool // something came back that speaks for the endpoint
	Failures         int  // in a row, since then
	Gone             bool

	// The first and the last failure since the success, if there was one, but for
	// what was cut off here.
	MissedFrom, Missed time.Time
}

// Changes reports whether there is anything to write to a state. What is kept of
// the last success and failure is renewed only where it is from before stale.
func (h *EndpointResults) Changes(state *EndpointState, stale time.Time) bool {
	old := func(kept *time.Time, seen time.Time) bool {
		return !seen.IsZero() && (kept == nil || kept.Before(stale))
	}
	return h.Turns(state) || old(state.LastSuccessAt, h.Success) || old(state.LastFailureAt, h.Failure)
}

// Turns reports whether a state's circuit, or what it is judged by, changes.
func (h *EndpointResults) Turns(state *EndpointState) bool {
	return h.Failures > 0 || state.moves(h) || h.Answered && (state.Failures > 0 || state.HeldBecause == HeldByCircuit)
}

// What becomes of a circuit: nothing, or it opens or closes.
const (
	KeepCircuit  = ""
	OpenCircuit  = "open"
	CloseCircuit = "close"
)

// Judge returns the failures in a row and what becomes of the circuit.
func (s *EndpointState) Judge(h *EndpointResults) (failures int, action string) {
	failures = h.Failures
	if !h.Answered {
		failures += s.Failures
	}
	switch {
	case h.Failures > 0 && failures >= circuitThreshold:
		return failures, OpenCircuit
	case h.Answered && s.HeldBecause == HeldByCircuit:
		return failures, CloseCircuit
	}
	return failures, KeepCircuit
}

// Circuit returns the circuit's state at a time.
func (s *EndpointState) Circuit(now time.Time) Circuit {
	switch {
	case s.HeldBecause != HeldByCircuit || s.HeldUntil == nil:
		return CircuitClosed
	case now.Before(*s.HeldUntil):
		return CircuitOpen
	default:
		return CircuitHalfOpen
	}
}
