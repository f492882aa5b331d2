package config

import (
	"errors"
	"io/fs"
	"os"

	"hookwell/models/database"
)

// MakeDataDir makes the data folder of the embedded default, private to its
// owner where that can be. Its error names the variable.
func (c *Config) MakeDataDir() error {
	if err := privateFolder(c.DataDir); err != nil {
		return Wrong("HOOKWELL_DATA_DIR", "%w", err)
	}
	return nil
}

// privateFolder makes the data folder, for its owner alone also where it was
// there. One that belongs to somebody else, such as a volume that is shared by a
// group, or that everybody has files in, such as /tmp, is left as it is: the files
// in it are private by themselves.
func privateFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode()&fs.ModeSticky != 0 {
		return err
	}
	if err := database.Narrow(path); !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}
