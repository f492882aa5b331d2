package testenv

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// watchdog outlives this process. Its standard input ends when this process
// has closed the pipe or has died in whatever way; it then ends the guarded
// server, should one still run, and removes the folder. Removal is tried again
// because a dying server may still write.
const watchdog = `
guarded=
while read -r pid; do guarded=$pid; done
if [ -n "$guarded" ]; then
	kill -CONT "$guarded"; kill "-$2" "$guarded"
	tries=0
	while [ "$tries" -lt 50 ] && kill -0 "$guarded"; do tries=$((tries+1)); sleep 0.1; done
	kill -KILL "$guarded"
fi
tries=0
until rm -rf -- "$1"; do
	tries=$((tries+1)); [ "$tries" -lt 50 ] || exit 1
	sleep 0.1
done
`

// folder is a temporary folder that goes away with this process, however it
// ends.
type folder struct {
	path     string
	watchdog *exec.Cmd
	pipe     io.WriteCloser
}

// newFolder makes a folder in parent, or in the machine's folder of temporary
// files if that is empty. Its guarded server, if it gets one, is asked to end with
// the signal of that name ("INT", "QUIT").
func newFolder(parent, name, signal string) (*folder, error) {
	path, err := os.MkdirTemp(parent, "hookwell-"+name+"-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	f := &folder{path: path, watchdog: exec.Command("sh", "-c", watchdog, "watchdog", path, signal)}
	// Its own session: what a terminal sends to end the tests must not end it.
	f.watchdog.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if f.pipe, err = f.watchdog.StdinPipe(); err == nil {
		err = f.watchdog.Start()
	}
	if err != nil {
		os.RemoveAll(path)
		return nil, fmt.Errorf("starting the watchdog of %s: %w", path, err)
	}
	return f, nil
}

// guard names the process that must end with this one; 0 means none.
func (f *folder) guard(pid int) {
	line := "\n"
	if pid != 0 {
		line = strconv.Itoa(pid) + line
	}
	// A failed write means that the watchdog is gone; remove reports that.
	io.WriteString(f.pipe, line)
}

// remove removes the folder and all in it.
func (f *folder) remove() error {
	f.pipe.Close()
	if err := f.watchdog.Wait(); err != nil {
		return fmt.Errorf("removing %s: %w", f.path, err)
	}
	return nil
}
