package app

import (
	"path/filepath"

	"github.com/gofrs/flock"

	"hookwell/internal/config"
)

// lockFolder keeps a second server off the data folder of the embedded default,
// whose in-process Redis would know nothing of the first one's. Commands such
// as "user create" may run beside the server.
func lockFolder(c *config.Config) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(c.DataDir, "server.lock"))
	if !c.Embedded {
		return lock, nil
	}
	if err := c.MakeDataDir(); err != nil {
		return nil, err
	}
	free, err := lock.TryLock()
	switch {
	case err != nil:
		return nil, config.Wrong("HOOKWELL_DATA_DIR", "%w", err)
	case !free:
		return nil, config.Wrong("HOOKWELL_DATA_DIR", "another server uses %s; stop it, choose another folder, or use Postgres and Redis", c.DataDir)
	}
	return lock, nil
}
