package testenv_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5"

	"hookwell/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Run(m)) }

func TestDatabase(t *testing.T) {
	t.Run("is_empty_and_separate", func(t *testing.T) {
		first, second := connect(t, testenv.Database(t)), connect(t, testenv.Database(t))
		run(t, first, `CREATE TABLE only_here (id int)`)
		if got := tables(t, first); got != 1 {
			t.Errorf("the first database holds %d tables, want 1", got)
		}
		if got := tables(t, second); got != 0 {
			t.Errorf("the second database holds %d tables, want none", got)
		}
	})
	t.Run("is_gone_after_its_test", func(t *testing.T) {
		var address string
		t.Run("inner", func(t *testing.T) {
			address = testenv.Database(t)
			// A connection that is left open must not keep it.
			conn, err := pgx.Connect(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			run(t, conn, `SELECT 1`)
		})
		if _, err := pgx.Connect(t.Context(), address); err == nil || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("connecting to a dropped database: %v, want that it does not exist", err)
		}
	})
}

func TestDatabaseFrom(t *testing.T) {
	migrated := 0
	migrate := func(url string) error {
		migrated++
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return err
		}
		// Left open on purpose: careless callers must not break the copies.
		_, err = conn.Exec(t.Context(), `CREATE TABLE made_once (id int); INSERT INTO made_once VALUES (1)`)
		return err
	}
	first := connect(t, testenv.DatabaseFrom(t, "made once", migrate))
	run(t, first, `DELETE FROM made_once`)
	second := connect(t, testenv.DatabaseFrom(t, "made once", migrate))
	if migrated != 1 {
		t.Errorf("migrated %d times, want once", migrated)
	}
	if got := number(t, second, `SELECT count(*) FROM made_once`); got != 1 {
		t.Errorf("the second copy holds %d rows, want the template's 1", got)
	}
}

func TestMemory(t *testing.T) {
	t.Setenv("TMPDIR", "")
	var folder string
	t.Run("inner", func(t *testing.T) {
		folder = testenv.Memory(t)
		if other := testenv.Memory(t); other == folder {
			t.Errorf("Memory() returned %s twice, want a folder for each call", folder)
		}
		if err := os.WriteFile(filepath.Join(folder, "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat(%q) after its test: %v, want that it is gone", folder, err)
	}
	t.Run("where_TMPDIR_says", func(t *testing.T) {
		t.Setenv("TMPDIR", folder+"-elsewhere")
		t.Cleanup(func() { os.RemoveAll(folder + "-elsewhere") })
		if err := os.Mkdir(folder+"-elsewhere", 0o700); err != nil {
			t.Fatal(err)
		}
		if got := testenv.Memory(t); !strings.HasPrefix(got, folder+"-elsewhere/") {
			t.Errorf("Memory() with TMPDIR=%s-elsewhere returned %s, want a folder there", folder, got)
		}
	})
}

func TestPrivatePostgres(t *testing.T) {
	server := testenv.PrivatePostgres(t, testenv.Durable()...)
	conn := connect(t, server.URL())
	run(t, conn, `CREATE TABLE kept (id int)`)
	var fsync string
	if err := conn.QueryRow(t.Context(), `SHOW fsync`).Scan(&fsync); err != nil || fsync != "on" {
		t.Errorf("fsync is %q (%v), want on", fsync, err)
	}

	for name, end := range map[string]func() error{"stopped": server.Stop, "killed": server.Kill} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if _, err := pgx.Connect(t.Context(), server.URL()); err == nil {
			t.Errorf("a %s server still answers", name)
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := tables(t, connect(t, server.URL())); got != 1 {
			t.Errorf("a server started again after it was %s holds %d tables, want 1", name, got)
		}
	}
}

func TestPausedPostgres(t *testing.T) {
	server := testenv.PrivatePostgres(t)
	conn, later := connect(t, server.URL()), connect(t, server.URL())
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := conn.Exec(short, `SELECT 1`); err == nil {
		t.Error("a connection to a paused server answers")
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	run(t, later, `SELECT 1`)
}

func TestPgBouncer(t *testing.T) {
	bouncer := testenv.PgBouncer(t, testenv.Database(t), "default_pool_size = 1")
	session := func() (pid int) {
		// A statement with a name would be found again by the other connection.
		err := connect(t, bouncer.URL()).QueryRow(t.Context(), `SELECT pg_backend_pid()`, pgx.QueryExecModeExec).Scan(&pid)
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	if a, b := session(), session(); a != b {
		t.Errorf("two connections have the sessions %d and %d, want that they share the only one", a, b)
	}
	if err := bouncer.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(t.Context(), bouncer.URL()); err == nil {
		t.Error("a stopped pooler still answers")
	}
}

func TestPrivateRedis(t *testing.T) {
	t.Run("answers_with_its_own_process_id", func(t *testing.T) {
		server := testenv.PrivateRedis(t)
		info, err := client(t, server.URL()).InfoMap(t.Context(), "server").Result()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := info["Server"]["process_id"], pidText(server); got != want {
			t.Errorf("process %s answers, want %s", got, want)
		}
	})
	t.Run("is_gone_when_stopped_and_forgets", func(t *testing.T) {
		server := testenv.PrivateRedis(t)
		remember(t, server.URL())
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
		if err := client(t, server.URL()).Ping(t.Context()).Err(); err == nil {
			t.Error("a stopped server still answers")
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := size(t, server.URL()); got != 0 {
			t.Errorf("a server started again holds %d keys, want none", got)
		}
	})
	t.Run("is_silent_while_paused", func(t *testing.T) {
		server := testenv.PrivateRedis(t)
		ping := client(t, server.URL())
		if err := server.Pause(); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := ping.Ping(short).Err(); err == nil {
			t.Error("a paused server answers")
		}
		if err := server.Resume(); err != nil {
			t.Fatal(err)
		}
		if err := ping.Ping(t.Context()).Err(); err != nil {
			t.Errorf("a resumed server does not answer: %v", err)
		}
	})
}

func TestRedis(t *testing.T) {
	var released string
	t.Run("is_empty_and_separate", func(t *testing.T) {
		first, second := testenv.Redis(t), testenv.Redis(t)
		remember(t, first)
		if got := size(t, second); got != 0 {
			t.Errorf("the second database holds %d keys, want none", got)
		}
		released = first
	})
	if got := size(t, released); got != 0 {
		t.Errorf("a released database holds %d keys, want none", got)
	}
}

func TestBrowser(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies := r.Header.Get("Cookie")
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte(`<p id="cookies">` + cookies + `</p><p id="script"></p>
			<script>document.getElementById("script").textContent = "ran";</script>`))
	}))
	t.Cleanup(server.Close)

	// The second test's tab must know nothing of the first one's cookie.
	for _, name := range []string{"renders_a_page", "has_a_profile_of_its_own"} {
		t.Run(name, func(t *testing.T) {
			tab := testenv.Browser(t)
			if err := chromedp.Do(tab, chromedp.Navigate(server.URL)); err != nil {
				t.Fatal(err)
			}
			if got := text(t, tab, "#script"); got != "ran" {
				t.Errorf("the page's script wrote %q, want %q", got, "ran")
			}
			if got := text(t, tab, "#cookies"); got != "" {
				t.Errorf("the first visit sent the cookie %q", got)
			}
		})
	}
	t.Run("reaches_no_other_address", func(t *testing.T) {
		err := chromedp.Do(testenv.Browser(t), chromedp.Navigate("http://127.0.0.2:8123/"))
		if err == nil || !strings.Contains(err.Error(), "ERR_NAME_NOT_RESOLVED") {
			t.Errorf("navigating to another address: %v, want that nothing is looked up", err)
		}
	})
}

// TestKilled runs this test binary again, kills it with servers running, and
// looks for what it left.
func TestKilled(t *testing.T) {
	const variable = "HOOKWELL_TESTENV_KILLED"
	if os.Getenv(variable) != "" {
		servers := []*testenv.Process{testenv.PrivatePostgres(t), testenv.PrivateRedis(t)}
		os.Stdout.WriteString("pids " + pidText(servers[0]) + " " + pidText(servers[1]) + "\n")
		select {}
	}
	folder := t.TempDir()
	makeReachable(t, folder)
	victim := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	victim.Env = append(os.Environ(), variable+"=1", "TMPDIR="+folder)
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	pids := readPIDs(t, out)
	if err := victim.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait()
	eventually(t, "the servers end", func() bool { return !alive(pids[0]) && !alive(pids[1]) })
	eventually(t, "the folders go", func() bool {
		left, err := filepath.Glob(filepath.Join(folder, "hookwell-*"))
		return err == nil && len(left) == 0
	})
}
