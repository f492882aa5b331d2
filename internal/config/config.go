// Package config reads Hookwell's settings from the environment and checks them.
// No other package reads the environment. settings.go lists the variables; each
// subject's checks are in its own file, such as redis_url.go. Start with Config.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"hookwell/jobs"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/web"
	"hookwell/webhook"
)

// Config is the settings, checked and understood.
type Config struct {
	// Embedded reports that no services are set: the database is a file in
	// DataDir, and Redis runs in the process.
	Embedded bool
	DataDir  string
	Database Database // of a Postgres; its zero value on the embedded default
	redisURL string
	Vault    *database.Vault // seals secrets

	Addr string // host:port to listen on
	// AnyPort lets the server listen on another port when that of Addr is taken.
	AnyPort bool
	BaseURL *url.URL // as browsers write it; nil: made from the address that the server gets
	// OpsAddr is host:port of operations; "" is nowhere. Unless it is required,
	// the process does without when another has it.
	OpsAddr     string
	OpsRequired bool

	AllowedNetworks []netip.Prefix // private networks that endpoints may lie in
	TrustedProxies  []netip.Prefix // whose word on the client's address is taken
	Signup          models.SignupPolicy
	Provider        *web.Provider // whom people may sign in with; nil is nobody
	APIRateLimit    int           // requests a second of one key; 0 is no limit
	Connections     web.ConnectionLimits
	// ConnectionsByMemory reports that their total isn't set, and goes by the
	// memory that there is.
	ConnectionsByMemory bool
	BodyMemory          int64 // bytes of request bodies in memory at one time
	// GCByMemory reports that GOGC isn't set, and that the garbage between two
	// collections goes by what is in use.
	GCByMemory bool

	Catalog      *webhook.Catalog
	MaxEndpoints int           // of one organization
	Retention    time.Duration // how long events are kept
	CircuitProbe time.Duration // how long an open circuit waits; 0 is the usual
	Mailer       *jobs.Mailer  // nil: no mail server is set
	Log          *slog.Logger
}

// Database says how Postgres is reached.
type Database struct {
	URL         string
	MigrateURL  string // of the owner, who migrates; "" is URL
	Connections int    // how many the database is asked for; 0 goes by what it grants
	Pooler      database.Pooler
}

// Read returns what the environment sets. Its error names every variable that
// is wrong. On the embedded default it makes the data folder, with the key that
// secrets are sealed with.
func Read() (*Config, error) {
	s, err := readSettings()
	if err != nil {
		return nil, err
	}
	return configure(s)
}

// checks are the settings as they are written, and what the checks make of them.
type checks struct {
	settings
	config *Config
}

// configure checks the settings. Its error names every variable that is wrong.
func configure(written settings) (*Config, error) {
	c := &Config{Embedded: written.DatabaseURL == "" && written.RedisURL == "", DataDir: written.DataDir, Addr: written.Addr}
	s := &checks{settings: written, config: c}
	err := errors.Join(s.checkServices(), s.checkDatabase(), s.checkAddress(), s.checkOpsAddress(), s.checkNetworks(), s.checkProxies(), s.checkSignup(), s.checkProvider(), s.checkRetention(),
		s.checkRate(), s.checkConnections(), s.checkBodyMemory(), s.checkGC(), s.checkEndpoints(), s.checkMail(), s.checkLog(), s.checkCatalog())
	if err != nil {
		return nil, err
	}
	if err := s.checkSecretKey(); err != nil {
		return nil, err
	}
	return c, nil
}

// Wrong returns a setting's error: which variable, and what to do. It formats as
// fmt.Errorf does.
func Wrong(variable, format string, arguments ...any) error {
	return fmt.Errorf("%s: "+format, append([]any{variable}, arguments...)...)
}
