package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// What the hookwell process writes when it was built with the tag "profile".
const (
	cpuProfile    = "cpu"
	allocsBefore  = "allocs-before"
	allocsProfile = "allocs"
	mutexProfile  = "mutex"
	lastProfile   = "goroutine"
)

const (
	profileLimit = 20 * time.Second
	profileEvery = 20 * time.Millisecond
)

// profiling is a run that is looked at from inside: the serving process's
// profiles, Postgres's statements and rows, Redis's commands.
type profiling struct {
	b      *bench
	i      *installation
	name   string
	before usage
}

// beginProfile begins to look at a run; it does nothing unless that was asked
// for, and in runs that leave the machine idle.
func (b *bench) beginProfile(ctx context.Context, i *installation, name string, load Load) (*profiling, error) {
	if !b.Profile || load.Rate > 0 || name == warmName {
		return nil, nil
	}
	p := &profiling{b: b, i: i, name: name}
	for _, name := range []string{cpuProfile, allocsProfile, lastProfile} {
		os.Remove(p.path(name))
	}
	var err error
	if i.services != nil {
		if err := awaitStatistics(ctx); err != nil {
			return nil, err
		}
		if p.before, err = i.usage(ctx); err != nil {
			return nil, err
		}
		if _, err := i.db.ExecContext(ctx, "SELECT pg_stat_statements_reset()"); err != nil {
			return nil, fmt.Errorf("looking at Postgres: %w", err)
		}
	}
	return p, p.signal()
}

func (p *profiling) signal() error { return syscall.Kill(p.i.servers[0].PID(), syscall.SIGUSR1) }

func (p *profiling) path(name string) string {
	return filepath.Join(p.i.folder, fmt.Sprintf("hookwell-%d.%s.prof", p.i.servers[0].PID(), name))
}

// end writes what was seen into the folder for profiles, and prints it.
func (p *profiling) end(ctx context.Context, deliveries int) error {
	if p == nil {
		return nil
	}
	if err := errors.Join(p.signal(), p.await(ctx, lastProfile)); err != nil {
		return err
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s: %d deliveries\n", p.name, deliveries)
	if err := errors.Join(p.tops(ctx, &text), p.keep()); err != nil {
		return err
	}
	if p.i.services != nil {
		if err := p.i.describeUsage(ctx, &text, p.before, deliveries); err != nil {
			return err
		}
	}
	fmt.Fprintln(p.b.Out, text.String())
	return os.WriteFile(filepath.Join(p.b.Folder, p.name+".txt"), text.Bytes(), 0o644)
}

func (p *profiling) await(ctx context.Context, name string) error {
	late := time.After(profileLimit)
	for {
		if _, err := os.Stat(p.path(name)); err == nil {
			return nil
		}
		select {
		case <-time.After(profileEvery):
		case <-late:
			return fmt.Errorf("the hookwell process wrote no profile within %s", profileLimit)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// tops writes the largest entries of each profile.
func (p *profiling) tops(ctx context.Context, out io.Writer) error {
	const entries = "-nodecount=40"
	for _, arguments := range [][]string{
		{"-top", entries, p.path(cpuProfile)},
		{"-top", "-cum", entries, p.path(cpuProfile)},
		{"-top", entries, "-sample_index=alloc_space", "-base=" + p.path(allocsBefore), p.path(allocsProfile)},
		{"-top", "-cum", entries, "-sample_index=alloc_space", "-base=" + p.path(allocsBefore), p.path(allocsProfile)},
		{"-top", "-nodecount=15", p.path(mutexProfile)},
	} {
		said, err := exec.CommandContext(ctx, "go", append([]string{"tool", "pprof"}, arguments...)...).Output()
		if err != nil {
			return fmt.Errorf("reading a profile: %w", err)
		}
		fmt.Fprintf(out, "\n== pprof %s\n%s", strings.Join(arguments[:len(arguments)-1], " "), said)
	}
	return nil
}

// keep copies the profiles to where they outlast the run.
func (p *profiling) keep() error {
	if err := os.MkdirAll(p.b.Folder, 0o755); err != nil {
		return err
	}
	for _, name := range []string{cpuProfile, allocsBefore, allocsProfile, mutexProfile} {
		content, err := os.ReadFile(p.path(name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(p.b.Folder, p.name+"."+name+".prof"), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
