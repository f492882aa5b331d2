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

func (c *config) checkAddress() error {
	host, err := checkListen("HOOKWELL_ADDR", c.Addr, "127.0.0.1:3000")
	if err != nil {
		return errors.Join(err, c.checkBaseURL())
	}
	if c.BaseURL == "" {
		if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
			return wrong("HOOKWELL_BASE_URL", "set it to the address that browsers use, such as https://hooks.example.com, since HOOKWELL_ADDR is %s", c.Addr)
		}
	}
	return c.checkBaseURL()
}

// checkListen checks an address to listen on.
func checkListen(variable, address, example string) (host string, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", wrong(variable, "write it as host:port, such as %s", example)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", wrong(variable, "its port %q is no number from 0 to 65535", port)
	}
	return host, nil
}

// checkBaseURL reads the address that browsers use, and normalizes its host: so
// links, redirects and the comparison with Host use one spelling.
func (c *config) checkBaseURL() error {
	const variable, form = "HOOKWELL_BASE_URL", "write it as https://host or http://host:port"
	if c.BaseURL == "" {
		return nil
	}
	if fault := unencoded(c.BaseURL); fault != "" {
		return wrong(variable, "%s; %s", fault, form)
	}
	base, err := url.Parse(strings.TrimRight(c.BaseURL, "/"))
	switch {
	case err != nil || base.Scheme != "http" && base.Scheme != "https":
		return wrong(variable, form)
	case base.User != nil:
		return wrong(variable, "remove the user and the password; %s", form)
	case base.Path != "":
		return wrong(variable, "remove the path %s, since Hookwell is served at the top of its host; %s", base.Path, form)
	case base.RawQuery != "" || base.ForceQuery:
		return wrong(variable, "remove the ? and what follows; %s", form)
	}
	host, err := webhook.NormalizeHost(base.Scheme, base.Host)
	if err != nil {
		return wrong(variable, "its host or port is none; %s", form)
	}
	c.base = &url.URL{Scheme: base.Scheme, Host: host}
	return nil
}

// opsOff is HOOKWELL_OPS_ADDR for a process without operations.
const opsOff = "off"

// usualOpsAddr is where operations are when nothing is set. Where it is taken,
// as by another process of the same machine, the process goes without.
const usualOpsAddr = "127.0.0.1:3001"

func (c *config) checkOpsAddress() error {
	if c.OpsAddr = strings.ToLower(c.OpsAddr); c.OpsAddr == "" || c.OpsAddr == opsOff {
		return nil
	}
	if _, err := checkListen("HOOKWELL_OPS_ADDR", c.OpsAddr, usualOpsAddr); err != nil {
		return fmt.Errorf("%w, or write %s", err, opsOff)
	}
	if c.OpsAddr == c.Addr && c.OpsAddr != "127.0.0.1:0" {
		return wrong("HOOKWELL_OPS_ADDR", "choose another address than HOOKWELL_ADDR, %s", c.Addr)
	}
	return nil
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
		if address, fault := netip.ParseAddr(text); fault == nil {
			return nil, wrong(variable, "%q is one address; write it as a network, %s/%d", text, address, address.BitLen())
		}
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
	c.signup = models.SignupPolicy(strings.ToLower(c.Signup))
	switch c.signup {
	case models.SignupFirst, models.SignupOpen, models.SignupClosed:
		return nil
	}
	return wrong("HOOKWELL_SIGNUP", "choose first, open or closed; %q is none of them", c.Signup)
}

// checkProvider checks what is set of the provider that people may sign in with.
func (c *config) checkProvider() error {
	if c.OIDCIssuer == "" {
		if c.OIDCClientID != "" || c.OIDCClientSecret != "" {
			return wrong("HOOKWELL_OIDC_ISSUER", "set it too: the issuer's address, such as https://accounts.example.com")
		}
		return nil
	}
	if err := checkIssuer(c.OIDCIssuer); err != nil {
		return err
	}
	if c.OIDCClientID == "" {
		return wrong("HOOKWELL_OIDC_CLIENT_ID", "set it to what the provider gave you")
	}
	if c.OIDCClientSecret == "" {
		return wrong("HOOKWELL_OIDC_CLIENT_SECRET", "set it to what the provider gave you")
	}
	return nil
}

// checkIssuer checks the provider's address, which is compared to the letter
// with what the provider says of itself.
func checkIssuer(text string) error {
	const variable, form = "HOOKWELL_OIDC_ISSUER", "write it as https://host, with a path where the provider has one"
	if fault := unencoded(text); fault != "" {
		return wrong(variable, "%s; %s", fault, form)
	}
	issuer, err := url.Parse(text)
	switch {
	case err != nil || issuer.Hostname() == "" || !webhook.ValidPort(issuer) || issuer.Scheme != "https" && issuer.Scheme != "http":
		return wrong(variable, form)
	case issuer.Scheme == "http" && !onThisMachine(issuer.Hostname()):
		return wrong(variable, "http is taken for this machine alone; %s", form)
	case issuer.User != nil:
		return wrong(variable, "remove the user and the password; %s", form)
	case issuer.RawQuery != "":
		return wrong(variable, "remove the ? and what follows; %s", form)
	case strings.Contains(issuer.Path, "/.well-known/"):
		return wrong(variable, "remove %s: it is added", issuer.Path[strings.Index(issuer.Path, "/.well-known/"):])
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
		return wrong("HOOKWELL_RETENTION_DAYS", "keep events for at least 7 days; %d is less", c.RetentionDays)
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
	const form = "write it as smtp://user:password@host:587 or smtps://user:password@host:465"
	if fault := unencoded(c.SMTPURL); fault != "" {
		return wrong("HOOKWELL_SMTP_URL", "%s", fault)
	}
	server, err := url.Parse(c.SMTPURL)
	if err != nil {
		return wrong("HOOKWELL_SMTP_URL", form)
	}
	if server.RawQuery != "" || server.ForceQuery {
		return wrong("HOOKWELL_SMTP_URL", "the options behind the ? are not used; remove them")
	}
	if path := strings.Trim(server.Path, "/"); path != "" {
		return wrong("HOOKWELL_SMTP_URL", "the path behind the host is not used; remove it")
	}
	from, err := mail.ParseAddress(c.MailFrom)
	if err != nil {
		return wrong("HOOKWELL_MAIL_FROM", "set it to the address that mail is from, such as hooks@example.com or Hookwell <hooks@example.com>")
	}
	if c.mailer, err = jobs.NewMailer(jobs.MailOptions{Server: server, From: from}); err != nil {
		return wrong("HOOKWELL_SMTP_URL", "%v; %s", err, form)
	}
	return nil
}

func (c *config) checkLog() error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return wrong("HOOKWELL_LOG_LEVEL", "choose debug, info, warn or error; %q is none of them", c.LogLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch strings.ToLower(c.LogFormat) {
	case "text":
		c.log = slog.New(slog.NewTextHandler(os.Stderr, options))
	case "json":
		c.log = slog.New(slog.NewJSONHandler(os.Stderr, options))
	default:
		return wrong("HOOKWELL_LOG_FORMAT", "choose text or json; %q is neither", c.LogFormat)
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
