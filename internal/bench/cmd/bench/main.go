// Bench measures Hookwell on this machine; see docs/performance.md.
//
//	go tool task bench -- -rounds 1 -only throughput
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"hookwell/internal/bench"
)

func main() {
	if served, err := bench.ServeRole(os.Args); served {
		exit(err)
	}
	o := bench.Defaults()
	flag.StringVar(&o.Binary, "binary", "", "the program; empty builds it from the source")
	flag.IntVar(&o.Rounds, "rounds", o.Rounds, "how often each case is measured")
	flag.IntVar(&o.Count, "count", o.Count, "events of a throughput run")
	flag.DurationVar(&o.Limit, "limit", o.Limit, "the longest that a run reports events")
	flag.DurationVar(&o.Idle, "idle", o.Idle, "how long the idle process is watched")
	flag.IntVar(&o.Old, "old", o.Old, "deliveries of a made-up past that the growth runs are repeated on; 0 leaves them out")
	flag.BoolVar(&o.Embedded, "embedded", false, "measure the embedded default: SQLite and the Redis inside")
	flag.BoolVar(&o.Profile, "profile", false, "keep profiles of the hookwell process in tmp/profiles and print the top of them")
	only := flag.String("only", "", "cases, separated by commas, of "+strings.Join(bench.Cases(), ", "))
	results := flag.String("results", "bench/results", "the folder that the JSON goes into; empty writes none")
	page := flag.String("write", "", "a page to put the table into as well, such as docs/performance.md")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	o.Only = strings.FieldsFunc(*only, func(r rune) bool { return r == ',' })
	o.Out, o.Folder = os.Stderr, "tmp/profiles"
	exit(run(o, *results, *page))
}

func run(o bench.Options, folder, page string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	report, err := bench.Run(ctx, o)
	if report == nil {
		return err
	}
	if printErr := report.Print(os.Stdout); printErr != nil {
		return printErr
	}
	if err == nil && page != "" {
		err = report.Write(page)
	}
	if err != nil || folder == "" {
		return err
	}
	path, err := report.Save(folder)
	if err == nil {
		fmt.Println("saved in", path)
	}
	return err
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
