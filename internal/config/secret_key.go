package config

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hookwell/models/database"
)

// checkSecretKey reads the key, or, on the embedded default, the one that is
// kept in the data folder, made at the first start.
func (s *checks) checkSecretKey() (err error) {
	if s.SecretKey == "" && !s.config.Embedded {
		return Wrong("HOOKWELL_SECRET_KEY", "set it to 32 random bytes in base64, such as from: openssl rand -base64 32")
	}
	if s.SecretKey == "" {
		if s.SecretKey, err = keptKey(s.DataDir); err != nil {
			return Wrong("HOOKWELL_DATA_DIR", "%v", err)
		}
	}
	if s.config.Vault, err = database.ParseVault(s.SecretKey); err != nil {
		return Wrong("HOOKWELL_SECRET_KEY", "%v", err)
	}
	return nil
}

// keptKey returns the key in the data folder; of two processes that start at
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
	if err := database.Narrow(path); err != nil {
		return "", err
	}
	kept, err := os.ReadFile(path)
	return strings.TrimSpace(string(kept)), err
}
