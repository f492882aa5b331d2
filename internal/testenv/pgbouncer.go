package testenv

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// pgbouncerConfig gives each transaction whichever of a few sessions is free, and
// refuses startup parameters, as PgBouncer does where nobody says otherwise.
const pgbouncerConfig = `[databases]
* = host=%s port=%s

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = plain
auth_file = %s
pool_mode = transaction
default_pool_size = 8
max_client_conn = 1000
pidfile = %s
%s
`

// StartPgBouncer starts a PgBouncer in transaction mode in front of the Postgres
// of a URL. Its own URL names the same database; every database of that server
// and that user is reached through it. Settings ("default_pool_size = 2") are
// added to its configuration. It fails with ErrMissing when there is none to
// start; the caller calls Close.
func StartPgBouncer(ctx context.Context, server string, settings ...string) (*Process, error) {
	program, err := pgbouncerNeed().path(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := newFolder("", "pgbouncer", "INT")
	if err != nil {
		return nil, err
	}
	p := &Process{name: "pgbouncer", folder: folder, stopWith: syscall.SIGINT}
	if err := p.initPgBouncer(ctx, program, server, settings); err != nil {
		return nil, errors.Join(err, folder.remove())
	}
	return p, nil
}

func (p *Process) initPgBouncer(ctx context.Context, program, server string, settings []string) error {
	account, err := unprivileged(p.folder.path)
	if err != nil {
		return err
	}
	to, err := url.Parse(server)
	if err != nil {
		return fmt.Errorf("reading the Postgres URL: %w", err)
	}
	password, _ := to.User.Password()
	config, users, pid := filepath.Join(p.folder.path, "pgbouncer.ini"), filepath.Join(p.folder.path, "users"), filepath.Join(p.folder.path, "pid")
	if err := p.write(account, users, fmt.Sprintf("%q %q\n", to.User.Username(), password)); err != nil {
		return err
	}
	p.answering = func(ctx context.Context) (int, error) { return pgbouncerPID(ctx, p.url, pid) }
	for try := 1; ; try++ {
		port, err := freePort()
		if err != nil {
			return err
		}
		at := *to
		at.Host = "127.0.0.1:" + strconv.Itoa(port)
		p.url = at.String()
		if err := p.write(account, config, fmt.Sprintf(pgbouncerConfig, to.Hostname(), to.Port(), port, users, pid, strings.Join(settings, "\n"))); err != nil {
			return err
		}
		p.command = func() *exec.Cmd {
			cmd := exec.Command(program, config)
			cmd.Dir, cmd.SysProcAttr = p.folder.path, &syscall.SysProcAttr{Credential: account}
			return cmd
		}
		if err = p.Start(ctx); err == nil || try == startTries || ctx.Err() != nil {
			return err
		}
	}
}

// write writes a file that the account reads; nil is this process's own.
func (p *Process) write(account *syscall.Credential, path, content string) error {
	err := os.WriteFile(path, []byte(content), 0o600)
	if err == nil && account != nil {
		err = os.Chown(path, int(account.Uid), int(account.Gid))
	}
	if err != nil {
		return fmt.Errorf("configuring %s: %w", p.name, err)
	}
	return nil
}

// pgbouncerPID asks it for the server behind it, and reads its own process id
// from where it writes that.
func pgbouncerPID(ctx context.Context, address, file string) (int, error) {
	if err := onPostgres(ctx, address, func(conn *pgx.Conn) error { return conn.Ping(ctx) }); err != nil {
		return 0, err
	}
	digits, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(digits)))
}

// PgBouncer starts a PgBouncer for this test alone, in front of the server of a
// database; see StartPgBouncer. It is closed when the test ends.
func PgBouncer(t testing.TB, server string, settings ...string) *Process {
	t.Helper()
	p, err := StartPgBouncer(t.Context(), server, settings...)
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	t.Cleanup(func() { closeProcess(t, p) })
	return p
}
