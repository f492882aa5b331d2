package database

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ownerOnly are the rights that nobody but a file's owner has.
const ownerOnly fs.FileMode = 0o700

// makePrivate makes the file of the embedded database for its owner alone,
// whatever folder it lies in: SQLite would let everybody on the machine read
// it. Its log takes over the file's mode when it is made; what was there before
// is narrowed.
func makePrivate(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	for _, beside := range []string{"", "-wal", "-shm", "-journal"} {
		if err := Narrow(path + beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Narrow takes the rights on a file or a folder from everybody but its owner. It
// fails, and says what to do, when that can't be done; what is not there is
// fs.ErrNotExist.
func Narrow(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&^ownerOnly == 0 {
		return err
	}
	if err := os.Chmod(path, info.Mode().Perm()&ownerOnly); err != nil {
		return fmt.Errorf("others may read %s, and that can't be changed: %w; give it to the account that Hookwell runs as, or run chmod go= on it", path, err)
	}
	return nil
}
