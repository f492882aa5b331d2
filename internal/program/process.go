package program

import (
	"bufio"
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"time"
)

const (
	startLimit = 30 * time.Second
	stopLimit  = 50 * time.Second // more than the grace of a stop
)

// Process is one running Hookwell.
type Process struct {
	URL  string // of a server; "" of workers
	run  *exec.Cmd
	mu   sync.Mutex
	out  bytes.Buffer
	done chan struct{}
}

var startLine = regexp.MustCompile(`Hookwell \S+ (?:on (http://\S+),|works on)`)

// Start starts a process and returns once it has said its start-up line. It
// fails with what the process said when it ends before that, and after 30 s.
func (i Installation) Start(args ...string) (*Process, error) {
	p := &Process{run: i.Command(args...), done: make(chan struct{})}
	pipe, err := p.run.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.run.Stderr = p
	if err := p.run.Start(); err != nil {
		return nil, fmt.Errorf("starting hookwell: %w", err)
	}
	started := make(chan string, 1)
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(pipe)
		for lines.Scan() {
			fmt.Fprintln(p, lines.Text())
			if m := startLine.FindStringSubmatch(lines.Text()); m != nil {
				started <- m[1]
			}
		}
		// How it ended is for who stopped it.
		_ = p.run.Wait()
	}()
	select {
	case p.URL = <-started:
		return p, nil
	case <-p.done:
		return nil, fmt.Errorf("hookwell ended at once:\n%s", p.Output())
	case <-time.After(startLimit):
		p.Kill()
		return nil, fmt.Errorf("hookwell did not start:\n%s", p.Output())
	}
}

// Write keeps what the process says.
func (p *Process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

// Output is what the process has said so far.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// PID returns the process id.
func (p *Process) PID() int { return p.run.Process.Pid }

// Kill ends the process as a power cut would, and waits until it is gone. One
// that has ended already needs none.
func (p *Process) Kill() {
	_ = p.run.Process.Signal(syscall.SIGKILL)
	<-p.done
}

// Pause freezes the process: its connections stay open, it does nothing.
func (p *Process) Pause() error { return p.run.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (p *Process) Resume() error { return p.run.Process.Signal(syscall.SIGCONT) }

// Terminate asks the process to stop and waits until it has; it tells how long
// that took. It fails when the process outlasts its own grace.
func (p *Process) Terminate() (time.Duration, error) {
	began := time.Now()
	_ = p.run.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return time.Since(began), nil
	case <-time.After(stopLimit):
		return stopLimit, fmt.Errorf("hookwell did not stop within %s:\n%s", stopLimit, p.Output())
	}
}
