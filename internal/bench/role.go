package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// The processes beside the program under test.
const (
	receiverRole = "receiver"
	driverRole   = "driver"
	bareRole     = "bare"
)

// ServeRole does the work of one of the processes that a run starts, if that is
// what the arguments ask for, and tells whether it was. It is called first of
// all in a program that calls Run. The process ends when its standard input
// does, and so with the one that started it.
func ServeRole(arguments []string) (served bool, err error) {
	if len(arguments) != 2 {
		return false, nil
	}
	server := rpc.NewServer()
	switch arguments[1] {
	case receiverRole:
		receiver, err := newReceiver()
		if err != nil {
			return true, err
		}
		defer receiver.close()
		err = server.RegisterName(receiverRole, receiver)
		if err != nil {
			return true, err
		}
	case driverRole:
		if err := server.RegisterName(driverRole, &driver{}); err != nil {
			return true, err
		}
	case bareRole:
		program := &bare{}
		defer program.close()
		if err := server.RegisterName(bareRole, program); err != nil {
			return true, err
		}
	default:
		return false, nil
	}
	server.ServeConn(duplex{os.Stdin, os.Stdout})
	return true, nil
}

// duplex makes one connection of a reader and a writer.
type duplex struct {
	io.ReadCloser
	io.WriteCloser
}

// Close closes both.
func (d duplex) Close() error { return errors.Join(d.ReadCloser.Close(), d.WriteCloser.Close()) }

// role is one of these processes, seen from the one that started it.
type role struct {
	name    string
	command *exec.Cmd
	client  *rpc.Client
}

func startRole(name string) (*role, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("starting the %s: %w", name, err)
	}
	r := &role{name: name, command: exec.Command(program, name)}
	r.command.Stderr = os.Stderr
	// Its own group: an interrupt from the terminal is for the one that ends it.
	r.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, inErr := r.command.StdinPipe()
	out, outErr := r.command.StdoutPipe()
	if err := errors.Join(inErr, outErr); err != nil {
		return nil, fmt.Errorf("starting the %s: %w", name, err)
	}
	if err := r.command.Start(); err != nil {
		return nil, fmt.Errorf("starting the %s: %w", name, err)
	}
	r.client = rpc.NewClient(duplex{out, in})
	return r, nil
}

// call asks the process to do something and waits for the answer.
func (r *role) call(ctx context.Context, method string, question, answer any) error {
	call := r.client.Go(r.name+"."+method, question, answer, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		if call.Error != nil {
			return fmt.Errorf("asking the %s to %s: %w", r.name, method, call.Error)
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// roleGrace is how long a process may take to end.
const roleGrace = 5 * time.Second

func (r *role) close() error {
	r.client.Close()
	late := time.AfterFunc(roleGrace, func() { r.command.Process.Kill() })
	defer late.Stop()
	return r.command.Wait()
}
