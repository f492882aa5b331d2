package testenv

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// databaseLimit bounds making and dropping one database.
const databaseLimit = time.Minute

// Database makes an empty Postgres database for this test alone and returns
// its URL. It is dropped when the test ends, with connections still open to it
// cut.
func Database(t testing.TB) string {
	t.Helper()
	return database(t, "template0")
}

// DatabaseFrom is Database with a content: what migrate made of an empty
// database when this process first asked for that key. It is then only copied,
// in about the time that an empty one takes.
func DatabaseFrom(t testing.TB, key string, migrate func(url string) error) string {
	t.Helper()
	template, err := shared.templates.get(key, migrate)
	if err != nil {
		t.Fatalf("testenv: making the database %q: %v", key, err)
	}
	return database(t, template)
}

func database(t testing.TB, template string) string {
	t.Helper()
	server, err := sharedPostgres()
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	name := "hookwell_test_" + randomName()
	if err := createDatabase(server, name, template); err != nil {
		t.Fatalf("testenv: %v", err)
	}
	t.Cleanup(func() {
		if err := dropDatabase(server, name); err != nil {
			t.Errorf("testenv: %v", err)
		}
	})
	return withPath(server, name)
}

func createDatabase(server, name, template string) error {
	err := onServer(server, func(ctx context.Context, conn *pgx.Conn) error {
		statement := "CREATE DATABASE " + quoted(name) + " TEMPLATE " + quoted(template)
		// Copying files takes a third of the time where fsync is off, but can
		// only be asked for since Postgres 15.
		version, _, _ := strings.Cut(conn.PgConn().ParameterStatus("server_version"), ".")
		if major, err := strconv.Atoi(version); err == nil && major >= 15 {
			statement += " STRATEGY file_copy"
		}
		_, err := conn.Exec(ctx, statement)
		return err
	})
	if err != nil {
		return fmt.Errorf("creating database %s: %w", name, err)
	}
	return nil
}

func dropDatabase(server, name string) error {
	if err := execute(server, "DROP DATABASE IF EXISTS "+quoted(name)+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("dropping database %s: %w", name, err)
	}
	return nil
}

func execute(server string, statements ...string) error {
	return onServer(server, func(ctx context.Context, conn *pgx.Conn) error {
		for _, statement := range statements {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

func onServer(server string, do func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), databaseLimit)
	defer cancel()
	return onPostgres(ctx, server, func(conn *pgx.Conn) error { return do(ctx, conn) })
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

// withPath returns the server's URL naming another database. The URL was parsed
// before, when the server was chosen.
func withPath(server, name string) string {
	address, err := url.Parse(server)
	if err != nil {
		panic(err)
	}
	address.Path = "/" + name
	return address.String()
}

// templates are the databases that DatabaseFrom copies, by key.
type templates struct {
	mu     sync.Mutex
	byKey  map[string]*lazy[string]
	server string
}

func (s *templates) get(key string, migrate func(url string) error) (string, error) {
	server, err := sharedPostgres()
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.server = server
	if s.byKey == nil {
		s.byKey = map[string]*lazy[string]{}
	}
	template := s.byKey[key]
	if template == nil {
		template = &lazy[string]{}
		s.byKey[key] = template
	}
	s.mu.Unlock()
	return template.get(func() (string, error) { return newTemplate(server, migrate) })
}

func newTemplate(server string, migrate func(url string) error) (name string, err error) {
	name = "hookwell_template_" + randomName()
	if err := createDatabase(server, name, "template0"); err != nil {
		return "", err
	}
	if err := migrate(withPath(server, name)); err != nil {
		return "", errors.Join(err, dropDatabase(server, name))
	}
	// Only a database that nobody is connected to can be copied, and a pool's
	// last connections may still be closing.
	return name, execute(server,
		"ALTER DATABASE "+quoted(name)+" ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '"+name+"'",
	)
}

func (s *templates) drop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, template := range s.byKey {
		errs = append(errs, template.stop(func(name string) error { return dropDatabase(s.server, name) }))
	}
	return errors.Join(errs...)
}
