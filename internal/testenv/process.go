package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startLimit = time.Minute
	stopLimit  = 20 * time.Second
	pollEvery  = 5 * time.Millisecond
)

// Process is a server that belongs to this process alone: on its own loopback
// port, with its data in its own temporary folder. Its address stays the same
// over Stop, Kill and Start. It ends with this process, however that ends.
// Its methods may be called from several goroutines.
type Process struct {
	name   string
	url    string
	folder *folder
	// command makes the command of one run.
	command func() *exec.Cmd
	// answering tells the process id of whatever answers at url.
	answering func(context.Context) (int, error)
	stopWith  syscall.Signal

	mu     sync.Mutex
	run    *exec.Cmd
	exited chan struct{}
}

// URL returns the server's address with its password, as the product's own settings
// take it.
func (p *Process) URL() string { return p.url }

// PID returns the server's process id, 0 while it is stopped.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid()
}

func (p *Process) pid() int {
	if p.run == nil {
		return 0
	}
	return p.run.Process.Pid
}

// Start runs the stopped server again and returns once it answers. It fails
// when the server runs already, when it ends while starting, when another
// process answers in its place, and after a minute.
func (p *Process) Start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run != nil {
		return fmt.Errorf("starting %s: it runs already", p.name)
	}
	log, err := os.Create(p.logPath())
	if err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	defer log.Close()
	run := p.command()
	run.Stdout, run.Stderr = log, log
	if run.SysProcAttr == nil {
		run.SysProcAttr = &syscall.SysProcAttr{}
	}
	// Its own group: an interrupt from the terminal is for the tests, which
	// then stop their servers in order.
	run.SysProcAttr.Setpgid = true
	if err := run.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	p.folder.guard(run.Process.Pid)
	exited := make(chan struct{})
	p.run, p.exited = run, exited
	go func() {
		// How it ended is in its log.
		_ = run.Wait()
		p.folder.guard(0)
		close(exited)
	}()
	if err := p.awaitAnswer(ctx); err != nil {
		return errors.Join(err, p.end(syscall.SIGKILL))
	}
	return nil
}

func (p *Process) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		pid, err := p.answering(ctx)
		if err == nil && pid != p.pid() {
			return fmt.Errorf("starting %s: process %d answers at its address, not process %d", p.name, pid, p.pid())
		}
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("starting %s: it ended at once: %s", p.name, p.logEnd())
		case <-ctx.Done():
			return fmt.Errorf("starting %s: no answer: %w: %s", p.name, err, p.logEnd())
		case <-time.After(pollEvery):
		}
	}
}

// Stop ends the server in order: it says goodbye to its clients and writes what
// it keeps. A stopped server stays stopped until Start.
func (p *Process) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end(p.stopWith)
}

// Kill ends the server and its children with SIGKILL, as a crash would.
func (p *Process) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end(syscall.SIGKILL)
}

// Pause freezes the server and its children: connections stay open, nothing
// answers. Resume, Stop and Kill end a pause.
func (p *Process) Pause() error { return p.signal(syscall.SIGSTOP) }

// Resume lets a paused server go on.
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

// Close stops the server and removes its folder. It can't be started again.
func (p *Process) Close() error {
	return errors.Join(p.Stop(), p.folder.remove())
}

func (p *Process) signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return fmt.Errorf("%s does not run", p.name)
	}
	// The parent first: stopped, it makes no further children.
	if err := p.run.Process.Signal(sig); err != nil {
		return fmt.Errorf("sending %s to %s: %w", sig, p.name, err)
	}
	signalAll(childrenOf(p.pid()), sig)
	return nil
}

func (p *Process) end(sig syscall.Signal) error {
	if p.run == nil {
		return nil
	}
	children := childrenOf(p.pid())
	// A process that has ended already can't be signalled, which is as well.
	_ = p.run.Process.Signal(sig)
	if sig == syscall.SIGKILL {
		signalAll(children, sig)
	}
	_ = p.run.Process.Signal(syscall.SIGCONT)
	signalAll(children, syscall.SIGCONT)
	var err error
	select {
	case <-p.exited:
	case <-time.After(stopLimit):
		err = fmt.Errorf("stopping %s: still running after %s, killed: %s", p.name, stopLimit, p.logEnd())
		signalAll(append(children, p.pid()), syscall.SIGKILL)
		<-p.exited
	}
	p.run = nil
	// Postgres refuses to start while a child of its last run is left.
	return errors.Join(err, awaitGone(children))
}

func (p *Process) logPath() string { return filepath.Join(p.folder.path, "log") }

// logEnd returns the end of what the server's last run wrote.
func (p *Process) logEnd() string {
	const most = 2000
	log, err := os.ReadFile(p.logPath())
	if err != nil {
		return err.Error()
	}
	log = bytes.TrimSpace(log[max(0, len(log)-most):])
	if len(log) == 0 {
		return "its log is empty"
	}
	return "its log ends with: " + strings.ToValidUTF8(string(log), "")
}
