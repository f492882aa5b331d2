package testenv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// npmLimit bounds the installation of a lock's packages.
const npmLimit = 4 * time.Minute

// NodePackages installs the packages of a folder's package-lock.json, by npm ci, and returns
// Node's path and the folder that has node_modules. The folder is below the user's
// cache, named by what is in the lock, and is made once.
func NodePackages(t testing.TB, from string) (node, folder string) {
	t.Helper()
	node, folder, err := nodePackages(t.Context(), from)
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	return node, folder
}

func nodePackages(ctx context.Context, from string) (node, folder string, err error) {
	if err := install(ctx, nodeNeed(), npmNeed()); err != nil {
		return "", "", err
	}
	node = nodeNeed().find()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir() // an account without a home
	}
	cache = filepath.Join(cache, "hookwell-test")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", "", fmt.Errorf("making a folder for Node's packages: %w", err)
	}
	sum := sha256.New()
	for _, name := range packageFiles {
		content, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return "", "", fmt.Errorf("reading which of Node's packages to install: %w", err)
		}
		sum.Write(content)
	}
	folder = filepath.Join(cache, "node-"+hex.EncodeToString(sum.Sum(nil)[:8]))
	unlock, err := lockFolder(cache)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if _, err := os.Stat(folder); err == nil {
		return node, folder, nil
	}
	return node, folder, installPackages(ctx, from, folder)
}

var packageFiles = []string{"package.json", "package-lock.json"}

// installPackages installs beside the folder and renames, so that a folder that is
// there is whole.
func installPackages(ctx context.Context, from, folder string) error {
	fresh := folder + ".new"
	if err := errors.Join(os.RemoveAll(fresh), os.Mkdir(fresh, 0o700)); err != nil {
		return fmt.Errorf("making a folder for Node's packages: %w", err)
	}
	for _, name := range packageFiles {
		content, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(fresh, name), content, 0o600)
		}
		if err != nil {
			return fmt.Errorf("copying %s: %w", name, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, npmLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, npmNeed().find(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = fresh
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci for %s: %w: %s; it needs npm's registry (npm config get registry) once, or the folder %s, made where that can be reached",
			filepath.Join(from, packageFiles[0]), err, strings.TrimSpace(string(out)), folder)
	}
	if err := os.Rename(fresh, folder); err != nil {
		return fmt.Errorf("keeping Node's packages: %w", err)
	}
	return nil
}
