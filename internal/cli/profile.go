//go:build profile

package cli

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
)

// A build with the tag "profile" begins a profile at SIGUSR1 and ends it at the
// next: of processor time and, since the process began, of allocations and of
// waiting. They lie in the temporary folder. What is shipped has none of this.
func init() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	runtime.SetMutexProfileFraction(100)
	go func() {
		for {
			<-signals
			if err := profile(signals); err != nil {
				fmt.Fprintln(os.Stderr, "hookwell: profiling:", err)
			}
		}
	}()
}

func profile(signals <-chan os.Signal) error {
	file, err := os.Create(profilePath("cpu"))
	if err != nil {
		return err
	}
	if err := errors.Join(pprof.StartCPUProfile(file), writeProfile("allocs", "allocs-before")); err != nil {
		return errors.Join(err, file.Close())
	}
	<-signals
	pprof.StopCPUProfile()
	return errors.Join(file.Close(), writeProfile("allocs", "allocs"), writeProfile("mutex", "mutex"), writeProfile("goroutine", "goroutine"))
}

func writeProfile(name, as string) error {
	part := profilePath(as) + ".part"
	file, err := os.Create(part)
	if err != nil {
		return err
	}
	err = errors.Join(pprof.Lookup(name).WriteTo(file, 0), file.Close())
	return errors.Join(err, os.Rename(part, profilePath(as))) // it is there once it is whole
}

// profilePath returns where the sender of the signal finds it.
func profilePath(name string) string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("hookwell-%d.%s.prof", os.Getpid(), name))
}
