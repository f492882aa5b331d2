package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// need is a program that tests can't do without.
type need struct {
	title    string
	variable string // "" when none names it
	packages []string
	find     func() string // its path, "" when the machine has none
}

// ErrMissing is wrapped by what is returned when a program is neither there
// nor could be installed. The text says what to install.
var ErrMissing = errors.New("missing")

func postgresNeed() need {
	return need{"Postgres", DatabaseVariable, []string{"postgresql"}, func() string {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
		slices.SortFunc(found, func(a, b string) int { return len(a) - len(b) })
		slices.Reverse(found)
		if initdb, err := exec.LookPath("initdb"); err == nil {
			// The link's target has the server beside it, the link may not.
			if real, err := filepath.EvalSymlinks(initdb); err == nil {
				found = append([]string{filepath.Dir(real)}, found...)
			}
		}
		for _, dir := range found {
			if executable(filepath.Join(dir, "initdb")) && executable(filepath.Join(dir, "postgres")) {
				return dir
			}
		}
		return ""
	}}
}

func redisNeed() need {
	return need{"Redis", RedisVariable, []string{"redis-server"}, func() string {
		return firstOnPath("redis-server", "valkey-server")
	}}
}

func pgbouncerNeed() need {
	return need{"PgBouncer", "", []string{"pgbouncer"}, func() string {
		if path := firstOnPath("pgbouncer"); path != "" {
			return path
		}
		return firstOnPath("/usr/sbin/pgbouncer") // which few accounts have on their path
	}}
}

func chromiumNeed() need {
	// The slimmest comes first. A font is named because none is a dependency,
	// and a page without one has no text.
	return need{"Chromium", ChromiumVariable, []string{"chromium-headless-shell", "fonts-dejavu-core"}, func() string {
		if path := os.Getenv(ChromiumVariable); path != "" {
			return path
		}
		return firstOnPath("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
			"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
	}}
}

func nodeNeed() need {
	return need{"Node.js", "", []string{"nodejs"}, func() string { return firstOnPath("node", "nodejs") }}
}

func npmNeed() need {
	return need{"npm", "", []string{"npm"}, func() string { return firstOnPath("npm") }}
}

func faketimeNeed() need {
	return need{"libfaketime", "", []string{"libfaketime"}, func() string {
		found, _ := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
		if len(found) == 0 {
			return ""
		}
		return found[0]
	}}
}

func firstOnPath(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func executable(path string) bool {
	_, err := exec.LookPath(path)
	return err == nil
}

// path finds the program, installing it where that can be done.
func (n need) path(ctx context.Context) (string, error) {
	if err := install(ctx, n); err != nil {
		return "", err
	}
	return n.find(), nil
}

// install installs what is missing of the needs with apt, as root on Debian and
// its like, all in one go.
func install(ctx context.Context, needs ...need) error {
	missing := without(needs)
	if len(missing) == 0 {
		return nil
	}
	if executable("apt-get") && os.Geteuid() == 0 {
		unlock, err := lockInstaller()
		if err != nil {
			return err
		}
		defer unlock()
		// Another test process may have installed it while this one waited.
		missing = without(missing)
		if err := aptInstall(ctx, packagesOf(missing)); err != nil {
			return fmt.Errorf("%w; %w", missingError(missing), err)
		}
		missing = without(missing)
	}
	if len(missing) == 0 {
		return nil
	}
	return missingError(missing)
}

func without(needs []need) []need {
	return slices.DeleteFunc(slices.Clone(needs), func(n need) bool { return n.find() != "" })
}

func packagesOf(needs []need) []string {
	var packages []string
	for _, n := range needs {
		packages = append(packages, n.packages...)
	}
	return packages
}

func missingError(needs []need) error {
	var sentences []string
	for _, n := range needs {
		set := ""
		if n.variable != "" {
			set = "set " + n.variable + ", or "
		}
		sentences = append(sentences, fmt.Sprintf("%s was not found: %sinstall it (on Debian: apt-get install %s)",
			n.title, set, strings.Join(n.packages, " ")))
	}
	return fmt.Errorf("%w: %s", ErrMissing, strings.Join(sentences, "; "))
}

// aptInstall installs from the lists at hand, and with fresh ones when there
// are none or they are stale.
func aptInstall(ctx context.Context, packages []string) error {
	if len(packages) == 0 {
		return nil
	}
	args := append([]string{"install", "--yes", "--quiet", "--no-install-recommends"}, packages...)
	if apt(ctx, args...) == nil {
		return nil
	}
	if err := apt(ctx, "update", "--quiet"); err != nil {
		return err
	}
	return apt(ctx, args...)
}

func apt(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-o", "DPkg::Lock::Timeout=300"}, args...)...)
	// Where there is no systemd, run level 1 keeps the packages from starting
	// services of their own. Nothing here uses those.
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		const most = 2000
		return fmt.Errorf("apt-get %s: %w: %s", args[0], err, strings.TrimSpace(string(out[max(0, len(out)-most):])))
	}
	return nil
}

// lockInstaller lets one test process of the machine install at a time: apt
// waits for some of its own locks, but not for all.
func lockInstaller() (unlock func() error, err error) { return lockFolder("/var/cache/apt") }

// lockFolder lets one process of the machine at a time do something in a folder.
func lockFolder(folder string) (unlock func() error, err error) {
	file, err := os.Open(folder)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", folder, err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", folder, err), file.Close())
	}
	return file.Close, nil
}
