package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hookwell/models"
)

// checkSecretKey reads the key, or, on the embedded default, the one that is
// kept in the data folder, made at the first start.
func (c *config) checkSecretKey() (err error) {
	if c.SecretKey == "" && !c.embedded {
		return wrong("HOOKWELL_SECRET_KEY", "set it to 32 random bytes in base64, such as from: openssl rand -base64 32")
	}
	if c.SecretKey == "" {
		if c.SecretKey, err = keptKey(c.DataDir); err != nil {
			return wrong("HOOKWELL_DATA_DIR", "%v", err)
		}
	}
	if c.vault, err = models.ParseVault(c.SecretKey); err != nil {
		return wrong("HOOKWELL_SECRET_KEY", "%v", err)
	}
	return nil
}

// keptKey answers the key in the data folder; of two processes that start at
// once, one makes it.
func keptKey(folder string) (string, error) {
	if err := privateFolder(folder); err != nil {
		return "", err
	}
	path := filepath.Join(folder, "secret.key")
	fresh := make([]byte, 32)
	rand.Read(fresh)
	// Written beside and linked into place, so that no reader sees half a key.
	draft, err := os.CreateTemp(folder, "secret.key.*")
	if err != nil {
		return "", err
	}
	defer os.Remove(draft.Name())
	_, err = draft.WriteString(base64.StdEncoding.EncodeToString(fresh) + "\n")
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return "", err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	if err := models.Narrow(path); err != nil {
		return "", err
	}
	kept, err := os.ReadFile(path)
	return strings.TrimSpace(string(kept)), err
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
	if err := models.Narrow(path); !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}
