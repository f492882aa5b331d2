package testenv

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Durable returns the settings with which a commit survives a power cut, as in
// production. Servers for tests leave them out and are several times faster.
func Durable() []string {
	return []string{"fsync=on", "synchronous_commit=on", "full_page_writes=on"}
}

// StartPostgres starts a Postgres of the caller's own, whose URL names its
// superuser and the database postgres. Settings ("fsync=on") are added to its
// configuration. It fails with ErrMissing when there is none to start; the
// caller calls Close.
func StartPostgres(ctx context.Context, settings ...string) (*Process, error) {
	return startPostgres(ctx, nil, settings)
}

// StartPostgresOff is StartPostgres with a clock that differs from the machine's,
// by libfaketime.
func StartPostgresOff(ctx context.Context, off time.Duration, settings ...string) (*Process, error) {
	library, err := faketimeNeed().path(ctx)
	if err != nil {
		return nil, err
	}
	return startPostgres(ctx, append(os.Environ(), "LD_PRELOAD="+library, fmt.Sprintf("FAKETIME=%+.0fs", off.Seconds()), "FAKETIME_DONT_FAKE_MONOTONIC=1"), settings)
}

func startPostgres(ctx context.Context, environ, settings []string) (*Process, error) {
	programs, err := postgresNeed().path(ctx)
	if err != nil {
		return nil, err
	}
	// SIGINT is Postgres's fast shutdown, SIGQUIT the one for emergencies that
	// still frees its shared memory.
	folder, err := newFolder(clusterFolder(settings), "postgres", "QUIT")
	if err != nil {
		return nil, err
	}
	p := &Process{name: "postgres", folder: folder, stopWith: syscall.SIGINT}
	if err := p.initPostgres(ctx, programs, environ, settings); err != nil {
		return nil, errors.Join(err, folder.remove())
	}
	return p, nil
}

// clusterFolder returns where a cluster's folder is made: in memory, unless commits
// are to survive. A database is some 800 files, and making and dropping one for a
// test took a disk ten times the processor time.
func clusterFolder(settings []string) string {
	if slices.Contains(settings, "fsync=on") {
		return ""
	}
	return memoryFolder()
}

func (p *Process) initPostgres(ctx context.Context, programs string, environ, settings []string) error {
	account, err := unprivileged(p.folder.path)
	if err != nil {
		return err
	}
	data, password := filepath.Join(p.folder.path, "data"), randomName()
	if err := initdb(ctx, programs, data, password, account); err != nil {
		return err
	}
	p.answering = func(ctx context.Context) (int, error) { return postgresPID(ctx, p.url) }
	for try := 1; ; try++ {
		port, err := freePort()
		if err != nil {
			return err
		}
		p.url = fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port)
		p.command = func() *exec.Cmd {
			cmd := exec.Command(filepath.Join(programs, "postgres"), postgresArgs(data, port, settings)...)
			cmd.Dir, cmd.SysProcAttr, cmd.Env = p.folder.path, &syscall.SysProcAttr{Credential: account}, environ
			return cmd
		}
		if err = p.Start(ctx); err == nil || try == startTries || ctx.Err() != nil {
			return err
		}
	}
}

// initdb makes a cluster that lets in the superuser by a password alone. The
// plain password is checked fastest, and doesn't leave the machine.
func initdb(ctx context.Context, programs, data, password string, account *syscall.Credential) error {
	file := data + ".password"
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		return fmt.Errorf("making a Postgres cluster: %w", err)
	}
	if account != nil {
		if err := os.Chown(file, int(account.Uid), int(account.Gid)); err != nil {
			return fmt.Errorf("making a Postgres cluster: %w", err)
		}
	}
	program := filepath.Join(programs, "initdb")
	args := append([]string{"--pgdata=" + data, "--username=postgres", "--pwfile=" + file, "--auth=password", "--encoding=UTF8", "--no-sync"}, locale(ctx, program)...)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.SysProcAttr = filepath.Dir(data), &syscall.SysProcAttr{Credential: account}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making a Postgres cluster: %w: %s", err, out)
	}
	return nil
}

// locale orders text as most servers do, and not by bytes: a query that counts on
// bytes is to fail here. Before Postgres 15 that would need a locale of the
// machine, which may have none.
func locale(ctx context.Context, initdb string) []string {
	version, err := exec.CommandContext(ctx, initdb, "--version").Output() // initdb (PostgreSQL) 15.18 (Debian ...)
	_, number, _ := strings.Cut(string(version), "(PostgreSQL) ")
	major, _, _ := strings.Cut(number, ".")
	if n, parseErr := strconv.Atoi(major); err != nil || parseErr != nil || n < 15 {
		return []string{"--no-locale"}
	}
	return []string{"--locale=C", "--locale-provider=icu", "--icu-locale=en-US"}
}

func postgresArgs(data string, port int, settings []string) []string {
	args := []string{"-D", data}
	for _, setting := range append([]string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(port), "unix_socket_directories=",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off",
		// Many packages' pools at once, each small.
		"max_connections=400",
		"checkpoint_timeout=1h", "max_wal_size=4GB",
	}, settings...) {
		args = append(args, "-c", setting)
	}
	return args
}

// unprivileged returns the account that Postgres, which refuses to run as root, runs
// under, and which the folder is given to; nil when this process isn't root.
func unprivileged(folder string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("finding an account to run Postgres under: %w", err)
	}
	uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr, os.Chown(folder, int(uid), int(gid))); err != nil {
		return nil, fmt.Errorf("giving %s to %s: %w", folder, account.Username, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// postgresPID asks the server that answers for the process id that it keeps in
// its own data folder.
func postgresPID(ctx context.Context, address string) (pid int, err error) {
	err = onPostgres(ctx, address, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int`).Scan(&pid)
	})
	return pid, err
}

func onPostgres(ctx context.Context, address string, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	return errors.Join(do(conn), conn.Close(ctx))
}

// PrivatePostgres starts a Postgres for this test alone, to be stopped, killed
// and paused; see StartPostgres. It is closed when the test ends.
func PrivatePostgres(t testing.TB, settings ...string) *Process {
	t.Helper()
	p, err := StartPostgres(t.Context(), settings...)
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	t.Cleanup(func() { closeProcess(t, p) })
	return p
}

func closeProcess(t testing.TB, p *Process) {
	if err := p.Close(); err != nil {
		t.Errorf("testenv: %v", err)
	}
}

// sharedPostgres returns the URL of the server that makes the tests' databases.
func sharedPostgres() (string, error) {
	if address := os.Getenv(DatabaseVariable); address != "" {
		parsed, err := url.Parse(address)
		if err != nil || parsed.Host == "" {
			return "", fmt.Errorf("%s is not a URL of the form postgres://user:password@host:port/database", DatabaseVariable)
		}
		return address, nil
	}
	p, err := shared.postgres.get(func() (*Process, error) { return StartPostgres(context.Background()) })
	if err != nil {
		return "", err
	}
	return p.URL(), nil
}
