package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"hookwell/internal/page"
)

// Report is what a run measured, where and with what.
type Report struct {
	Date     time.Time `json:"date"`
	Commit   string    `json:"commit"`
	Changed  bool      `json:"changed"` // files differ from the commit
	Embedded bool      `json:"embedded"`
	Machine  Machine   `json:"machine"`
	Rounds   int       `json:"rounds"`
	Count    int       `json:"count"`
	Figures  figures   `json:"figures"`
	Faults   []string  `json:"faults,omitempty"` // of runs that were wrong and are in no figure
}

// Machine is what the figures depend on.
type Machine struct {
	Cores    int    `json:"cores"`
	CPU      string `json:"cpu"`
	System   string `json:"system"`
	Load     string `json:"load"` // the system's load averages when the run began
	Go       string `json:"go"`
	Postgres string `json:"postgres,omitempty"`
	Redis    string `json:"redis,omitempty"`
}

func newReport(ctx context.Context, b *bench) (*Report, error) {
	r := &Report{Date: time.Now().UTC().Truncate(time.Second), Embedded: b.Embedded, Rounds: b.Rounds, Count: b.Count,
		Machine: Machine{Cores: runtime.NumCPU(), CPU: processor(), System: firstLine("/proc/sys/kernel/osrelease"),
			Load: firstLine("/proc/loadavg"), Go: runtime.Version()}}
	r.Commit = git(ctx, "rev-parse", "--short=12", "HEAD")
	r.Changed = git(ctx, "status", "--porcelain") != ""
	if b.services == nil {
		return r, nil
	}
	var err error
	if r.Machine.Postgres, r.Machine.Redis, err = b.services.versions(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// git returns what git says of the source, "" where there is none.
func git(ctx context.Context, arguments ...string) string {
	out, err := exec.CommandContext(ctx, "git", arguments...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func firstLine(path string) string {
	content, _ := os.ReadFile(path)
	line, _, _ := strings.Cut(string(content), "\n")
	return line
}

func (s *services) versions(ctx context.Context) (postgres, redisVersion string, err error) {
	db, err := openPostgres(s.postgres.URL())
	if err != nil {
		return "", "", err
	}
	defer db.Close()
	if err := db.QueryRowContext(ctx, "SHOW server_version").Scan(&postgres); err != nil {
		return "", "", fmt.Errorf("asking Postgres for its version: %w", err)
	}
	client, err := s.redisClient()
	if err != nil {
		return "", "", err
	}
	defer client.Close()
	info, err := client.InfoMap(ctx, "server").Result()
	if err != nil {
		return "", "", fmt.Errorf("asking Redis for its version: %w", err)
	}
	return postgres, info["Server"]["redis_version"], nil
}

// Save writes the report as JSON into a folder, under its date and commit, and
// answers the path.
func (r *Report) Save(folder string) (path string, err error) {
	encoded, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("saving the results: %w", err)
	}
	name := r.Date.Format("2006-01-02-1504") + "-" + r.Commit
	if r.Embedded {
		name += "-embedded"
	}
	path = filepath.Join(folder, name+".json")
	if err := os.WriteFile(path, append(encoded, '\n'), 0o644); err != nil {
		return "", fmt.Errorf("saving the results: %w", err)
	}
	return path, nil
}

// Print writes the figures as a table, in Markdown.
func (r *Report) Print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 1, ' ', tabwriter.Debug)
	fmt.Fprintln(table, "figure\tmin\tmedian\tmax\t\t")
	fmt.Fprintln(table, "---\t---:\t---:\t---:\t---\t")
	for _, f := range r.Figures {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t\n", f.Name, digits(f.Min), digits(f.Median), digits(f.Max), f.Unit)
	}
	return table.Flush()
}

// Write puts the table, and what it was measured with, into a page.
func (r *Report) Write(path string) error {
	var text strings.Builder
	fmt.Fprintf(&text, "\n%s, commit %s, %d rounds of %d events; %d cores of %s, Linux %s, %s",
		r.Date.Format(time.DateOnly), r.Commit, r.Rounds, r.Count, r.Machine.Cores, r.Machine.CPU, r.Machine.System, r.Machine.Go)
	task := "bench"
	if r.Embedded {
		task = "bench -- -embedded"
	} else {
		fmt.Fprintf(&text, ", Postgres %s, Redis %s", r.Machine.Postgres, r.Machine.Redis)
	}
	text.WriteString(".\n\n")
	if err := r.Print(&text); err != nil {
		return err
	}
	text.WriteString("\n")
	return page.Put(path, task, text.String())
}

// digits writes a number with as many digits as mean something.
func digits(n float64) string {
	switch {
	case n >= 100:
		return fmt.Sprintf("%.0f", n)
	case n >= 10:
		return fmt.Sprintf("%.1f", n)
	}
	return fmt.Sprintf("%.3f", n)
}
