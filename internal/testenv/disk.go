package testenv

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Disk makes a small disk of that size, such as "8m", and returns its folder,
// which every account may enter. It is gone when the test ends. Only root may
// mount one: without that right the test fails and says so.
func Disk(t testing.TB, size string) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "hookwell-disk-")
	if err == nil {
		err = os.Chmod(folder, 0o755) // for Postgres, which runs as somebody else
	}
	if err != nil {
		t.Fatalf("testenv: making a disk: %v", err)
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("testenv: mounting a small disk: %v; it needs root and the right to mount (CAP_SYS_ADMIN)", errors.Join(err, os.Remove(folder)))
	}
	t.Cleanup(func() {
		if err := errors.Join(syscall.Unmount(folder, syscall.MNT_DETACH), os.Remove(folder)); err != nil {
			t.Errorf("testenv: removing a disk: %v", err)
		}
	})
	return folder
}

// Fill takes all the room that a disk of Disk has left, until free is called.
func Fill(t testing.TB, folder string) (free func()) {
	t.Helper()
	path := filepath.Join(folder, "filler")
	file, err := os.Create(path)
	block := make([]byte, 1<<12)
	for err == nil {
		_, err = file.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("testenv: filling a disk: %v", err)
	}
	if err := file.Close(); err != nil {
		t.Fatalf("testenv: filling a disk: %v", err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Errorf("testenv: freeing a disk: %v", err)
		}
	}
}
