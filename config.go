package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"hookwell/jobs"
	"hookwell/models"
	"hookwell/web"
	"hookwell/webhook"
)

// settings are the environment's variables, as they are written.
type settings struct {
	DatabaseURL      string `env:"DATABASE_URL"`
	RedisURL         string `env:"REDIS_URL"`
	Addr             string `env:"HOOKWELL_ADDR" envDefault:"127.0.0.1:3000"`
	OpsAddr          string `env:"HOOKWELL_OPS_ADDR"`
	BaseURL          string `env:"HOOKWELL_BASE_URL"`
	DataDir          string `env:"HOOKWELL_DATA_DIR" envDefault:"./data"`
	SecretKey        string `env:"HOOKWELL_SECRET_KEY"`
	AllowNetworks    string `env:"HOOKWELL_ALLOW_NETWORKS"`
	TrustedProxies   string `env:"HOOKWELL_TRUSTED_PROXIES"`
	Signup           string `env:"HOOKWELL_SIGNUP" envDefault:"first"`
	OIDCIssuer       string `env:"HOOKWELL_OIDC_ISSUER"`
	OIDCClientID     string `env:"HOOKWELL_OIDC_CLIENT_ID"`
	OIDCClientSecret string `env:"HOOKWELL_OIDC_CLIENT_SECRET"`
	OIDCName         string `env:"HOOKWELL_OIDC_NAME" envDefault:"single sign-on"`
	Catalog          string `env:"HOOKWELL_CATALOG"`
	RetentionDays    int    `env:"HOOKWELL_RETENTION_DAYS" envDefault:"30"`
	SMTPURL          string `env:"HOOKWELL_SMTP_URL"`
	MailFrom         string `env:"HOOKWELL_MAIL_FROM"`
	APIRateLimit     int    `env:"HOOKWELL_API_RATE_LIMIT" envDefault:"10000"`
	Connections      int    `env:"HOOKWELL_CONNECTIONS" envDefault:"5000"`
	AddressLimit     int    `env:"HOOKWELL_CONNECTIONS_PER_ADDRESS" envDefault:"500"`
	BodyMemory       int    `env:"HOOKWELL_BODY_MEMORY" envDefault:"32"`
	MaxEndpoints     int    `env:"HOOKWELL_MAX_ENDPOINTS" envDefault:"1000"`
	MigrateURL       string `env:"HOOKWELL_MIGRATE_DATABASE_URL"`
	DatabaseSessions string `env:"HOOKWELL_DATABASE_CONNECTIONS"`
	Pooler           string `env:"HOOKWELL_DATABASE_POOLER"`
	LogLevel         string `env:"HOOKWELL_LOG_LEVEL" envDefault:"info"`
	LogFormat        string `env:"HOOKWELL_LOG_FORMAT" envDefault:"text"`
}

// config is the settings, checked and understood.
type config struct {
	settings
	embedded bool
	base     *url.URL // nil: made from the address that the server gets
	allow    []netip.Prefix
	proxies  []netip.Prefix
	signup   models.SignupPolicy
	vault    *models.Vault
	catalog  *webhook.Catalog
	mailer   *jobs.Mailer // nil: no mail server is set
	log      *slog.Logger
	meter    models.Meter // nil counts nothing
	// connections is how many the database is asked for; 0 goes by what it grants.
	connections int
	// probe is how long an open circuit waits; 0 is the usual. The demo's is short.
	probe time.Duration
}

// readSettings reads the environment. It is the only place that does.
func readSettings() (settings, error) {
	s, err := env.ParseAs[settings]()
	if err != nil {
		return settings{}, fmt.Errorf("reading the settings: %w", err)
	}
	return s, nil
}

// configure checks the settings. Its error names every variable that is wrong.
func configure(s settings) (*config, error) {
	c := &config{settings: s, embedded: s.DatabaseURL == "" && s.RedisURL == ""}
	err := errors.Join(c.checkServices(), c.checkDatabase(), c.checkAddress(), c.checkOpsAddress(), c.checkNetworks(), c.checkProxies(), c.checkSignup(), c.checkProvider(), c.checkRetention(),
		c.checkRate(), c.checkConnections(), c.checkBodyMemory(), c.checkEndpoints(), c.checkMail(), c.checkLog(), c.checkCatalog())
	if err != nil {
		return nil, err
	}
	return c, c.checkSecretKey()
}

// wrong is a setting's error: which variable, and what to do.
func wrong(variable, format string, arguments ...any) error {
	return fmt.Errorf("%s: "+format, append([]any{variable}, arguments...)...)
}

func (c *config) checkServices() error {
	switch {
	case c.embedded && c.MigrateURL != "":
		return wrong("HOOKWELL_MIGRATE_DATABASE_URL", "set DATABASE_URL and REDIS_URL too, or unset it")
	case c.embedded:
		return nil
	case c.RedisURL == "":
		return wrong("REDIS_URL", "set it too, or unset DATABASE_URL for the embedded default")
	case c.DatabaseURL == "":
		return wrong("DATABASE_URL", "set it too, or unset REDIS_URL for the embedded default")
	}
	for variable, address := range map[string]string{"DATABASE_URL": c.DatabaseURL, "HOOKWELL_MIGRATE_DATABASE_URL": c.MigrateURL} {
		u, err := url.Parse(address)
		if address != "" && (err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql") {
			return wrong(variable, "write it as postgres://user:password@host:5432/database") // never the value: it holds a password
		}
	}
	if _, err := redisOptions(c.RedisURL); err != nil {
		return wrong("REDIS_URL", "write it as redis://, rediss://, redis-sentinel:// or redis-cluster://host:port")
	}
	return nil
}

// checkDatabase checks how Postgres is reached. The embedded database has
// nothing to set.
func (c *config) checkDatabase() (err error) {
	for variable, value := range map[string]string{"HOOKWELL_DATABASE_CONNECTIONS": c.DatabaseSessions, "HOOKWELL_DATABASE_POOLER": c.Pooler} {
		if value != "" && c.embedded {
			err = errors.Join(err, wrong(variable, "set DATABASE_URL and REDIS_URL too, or unset it: the embedded database does not use it"))
		}
	}
	if c.DatabaseSessions != "" {
		n, notNumber := strconv.Atoi(c.DatabaseSessions)
		if notNumber != nil || n < models.LeastConnections {
			err = errors.Join(err, wrong("HOOKWELL_DATABASE_CONNECTIONS", "write how many connections this process may open to Postgres, %d or more, such as 20", models.LeastConnections))
		}
		c.connections = n
	}
	switch models.Pooler(c.Pooler) {
	case "", models.PoolerAuto, models.PoolerNone, models.PoolerTransaction:
		return err
	}
	return errors.Join(err, wrong("HOOKWELL_DATABASE_POOLER", "choose auto, none or transaction"))
}

func (c *config) checkAddress() error {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return wrong("HOOKWELL_ADDR", "write it as host:port, such as 127.0.0.1:3000")
	}
	if c.BaseURL == "" {
		if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
			return wrong("HOOKWELL_BASE_URL", "set it to the address that browsers use, such as https://hooks.example.com, since HOOKWELL_ADDR is %s", c.Addr)
		}
		return nil
	}
	base, err := url.Parse(strings.TrimSuffix(c.BaseURL, "/"))
	if err != nil || !isOrigin(base) {
		return wrong("HOOKWELL_BASE_URL", "write it as https://host or http://host:port, without a path")
	}
	c.base = base
	return nil
}

// opsOff is HOOKWELL_OPS_ADDR for a process without operations.
const opsOff = "off"

// usualOpsAddr is where operations are when nothing is set. Where it is taken,
// as by another process of the same machine, the process goes without.
const usualOpsAddr = "127.0.0.1:3001"

func (c *config) checkOpsAddress() error {
	if _, _, err := net.SplitHostPort(c.OpsAddr); err != nil && c.OpsAddr != "" && c.OpsAddr != opsOff {
		return wrong("HOOKWELL_OPS_ADDR", "write it as host:port, such as %s, or as %s", usualOpsAddr, opsOff)
	}
	if c.OpsAddr == c.Addr && c.OpsAddr != "127.0.0.1:0" {
		return wrong("HOOKWELL_OPS_ADDR", "choose another address than HOOKWELL_ADDR, %s", c.Addr)
	}
	return nil
}

// isOrigin tells whether it is a scheme of the web, a host and perhaps a port,
// and nothing else.
func isOrigin(u *url.URL) bool {
	if port := u.Port(); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
	}
	bare := url.URL{Scheme: u.Scheme, Host: u.Host}
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && *u == bare
}

func (c *config) checkNetworks() (err error) {
	if c.allow, err = networks("HOOKWELL_ALLOW_NETWORKS", c.AllowNetworks); err != nil {
		return err
	}
	if c.allowsLoopback() {
		c.allow = append(c.allow, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	}
	return nil
}

// checkProxies reads whose word on the client's address is taken.
func (c *config) checkProxies() (err error) {
	if c.proxies, err = networks("HOOKWELL_TRUSTED_PROXIES", c.TrustedProxies); err != nil {
		return err
	}
	for _, network := range c.proxies {
		if network.Bits() == 0 {
			return wrong("HOOKWELL_TRUSTED_PROXIES", "%s is every address, so that anybody could claim any; list your proxies alone", network)
		}
	}
	return nil
}

// networks reads a variable's CIDRs.
func networks(variable, list string) (found []netip.Prefix, err error) {
	for _, text := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, wrong(variable, "%q is no network; write CIDRs such as 10.0.0.0/8, separated by commas", text)
		}
		found = append(found, network)
	}
	return found, nil
}

// allowsLoopback tells whether endpoints on this machine are allowed without
// being listed: on the embedded default, reached from this machine alone.
func (c *config) allowsLoopback() bool { return c.embedded && c.loopback() }

// loopback tells whether the server is reached from this machine alone: it
// listens there, and no proxy on the machine is named as the way in.
func (c *config) loopback() bool {
	host, _, err := net.SplitHostPort(c.Addr)
	return err == nil && onThisMachine(host) && (c.base == nil || onThisMachine(c.base.Hostname()))
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (c *config) checkSignup() error {
	c.signup = models.SignupPolicy(c.Signup)
	switch c.signup {
	case models.SignupFirst, models.SignupOpen, models.SignupClosed:
		return nil
	}
	return wrong("HOOKWELL_SIGNUP", "choose first, open or closed")
}

// checkProvider checks what is set of the provider that people may sign in with.
func (c *config) checkProvider() error {
	if c.OIDCIssuer == "" {
		if c.OIDCClientID != "" || c.OIDCClientSecret != "" {
			return wrong("HOOKWELL_OIDC_ISSUER", "set it too: the issuer's address, such as https://accounts.example.com")
		}
		return nil
	}
	issuer, err := url.Parse(c.OIDCIssuer)
	if err != nil || issuer.Hostname() == "" || issuer.RawQuery != "" || issuer.Fragment != "" ||
		issuer.Scheme != "https" && !(issuer.Scheme == "http" && onThisMachine(issuer.Hostname())) {
		return wrong("HOOKWELL_OIDC_ISSUER", "write it as https://host, with a path where the provider has one")
	}
	if c.OIDCClientID == "" || c.OIDCClientSecret == "" {
		return wrong("HOOKWELL_OIDC_CLIENT_ID", "set it and HOOKWELL_OIDC_CLIENT_SECRET to what the provider gave you")
	}
	return nil
}

// provider is whom people may sign in with; nil is nobody.
func (c *config) provider() *web.Provider {
	if c.OIDCIssuer == "" {
		return nil
	}
	return &web.Provider{Issuer: c.OIDCIssuer, ClientID: c.OIDCClientID, ClientSecret: c.OIDCClientSecret, Name: c.OIDCName}
}

func (c *config) checkRetention() error {
	if time.Duration(c.RetentionDays)*24*time.Hour < models.MinRetention {
		return wrong("HOOKWELL_RETENTION_DAYS", "keep events for at least 7 days")
	}
	return nil
}

func (c *config) checkRate() error {
	if c.APIRateLimit < 0 {
		return wrong("HOOKWELL_API_RATE_LIMIT", "write the requests a second of one key, or 0 for no limit")
	}
	return nil
}

func (c *config) checkConnections() (err error) {
	for variable, limit := range map[string]int{"HOOKWELL_CONNECTIONS": c.Connections, "HOOKWELL_CONNECTIONS_PER_ADDRESS": c.AddressLimit} {
		if limit < 0 {
			err = errors.Join(err, wrong(variable, "write how many connections the server may hold, or 0 for no limit"))
		}
	}
	return err
}

// checkBodyMemory reads MiB.
func (c *config) checkBodyMemory() error {
	if least := web.MinBodyMemory >> 20; c.BodyMemory < least || c.BodyMemory > 1<<20 {
		return wrong("HOOKWELL_BODY_MEMORY", "write how many MiB of request bodies may be in memory at one time, at least %d", least)
	}
	return nil
}

func (c *config) checkEndpoints() error {
	if c.MaxEndpoints < 1 || c.MaxEndpoints > models.MostEndpoints {
		return wrong("HOOKWELL_MAX_ENDPOINTS", "write how many endpoints an organization may have, from 1 to %d", models.MostEndpoints)
	}
	return nil
}

// checkMail makes the mailer. What is wrong with the server's URL is said
// without it: it may hold a password.
func (c *config) checkMail() error {
	if c.SMTPURL == "" && c.MailFrom == "" {
		return nil
	}
	if c.SMTPURL == "" {
		return wrong("HOOKWELL_SMTP_URL", "set it too, or unset HOOKWELL_MAIL_FROM to send no mail")
	}
	server, err := url.Parse(c.SMTPURL)
	if err != nil {
		return wrong("HOOKWELL_SMTP_URL", "write it as smtp://user:password@host:587 or smtps://user:password@host:465, with special characters in user and password percent-encoded")
	}
	from, err := mail.ParseAddress(c.MailFrom)
	if err != nil {
		return wrong("HOOKWELL_MAIL_FROM", "set it to the address that mail is from, such as hooks@example.com or Hookwell <hooks@example.com>")
	}
	if c.mailer, err = jobs.NewMailer(jobs.MailOptions{Server: server, From: from}); err != nil {
		return wrong("HOOKWELL_SMTP_URL", "%v", err)
	}
	return nil
}

func (c *config) checkLog() error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return wrong("HOOKWELL_LOG_LEVEL", "choose debug, info, warn or error")
	}
	options := &slog.HandlerOptions{Level: level}
	switch c.LogFormat {
	case "text":
		c.log = slog.New(slog.NewTextHandler(os.Stderr, options))
	case "json":
		c.log = slog.New(slog.NewJSONHandler(os.Stderr, options))
	default:
		return wrong("HOOKWELL_LOG_FORMAT", "choose text or json")
	}
	return nil
}

func (c *config) checkCatalog() (err error) {
	var extra []byte
	if c.Catalog != "" {
		if extra, err = os.ReadFile(c.Catalog); err != nil {
			return wrong("HOOKWELL_CATALOG", "%v", err)
		}
	}
	if c.catalog, err = webhook.NewCatalog(extra); err != nil {
		return wrong("HOOKWELL_CATALOG", "%v", err)
	}
	return nil
}

// linkBase is what links in mail begin with. A process that serves no pages
// can't know better than the settings.
func (c *config) linkBase() *url.URL {
	if c.base != nil {
		return c.base
	}
	return &url.URL{Scheme: "http", Host: c.Addr}
}

// storeOptions is how the settings open the store.
func (c *config) storeOptions() models.Options {
	return models.Options{DatabaseURL: c.DatabaseURL, SQLitePath: filepath.Join(c.DataDir, "hookwell.db"),
		Catalog: c.catalog, Guard: webhook.NewGuard(c.allow), Vault: c.vault, Meter: c.meter, Log: c.log, CircuitProbe: c.probe, MaxEndpoints: c.MaxEndpoints,
		Mail: c.mailer != nil, BaseURL: c.linkBase(), Connections: c.connections, Pooler: models.Pooler(c.Pooler)}
}
