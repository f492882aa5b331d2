// Faults runs the fault suite, prints its table and writes it to a page:
//
//	faults [-write docs/reliability.md] [-rate 40] [-at-once 8] [-short] [-only NAME]
//
// It exits with 1 when anything was lost, or is wrong in any other way.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"hookwell/internal/faults"
	"hookwell/internal/program"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "receiver" {
		exit(faults.ServeReceiver(os.Stdin, os.Stdout))
	}
	o := faults.Options{Log: os.Stderr}
	page := flag.String("write", "", "write the table to this page")
	flag.IntVar(&o.Rate, "rate", 40, "events a second; each goes to three endpoints")
	flag.IntVar(&o.AtOnce, "at-once", 8, "faults that run side by side")
	flag.BoolVar(&o.Short, "short", false, "the short form")
	flag.StringVar(&o.Only, "only", "", "run one fault alone")
	flag.Parse()
	exit(run(o, *page))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(o faults.Options, page string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	folder, err := os.MkdirTemp("", "hookwell-faults-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	o.Binary = filepath.Join(folder, "hookwell")
	if err := program.Build(ctx, o.Binary); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o.Receiver = []string{self, "receiver"}
	rows, err := faults.Run(ctx, o)
	fmt.Print(faults.Print(rows))
	if err != nil {
		return err
	}
	for _, row := range rows {
		if len(row.Wrong) > 0 {
			return errors.New("the promise was not kept")
		}
	}
	if page != "" {
		return faults.Write(page, rows)
	}
	return nil
}
