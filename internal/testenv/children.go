package testenv

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// childrenOf lists the live children of a process. Only Linux tells (proc(5));
// elsewhere there are none, and Pause and Kill reach the parent alone.
func childrenOf(parent int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var children []int
	for _, path := range stats {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		if ppid, live := parentOf(pid); live && ppid == parent {
			children = append(children, pid)
		}
	}
	return children
}

// parentOf reads a process's parent. A zombie is not live: it holds nothing,
// and where nobody reaps orphans it stays for ever.
func parentOf(pid int) (parent int, live bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	// The name, in parentheses, may itself hold spaces and parentheses.
	var state byte
	if _, err := fmt.Sscanf(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " %c %d", &state, &parent); err != nil {
		return 0, false
	}
	return parent, state != 'Z' && state != 'X'
}

func signalAll(pids []int, sig syscall.Signal) {
	for _, pid := range pids {
		// One that ended in the meantime needs no signal.
		_ = syscall.Kill(pid, sig)
	}
}

func awaitGone(pids []int) error {
	deadline := time.Now().Add(stopLimit)
	for _, pid := range pids {
		for {
			if _, live := parentOf(pid); !live {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("process %d outlived its parent by %s", pid, stopLimit)
			}
			<-time.After(pollEvery)
		}
	}
	return nil
}
