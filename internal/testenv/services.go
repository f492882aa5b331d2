package testenv

import (
	"context"
	"errors"
	"os"
)

// Services are the servers that test processes share when one command starts
// them all.
type Services struct {
	started []*Process
	environ []string
}

// StartServices makes sure of Postgres, Redis and Chromium, installing all that
// is missing at once, and starts the servers that the environment doesn't name
// yet. Settings are Postgres's, as for StartPostgres. It fails with ErrMissing
// when something can't be had; the caller calls Close.
func StartServices(ctx context.Context, settings ...string) (*Services, error) {
	needs := []need{chromiumNeed()}
	if os.Getenv(DatabaseVariable) == "" {
		needs = append(needs, postgresNeed())
	}
	if os.Getenv(RedisVariable) == "" {
		needs = append(needs, redisNeed())
	}
	if err := install(ctx, needs...); err != nil {
		return nil, err
	}
	s := &Services{environ: []string{ChromiumVariable + "=" + chromiumNeed().find()}}
	err := s.start(DatabaseVariable, func() (*Process, error) { return StartPostgres(ctx, settings...) })
	if err == nil {
		err = s.start(RedisVariable, func() (*Process, error) { return StartRedis(ctx) })
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Services) start(variable string, start func() (*Process, error)) error {
	if os.Getenv(variable) != "" {
		return nil
	}
	p, err := start()
	if err != nil {
		return err
	}
	s.started = append(s.started, p)
	s.environ = append(s.environ, variable+"="+p.URL())
	return nil
}

// Environ names the services to a child process, as "variable=value".
func (s *Services) Environ() []string { return s.environ }

// Close stops the servers that were started.
func (s *Services) Close() error {
	var errs []error
	for _, p := range s.started {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}
