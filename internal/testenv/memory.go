package testenv

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// inMemory is the file system that Linux keeps in memory, and memoryRoom what it
// and the machine must have free for it: a server with the databases of all
// packages' tests takes a small part of that.
const (
	inMemory   = "/dev/shm"
	memoryRoom = 2 << 30 // bytes
)

// Memory returns an empty folder of this test's own that lies in memory where
// the machine has the room: making and removing a database is then no work for
// its disk, and a commit waits for none. Elsewhere, and where TMPDIR names
// another place, it is t.TempDir's. It is gone when the test ends.
func Memory(t testing.TB) string {
	t.Helper()
	if memoryFolder() == "" {
		return t.TempDir()
	}
	all, err := shared.memory.get(func() (*folder, error) { return newFolder(memoryFolder(), "files", "TERM") })
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	own, err := os.MkdirTemp(all.path, "")
	if err != nil {
		t.Fatalf("testenv: making a folder in memory: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(own); err != nil {
			t.Errorf("testenv: removing a folder in memory: %v", err)
		}
	})
	return own
}

// memoryFolder returns where folders in memory are made, or empty.
func memoryFolder() string {
	var on syscall.Statfs_t
	if os.Getenv("TMPDIR") != "" || syscall.Statfs(inMemory, &on) != nil {
		return ""
	}
	if uint64(on.Bavail)*uint64(on.Bsize) < memoryRoom || availableMemory() < 2*memoryRoom {
		return ""
	}
	return inMemory
}

// availableMemory returns how many bytes processes can have without swapping; 0
// where the machine doesn't say.
func availableMemory() uint64 {
	lines, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(lines), "MemAvailable:")
	var kibibytes uint64
	if _, err := fmt.Sscan(rest, &kibibytes); err != nil {
		return 0
	}
	return kibibytes << 10
}
