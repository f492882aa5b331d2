package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hookwell/internal/program"
)

// Options are what is measured, and how much of it. The zero value measures
// nothing; Defaults does.
type Options struct {
	Binary   string // the program; empty builds it
	Rounds   int
	Only     []string      // names of Cases; empty is all of them but those that take long
	Count    int           // events of a throughput run
	Limit    time.Duration // the longest that a run reports events
	Idle     time.Duration // how long the idle process is watched
	Embedded bool          // measure the embedded default: SQLite and the Redis inside
	Profile  bool          // keep profiles of the hookwell process, and print the top of them
	Old      int           // deliveries of a made-up past that the growth runs are repeated on
	Out      io.Writer     // progress, for people
	Folder   string        // where profiles go
	Warm     int           // events before the first round, which are checked but not measured
}

// Defaults returns the options of `task bench`.
func Defaults() Options {
	return Options{Rounds: 3, Count: 20000, Limit: 30 * time.Second, Idle: 30 * time.Second, Warm: 2000, Old: 2_000_000, Out: io.Discard}
}

// bench is a run of all cases.
type bench struct {
	Options
	services         *services
	receiver, driver *role
	bare             *role // nil unless its case is measured
	receiverAddress  string
	secure           Secure
	folder           string
	report           *Report
	round            int
	opened           []*installation // that cases made for themselves
}

// measureCase measures one thing, once.
type measureCase struct {
	name     string
	long     bool // only when it is asked for
	postgres bool // it needs a Postgres
	installs bool // it makes installations by itself, and is measured when no other is there
	prepare  func(context.Context, *bench, *installation) (measure, error)
}

// fits reports whether a case can be measured with the options.
func (c measureCase) fits(o *Options) bool { return !o.Embedded || !c.installs && !c.postgres }

// measure is one round of a case: it adds its figures.
type measure func(context.Context, *figures) error

// Cases names what can be measured, in order.
func Cases() []string {
	var names []string
	for _, c := range cases {
		names = append(names, c.name)
	}
	return names
}

// cases run in this order in each round.
var cases = []measureCase{
	{name: "plain", prepare: preparePlain},
	{name: "bare", postgres: true, prepare: prepareBare},
	{name: "throughput", prepare: prepareThroughput},
	{name: "keyless", prepare: prepareKeyless},
	{name: "tls", prepare: prepareTLS},
	{name: "large", prepare: prepareLarge},
	{name: "fanout", prepare: prepareFanout},
	{name: "latency", prepare: prepareLatency},
	{name: "batch", prepare: prepareBatch},
	{name: "receive", prepare: prepareReceive},
	{name: "idle", prepare: prepareIdle},
	{name: "isolation", installs: true, prepare: prepareIsolation},
	{name: "workers", installs: true, prepare: prepareWorkers},
	{name: "growth", installs: true, long: true, prepare: prepareGrowth},
}

// Run measures and answers the report. Its error wraps ErrWrong when an event
// was lost, doubled, changed or wrongly signed; the report then holds what was
// measured besides. Everything that it starts ends with it.
func Run(ctx context.Context, o Options) (_ *Report, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	b := &bench{Options: o}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.open(ctx); err != nil {
		return nil, err
	}
	err = b.measure(ctx)
	return b.report, err
}

func (o *Options) check() error {
	for _, name := range o.Only {
		at := slices.Index(Cases(), name)
		switch {
		case at < 0:
			return fmt.Errorf("there is no case %q: choose from %s", name, strings.Join(Cases(), ", "))
		case !cases[at].fits(o):
			return fmt.Errorf("the case %q needs Postgres and Redis: leave out -embedded", name)
		}
	}
	if o.Rounds < 1 || o.Count < 1 {
		return errors.New("rounds and events begin at 1")
	}
	return nil
}

func (b *bench) open(ctx context.Context) (err error) {
	if b.folder, err = os.MkdirTemp("", "hookwell-bench-"); err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	if b.Binary == "" {
		b.tell("building hookwell")
		b.Binary = filepath.Join(b.folder, "hookwell")
		if err := program.Build(ctx, b.Binary, b.flags()...); err != nil {
			return err
		}
	}
	if !b.Embedded {
		b.tell("starting Postgres and Redis")
		if b.services, err = startServices(ctx, b.Profile); err != nil {
			return err
		}
	}
	if b.receiver, err = startRole(receiverRole); err != nil {
		return err
	}
	if b.driver, err = startRole(driverRole); err != nil {
		return err
	}
	if err := b.receiver.call(ctx, "Address", struct{}{}, &b.receiverAddress); err != nil {
		return err
	}
	if err := b.receiver.call(ctx, "Secure", struct{}{}, &b.secure); err != nil {
		return err
	}
	if err := os.WriteFile(b.certificate(), b.secure.Certificate, 0o600); err != nil {
		return fmt.Errorf("keeping the receiver's certificate: %w", err)
	}
	b.report, err = newReport(ctx, b)
	return err
}

// certificate returns the file with the receiver's certificate, which installations trust.
func (b *bench) certificate() string { return filepath.Join(b.folder, "receiver.pem") }

// flags returns those of `task build`.
func (b *bench) flags() []string {
	flags := []string{"-trimpath", "-ldflags=-s -w"}
	if b.Profile {
		flags = append(flags, "-tags=profile")
	}
	return flags
}

func (b *bench) close() error {
	var errs []error
	for _, r := range []*role{b.bare, b.driver, b.receiver} {
		if r != nil {
			errs = append(errs, r.close())
		}
	}
	if b.folder != "" {
		errs = append(errs, os.RemoveAll(b.folder))
	}
	return errors.Join(append(errs, b.services.close())...)
}

func (b *bench) tell(format string, arguments ...any) {
	fmt.Fprintf(b.Out, "%s %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, arguments...))
}

// measure runs the cases: first those that share an installation.
func (b *bench) measure(ctx context.Context) error {
	var wrong []error
	if shared := b.chosen(false); len(shared) > 0 {
		i, err := b.install(ctx, setup{commands: [][]string{{"serve"}}})
		if err != nil {
			return err
		}
		err = b.rounds(ctx, i, shared)
		if err := errors.Join(err, i.close()); err != nil && !errors.Is(err, ErrWrong) {
			return err
		}
		wrong = append(wrong, err)
	}
	err := b.rounds(ctx, nil, b.chosen(true))
	for _, i := range b.opened {
		err = errors.Join(err, i.close())
	}
	return errors.Join(append(wrong, err)...)
}

// rounds measures cases round by round, so that what else the machine does
// falls on all of them.
func (b *bench) rounds(ctx context.Context, i *installation, chosen []measureCase) error {
	if i != nil {
		if err := b.warm(ctx, i); err != nil {
			return err
		}
	}
	measures := make([]measure, len(chosen))
	for n, c := range chosen {
		var err error
		if measures[n], err = c.prepare(ctx, b, i); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	var wrong []error
	for b.round = range b.Rounds {
		for n, c := range chosen {
			b.tell("round %d of %d: %s", b.round+1, b.Rounds, c.name)
			err := measures[n](ctx, &b.report.Figures)
			if err != nil && !errors.Is(err, ErrWrong) {
				return fmt.Errorf("%s: %w: %s", c.name, err, i.said())
			}
			if err != nil {
				b.tell("%s: %v", c.name, err)
				b.report.Faults = append(b.report.Faults, c.name+": "+err.Error())
				wrong = append(wrong, fmt.Errorf("%s: %w", c.name, err))
			}
		}
	}
	return errors.Join(wrong...)
}

// said returns the end of what the processes said.
func (i *installation) said() (all string) {
	if i == nil {
		return ""
	}
	for _, s := range i.servers {
		all += s.Output()
	}
	return all
}

// chosen returns the cases that were asked for and install by themselves, or don't.
func (b *bench) chosen(install bool) []measureCase {
	return slices.DeleteFunc(slices.Clone(cases), func(c measureCase) bool {
		return c.installs != install || !c.fits(&b.Options) || len(b.Only) == 0 && c.long || len(b.Only) > 0 && !slices.Contains(b.Only, c.name)
	})
}

const warmName = "warm"

// warm fills caches and pools before anything is measured.
func (b *bench) warm(ctx context.Context, i *installation) error {
	if b.Warm == 0 {
		return nil
	}
	s, err := b.fan(ctx, i, warmName, 1)
	if err != nil {
		return err
	}
	_, err = b.drive(ctx, i, s, b.load(b.Warm))
	return err
}

// connections is how many the driver and the plain client have.
const connections = 32

func (b *bench) load(count int) Load {
	return Load{Count: count, Limit: b.Limit, Connections: connections}
}
