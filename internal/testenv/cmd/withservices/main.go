// Withservices runs a command with the services that tests need, started once
// for all the processes of that command:
//
//	withservices [-durable] go test ./...
//
// It hands on signals and exits with the command's status.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"hookwell/internal/testenv"
)

func main() {
	durable := flag.Bool("durable", false, "let Postgres commit to the disk, as in production")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: withservices [-durable] command [argument ...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	status, err := run(*durable, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "withservices:", err)
		status = max(status, 1)
	}
	os.Exit(status)
}

func run(durable bool, command []string) (status int, err error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	services, err := start(signals, durable)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, services.Close()) }()

	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), services.Environ()...)
	// A group of its own, so that a signal reaches the test binaries below the
	// command as well, and each of them once.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	go func() {
		for sig := range signals {
			// A command that ended in the meantime needs no signal.
			_ = syscall.Kill(-cmd.Process.Pid, sig.(syscall.Signal))
		}
	}()
	return exitStatus(cmd.Wait())
}

// start gives up when a signal comes while the services start.
func start(signals <-chan os.Signal, durable bool) (*testenv.Services, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case sig := <-signals:
			cancel(fmt.Errorf("ended by signal: %s", sig))
		case <-stop:
		}
	}()
	var settings []string
	if durable {
		settings = testenv.Durable()
	}
	services, err := testenv.StartServices(ctx, settings...)
	if err == nil {
		return services, nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	return nil, err
}

// exitStatus returns the command's own, or that of a shell whose command a signal
// ended: 128 and the signal's number.
func exitStatus(err error) (int, error) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, err
	}
	if wait, ok := exit.Sys().(syscall.WaitStatus); ok && wait.Signaled() {
		return 128 + int(wait.Signal()), nil
	}
	return exit.ExitCode(), nil
}
