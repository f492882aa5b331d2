package bench

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	_ "github.com/glebarez/go-sqlite"  // the drivers of
	_ "github.com/jackc/pgx/v5/stdlib" // database/sql

	"hookwell/client"
	"hookwell/internal/program"
	"hookwell/internal/testenv"
)

// services are the servers that all installations of a run use.
type services struct {
	postgres, redis *testenv.Process
	installations   int
}

// asShipped is what testenv sets for tests and Postgres has otherwise.
func asShipped() []string {
	return append(testenv.Durable(), "checkpoint_timeout=5min", "max_wal_size=1GB")
}

func startServices(ctx context.Context, statements bool) (*services, error) {
	settings := asShipped()
	if statements {
		settings = append(settings, "shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track_planning=on")
	}
	postgres, err := testenv.StartPostgres(ctx, settings...)
	if err != nil {
		return nil, err
	}
	redis, err := testenv.StartRedis(ctx)
	if err != nil {
		return nil, errors.Join(err, postgres.Close())
	}
	return &services{postgres: postgres, redis: redis}, nil
}

func (s *services) close() error {
	if s == nil {
		return nil
	}
	return errors.Join(s.redis.Close(), s.postgres.Close())
}

// installation is one Hookwell with a database of its own.
type installation struct {
	services *services // nil is the embedded default
	program  program.Installation
	folder   string
	db       *sql.DB
	servers  []*program.Process
	api      *client.Client // with a platform key
}

// setup is what an installation has besides its database.
type setup struct {
	env      []string
	old      int        // deliveries of a made-up past
	commands [][]string // one for each process; the first serves
}

// install makes a database and starts the processes of Hookwell on it.
func (b *bench) install(ctx context.Context, with setup) (_ *installation, err error) {
	i := &installation{services: b.services}
	defer func() {
		if err != nil {
			err = errors.Join(err, i.close())
		}
	}()
	if i.folder, err = os.MkdirTemp("", "hookwell-bench-"); err != nil {
		return nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	i.program = program.Installation{Binary: b.Binary, Env: append([]string{"TMPDIR=" + i.folder, "HOOKWELL_ADDR=127.0.0.1:0", "HOOKWELL_OPS_ADDR=127.0.0.1:0",
		"HOOKWELL_ALLOW_NETWORKS=127.0.0.0/8", "HOOKWELL_LOG_LEVEL=warn", "SSL_CERT_FILE=" + b.certificate()}, with.env...)}
	if err = i.prepareData(ctx, with.old); err != nil {
		return nil, err
	}
	if b.Profile && b.services != nil {
		if _, err = i.db.ExecContext(ctx, "CREATE EXTENSION pg_stat_statements"); err != nil {
			return nil, fmt.Errorf("looking at Postgres: %w", err)
		}
	}
	for _, arguments := range with.commands {
		started, err := i.program.Start(arguments...)
		if err != nil {
			return nil, err
		}
		i.servers = append(i.servers, started)
	}
	key, err := i.program.Run("", "platform-key", "create", "--name", "bench")
	if err != nil {
		return nil, err
	}
	i.api = &client.Client{URL: i.servers[0].URL, Key: strings.TrimSpace(key), Timeout: requestLimit}
	return i, nil
}

func (i *installation) prepareData(ctx context.Context, old int) (err error) {
	if i.services == nil {
		i.program = i.program.With("HOOKWELL_DATA_DIR=" + i.folder)
		i.db, err = sql.Open("sqlite", "file:"+url.PathEscape(filepath.Join(i.folder, "hookwell.db"))+"?mode=ro&_pragma=busy_timeout(5000)")
		return err
	}
	i.services.installations++
	name := "bench_" + strconv.Itoa(i.services.installations)
	if err := onDatabase(ctx, i.services.postgres.URL(), "CREATE DATABASE "+name); err != nil {
		return err
	}
	database, err := withPath(i.services.postgres.URL(), name)
	if err != nil {
		return err
	}
	redis, err := withPath(i.services.redis.URL(), strconv.Itoa(i.services.installations))
	if err != nil {
		return err
	}
	random := make([]byte, 32)
	rand.Read(random)
	key := base64.StdEncoding.EncodeToString(random)
	i.program = i.program.With("DATABASE_URL="+database, "REDIS_URL="+redis, "HOOKWELL_SECRET_KEY="+key)
	if old > 0 {
		seed := exec.CommandContext(ctx, "go", "run", "hookwell/internal/seed", "-database", database, "-secret-key", key, "-deliveries", strconv.Itoa(old))
		if out, err := seed.CombinedOutput(); err != nil {
			return fmt.Errorf("making a past: %w: %s", err, out)
		}
		// What was loaded is on the disk before anything is measured.
		if err := onDatabase(ctx, database, "CHECKPOINT"); err != nil {
			return err
		}
	}
	i.db, err = openPostgres(database)
	if err == nil {
		i.db.SetMaxOpenConns(1)
	}
	return err
}

func openPostgres(address string) (*sql.DB, error) { return sql.Open("pgx", address) }

func onDatabase(ctx context.Context, address string, statements ...string) error {
	db, err := openPostgres(address)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func withPath(address, path string) (string, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("reading a server's address: %w", err)
	}
	parsed.Path = "/" + path
	return parsed.String(), nil
}

// url returns where the driver finds the API: what is measured makes its requests
// itself.
func (i *installation) url() string { return i.servers[0].URL + "/api/v1" }

// cpu returns the processor time of the installation so far.
func (i *installation) cpu() (cpu, error) {
	var pids []int
	for _, s := range i.servers {
		pids = append(pids, s.PID())
	}
	hookwell, err := treeTime(pids...)
	if err != nil || i.services == nil {
		return cpu{partHookwell: hookwell}, err
	}
	postgres, pgErr := treeTime(i.services.postgres.PID())
	redis, redisErr := treeTime(i.services.redis.PID())
	return cpu{partHookwell: hookwell, partPostgres: postgres, partRedis: redis}, errors.Join(pgErr, redisErr)
}

// close stops the processes and removes what they kept.
func (i *installation) close() error {
	var errs []error
	for _, s := range i.servers {
		_, err := s.Terminate()
		errs = append(errs, err)
	}
	if i.db != nil {
		errs = append(errs, i.db.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(i.folder))...)
}
