package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The parts of an installation whose processor time is counted. The driver and
// the receiver are not among them.
const (
	partHookwell = "hookwell"
	partPostgres = "postgres"
	partRedis    = "redis"
)

// parts is an installation's parts, in the order in which they are shown.
var parts = []string{partHookwell, partPostgres, partRedis}

// cpu is the processor time that each part has used.
type cpu map[string]time.Duration

// since is what was used after an earlier look.
func (c cpu) since(earlier cpu) cpu {
	used := cpu{}
	for part, time := range c {
		used[part] = time - earlier[part]
	}
	return used
}

func (c cpu) total() (total time.Duration) {
	for _, time := range c {
		total += time
	}
	return total
}

// processTime is one process's line in proc(5).
type processTime struct {
	parent        int
	own, children time.Duration
}

// treeTime returns the time of processes and everything below them, with those that
// ended in the meantime: their parents have inherited their time.
func treeTime(roots ...int) (time.Duration, error) {
	processes, err := processTimes()
	if err != nil {
		return 0, err
	}
	below := map[int][]int{}
	for pid, p := range processes {
		below[p.parent] = append(below[p.parent], pid)
	}
	var total time.Duration
	for open := roots; len(open) > 0; {
		pid := open[len(open)-1]
		p, found := processes[pid]
		if !found {
			return 0, fmt.Errorf("process %d has ended", pid)
		}
		total += p.own + p.children
		open = append(open[:len(open)-1:len(open)-1], below[pid]...)
	}
	return total, nil
}

func processTimes() (map[int]processTime, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	processes := make(map[int]processTime, len(paths))
	for _, path := range paths {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		p, err := parseStat(stat)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		processes[pid] = p
	}
	return processes, nil
}

// tick is the unit of processor time in proc(5): the kernel's USER_HZ.
const tick = time.Second / 100

func parseStat(stat []byte) (processTime, error) {
	// The name, in parentheses, may itself hold spaces and parentheses.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const parent, user, system, childUser, childSystem = 1, 11, 12, 13, 14
	if len(fields) <= childSystem {
		return processTime{}, fmt.Errorf("%d fields after the name", len(fields))
	}
	var numbers [childSystem + 1]int
	for _, i := range []int{parent, user, system, childUser, childSystem} {
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return processTime{}, err
		}
		numbers[i] = n
	}
	return processTime{numbers[parent], tick * time.Duration(numbers[user]+numbers[system]),
		tick * time.Duration(numbers[childUser]+numbers[childSystem])}, nil
}
