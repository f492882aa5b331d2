package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Options are what a run is made of.
type Options struct {
	Binary   string   // the built program
	Receiver []string // a command that runs ServeReceiver
	Rate     int      // events a second; each goes to three endpoints
	AtOnce   int      // faults that run side by side, each in an installation of its own
	Short    bool     // leave out what takes long, and shorten the rest
	Only     string   // the one fault to run; "" is all
	Log      io.Writer
}

// Fault is something that the world does.
type Fault struct {
	Name    string
	Meaning string // what its row means for an operator
	short   bool   // it is part of the short form
	// do brings the fault about, under load, and returns when it is over and the
	// load has ended.
	do       func(ctx context.Context, s *site) error
	postgres []string          // settings
	off      time.Duration     // by how much its clock differs
	met      func(r *Row) bool // whether the counts show that the moment was met; nil is always
}

// Run does all faults and answers a row for each, in their order. It fails when
// a fault could not be brought about; what the promise does not allow is in the
// rows.
func Run(ctx context.Context, o Options) ([]Row, error) {
	chosen := chosen(o)
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no fault is named %q", o.Only)
	}
	rows, errs := make([]Row, len(chosen)), make([]error, len(chosen))
	places := make(chan struct{}, max(1, o.AtOnce))
	var running sync.WaitGroup
	for i, f := range chosen {
		places <- struct{}{} // in order, so that the long ones can stand first
		running.Go(func() {
			defer func() { <-places }()
			began := time.Now()
			rows[i], errs[i] = f.run(ctx, o)
			fmt.Fprintf(o.Log, "%-60s %s\n", f.Name, summary(rows[i], errs[i], time.Since(began)))
		})
	}
	running.Wait()
	return rows, errors.Join(errs...)
}

func summary(row Row, err error, took time.Duration) string {
	switch {
	case err != nil:
		return "could not be done: " + err.Error()
	case len(row.Wrong) > 0:
		return fmt.Sprintf("WRONG in %d ways (%s)", len(row.Wrong), took.Round(time.Second))
	}
	return fmt.Sprintf("held, %d deliveries (%s)", row.Accepted, took.Round(time.Second))
}

func chosen(o Options) (list []Fault) {
	for _, f := range faults() {
		if o.Only == f.Name || o.Only == "" && (f.short || !o.Short) {
			list = append(list, f)
		}
	}
	return list
}

func (f Fault) run(ctx context.Context, o Options) (row Row, err error) {
	row.Fault = f
	s, err := newSite(ctx, o, f)
	if err != nil {
		return row, fmt.Errorf("%s: %w", f.Name, err)
	}
	defer func() {
		if closing := s.close(); closing != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", f.Name, closing))
		}
	}()
	if err := f.do(ctx, s); err != nil {
		return row, fmt.Errorf("%s: %w%s", f.Name, err, s.said())
	}
	over := time.Now()
	if err := s.untilEnded(ctx); err != nil {
		return row, fmt.Errorf("%s: %w%s", f.Name, err, s.said())
	}
	e, err := s.evidence(ctx, over)
	if err != nil {
		return row, fmt.Errorf("%s: %w", f.Name, err)
	}
	row = e.account()
	row.Fault, row.Notes, row.Wrong = f, s.notes, append(row.Wrong, s.faulty...)
	if f.met != nil && !f.met(&row) {
		row.wrong("the moment was not met: %d attempts were cut off before they were sent, %d after", row.Unsent, row.Unrecorded)
	}
	return row, nil
}

// said returns the end of what the processes said, for an error.
func (s *site) said() (text string) {
	const most = 1500
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, p := range s.processes {
		out := p.Output()
		text += fmt.Sprintf("\nprocess %d said: …%s", i+1, out[max(0, len(out)-most):])
	}
	return text
}
