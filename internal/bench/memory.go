package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// forgetPeak has the kernel count anew what a process has resident at most.
func forgetPeak(pid int) error {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		return fmt.Errorf("watching the memory of a process: %w", err)
	}
	return nil
}

// residentPeak is what a process had resident at most since forgetPeak, in bytes.
func residentPeak(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("watching the memory of a process: %w", err)
	}
	_, line, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	line, _, _ = bytes.Cut(line, []byte(" kB\n"))
	kilobytes, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("watching the memory of a process: %w", err)
	}
	return kilobytes << 10, nil
}
