package testenv_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"hookwell/internal/testenv"
)

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func run(t *testing.T, conn *pgx.Conn, statement string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, conn *pgx.Conn, query string) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func tables(t *testing.T, conn *pgx.Conn) int {
	t.Helper()
	return number(t, conn, `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`)
}

func client(t *testing.T, address string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	options.ContextTimeoutEnabled = true
	c := redis.NewClient(options)
	t.Cleanup(func() { c.Close() })
	return c
}

func remember(t *testing.T, address string) {
	t.Helper()
	if err := client(t, address).Set(t.Context(), "key", "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
}

func size(t *testing.T, address string) int64 {
	t.Helper()
	n, err := client(t, address).DBSize(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func text(t *testing.T, tab context.Context, selector string) string {
	t.Helper()
	got, err := chromedp.Run(tab, chromedp.TextContent(chromedp.CSS(selector)))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func pidText(p *testenv.Process) string { return strconv.Itoa(p.PID()) }

func readPIDs(t *testing.T, out io.Reader) (pids [2]int) {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, err := fmt.Sscanf(lines.Text(), "pids %d %d", &pids[0], &pids[1]); err == nil {
			return pids
		}
	}
	t.Fatal("the process to be killed ended without naming its servers")
	return pids
}

// alive is false for a zombie, which only waits to be counted.
func alive(pid int) bool {
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
		return !strings.Contains(string(stat), ") Z ")
	}
	return syscall.Kill(pid, 0) == nil
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waited a minute for: %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// makeReachable opens the folders above a test's own to the account that
// Postgres runs under.
func makeReachable(t *testing.T, folder string) {
	t.Helper()
	for ; folder != filepath.Clean(os.TempDir()) && folder != "/"; folder = filepath.Dir(folder) {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
