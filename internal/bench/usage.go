package bench

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/redis/go-redis/v9"
)

// usage is what Postgres and Redis have been asked to do so far.
type usage struct {
	wal      int64 // bytes
	commits  int64
	syncs    int64
	tables   map[string]rowWrites
	commands map[string]int64
}

type rowWrites struct{ inserted, updated, hot, deleted int64 }

// statisticsDelay is how long an idle connection of Postgres may keep what it
// counted to itself.
const statisticsDelay = 11 * time.Second

func awaitStatistics(ctx context.Context) error {
	select {
	case <-time.After(statisticsDelay):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (i *installation) usage(ctx context.Context) (usage, error) {
	u := usage{tables: map[string]rowWrites{}}
	err := i.db.QueryRowContext(ctx, `SELECT pg_current_wal_lsn() - '0/0', (SELECT wal_sync FROM pg_stat_wal),
		(SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())`).Scan(&u.wal, &u.syncs, &u.commits)
	if err != nil {
		return usage{}, fmt.Errorf("looking at Postgres: %w", err)
	}
	rows, err := i.db.QueryContext(ctx, `SELECT regexp_replace(relname, '_[0-9_]+$|_p[0-9_]+$', ''), sum(n_tup_ins), sum(n_tup_upd), sum(n_tup_hot_upd), sum(n_tup_del)
		FROM pg_stat_user_tables GROUP BY 1`)
	if err != nil {
		return usage{}, fmt.Errorf("looking at Postgres: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var w rowWrites
		if err := rows.Scan(&name, &w.inserted, &w.updated, &w.hot, &w.deleted); err != nil {
			return usage{}, err
		}
		u.tables[name] = w
	}
	if err := rows.Err(); err != nil {
		return usage{}, err
	}
	u.commands, err = i.services.redisCommands(ctx)
	return u, err
}

func (s *services) redisClient() (*redis.Client, error) {
	options, err := redis.ParseURL(s.redis.URL())
	if err != nil {
		return nil, err
	}
	return redis.NewClient(options), nil
}

// redisCommands returns how often each command was called.
func (s *services) redisCommands(ctx context.Context) (map[string]int64, error) {
	client, err := s.redisClient()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	info, err := client.InfoMap(ctx, "commandstats").Result()
	if err != nil {
		return nil, fmt.Errorf("looking at Redis: %w", err)
	}
	commands := map[string]int64{}
	for name, value := range info["Commandstats"] {
		calls, _, _ := strings.Cut(strings.TrimPrefix(value, "calls="), ",")
		n, err := strconv.ParseInt(calls, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("looking at Redis: %w", err)
		}
		commands[strings.TrimPrefix(name, "cmdstat_")] = n
	}
	return commands, nil
}

// describeUsage tells what a run asked of Postgres and Redis, by delivery.
func (i *installation) describeUsage(ctx context.Context, out io.Writer, before usage, deliveries int) error {
	if err := i.describeStatements(ctx, out, deliveries); err != nil {
		return err
	}
	if err := awaitStatistics(ctx); err != nil {
		return err
	}
	after, err := i.usage(ctx)
	if err != nil {
		return err
	}
	by := func(n int64) string { return digits(float64(n) / float64(deliveries)) }
	fmt.Fprintf(out, "\n== by delivery\nWAL bytes %s, WAL syncs %s, commits %s\n", by(after.wal-before.wal), by(after.syncs-before.syncs), by(after.commits-before.commits))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "rows of\tinserted\tupdated\t(in place)\tdeleted")
	for _, name := range slices.Sorted(maps.Keys(after.tables)) {
		a, b := after.tables[name], before.tables[name]
		if a != b {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", name, by(a.inserted-b.inserted), by(a.updated-b.updated), by(a.hot-b.hot), by(a.deleted-b.deleted))
		}
	}
	fmt.Fprintln(table, "Redis\tcalls\t\t\t")
	for _, name := range slices.Sorted(maps.Keys(after.commands)) {
		if n := after.commands[name] - before.commands[name]; n > 0 {
			fmt.Fprintf(table, "%s\t%s\t\t\t\n", name, by(n))
		}
	}
	return table.Flush()
}

// statement is what Postgres spent on the statements that differ only in how
// many rows they were given at once.
type statement struct {
	text                string
	calls, rows, wal    int64
	execution, planning float64 // ms
}

var (
	parameters = regexp.MustCompile(`\$\d+(?:::\w+)?(?:\s*,\s*\$\d+(?:::\w+)?)*`)
	rowLists   = regexp.MustCompile(`\(\$…\)(?:\s*,\s*\(\$…\))*`)
)

// describeStatements lists the statements that Postgres was busiest with.
func (i *installation) describeStatements(ctx context.Context, out io.Writer, deliveries int) error {
	statements, err := i.statements(ctx)
	if err != nil {
		return fmt.Errorf("looking at Postgres: %w", err)
	}
	const most, longest = 30, 300
	fmt.Fprint(out, "\n== statements, by their time in Postgres\n")
	for _, s := range statements[:min(most, len(statements))] {
		calls, n := float64(s.calls), float64(deliveries)
		fmt.Fprintf(out, "%6.3f ms per delivery (%d calls of %.2f ms + planning %.2f ms, %.1f rows each; %.0f WAL bytes per delivery): %.*s\n",
			(s.execution+s.planning)/n, s.calls, s.execution/calls, s.planning/calls, float64(s.rows)/calls, float64(s.wal)/n, longest, s.text)
	}
	return nil
}

func (i *installation) statements(ctx context.Context) ([]*statement, error) {
	rows, err := i.db.QueryContext(ctx, `SELECT calls, rows, total_exec_time, total_plan_time, wal_bytes::bigint, query FROM pg_stat_statements
		WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND calls > 0 AND query NOT LIKE '%pg_stat%'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	byText := map[string]*statement{}
	for rows.Next() {
		var one statement
		if err := rows.Scan(&one.calls, &one.rows, &one.execution, &one.planning, &one.wal, &one.text); err != nil {
			return nil, err
		}
		text := strings.Join(strings.Fields(one.text), " ")
		text = rowLists.ReplaceAllString(parameters.ReplaceAllString(text, "$$…"), "($$…)")
		sum := byText[text]
		if sum == nil {
			sum = &statement{text: text}
			byText[text] = sum
		}
		sum.calls, sum.rows, sum.wal = sum.calls+one.calls, sum.rows+one.rows, sum.wal+one.wal
		sum.execution, sum.planning = sum.execution+one.execution, sum.planning+one.planning
	}
	costliest := func(a, b *statement) int { return cmp.Compare(b.execution+b.planning, a.execution+a.planning) }
	return slices.SortedFunc(maps.Values(byText), costliest), rows.Err()
}
