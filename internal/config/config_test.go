package config

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// services are settings that work, beside which a test sets one more.
func services(t *testing.T, more map[string]string) map[string]string {
	t.Helper()
	values := map[string]string{"DATABASE_URL": "postgres://u:p@127.0.0.1:5432/d", "REDIS_URL": "redis://127.0.0.1:6379/0",
		"HOOKWELL_SECRET_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "HOOKWELL_MAIL_FROM": "hooks@example.com", "HOOKWELL_SMTP_URL": "smtp://127.0.0.1:587",
		"HOOKWELL_OIDC_ISSUER": "https://id.example", "HOOKWELL_OIDC_CLIENT_ID": "a", "HOOKWELL_OIDC_CLIENT_SECRET": "b"}
	for name, value := range more {
		values[name] = value
	}
	return values
}

func configureWith(values map[string]string) (*Config, error) {
	s, err := parseSettings(func(name string) (string, bool) { value, set := values[name]; return value, set })
	if err != nil {
		return nil, err
	}
	return configure(s)
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// goWords are what a person who sets a variable has no use for.
var goWords = regexp.MustCompile(`strconv|ParseInt|Atoi|\bjson: |\bGo\b|\*?(webhook|config|jobs|web|models|url|env|pgconn|netip)\.[A-Za-z]|RetentionDays|APIRateLimit|parse "|cannot parse`)

func TestSettings_that_are_refused(t *testing.T) {
	const secret = "hunter2"
	tried := map[string]bool{}
	for _, c := range []struct{ name, value, mend string }{
		{"DATABASE_URL", "postgres://u:hunter2#x@h:5432/d", "percent-encode # as %23"},
		{"DATABASE_URL", "postgres://u:hunter2/x@h:5432/d", "percent-encode / as %2F"},
		{"DATABASE_URL", "postgres://u:12/hunter2@h:5432/d", "percent-encode / as %2F"},
		{"DATABASE_URL", "postgres://u:hunter2?x@h:5432/d", "percent-encode ? as %3F"},
		{"DATABASE_URL", "postgres://u:hunter2%x@h:5432/d", "percent-encode % as %25"},
		{"DATABASE_URL", "postgres://u:hunter2^@h:5432/d", "percent-encode ^ as %5E"},
		{"DATABASE_URL", "postgres://u:hunter2 x@h:5432/d", "percent-encode a space as %20"},
		{"DATABASE_URL", "postgres://u:hunter2ü@h:5432/d", "percent-encode ü as %C3%BC"},
		{"DATABASE_URL", "postgres://u:x@hunter2@h:5432/d", "percent-encode @ as %40"},
		{"DATABASE_URL", "postgres://u:x@hunter2/y@h:5432/d", "percent-encode @ as %40"},
		{"DATABASE_URL", "postgres://u:x@y?hunter2@h:5432/d", "percent-encode @ as %40"},
		{"DATABASE_URL", "postgres://u:123?hunter2@h:5432/d", "percent-encode ? as %3F"},
		{"DATABASE_URL", "postgres://u:p@h:5432/d?application_name=a@b", "percent-encode @ as %40"},
		{"DATABASE_URL", "postgres://u:p@h:5432/d?password=x&hunter2", "name=value"},
		{"REDIS_URL", "redis://:x@hunter2@h:6379", "percent-encode @ as %40"},
		{"REDIS_URL", "redis://u:x@hunter2/y@h", "percent-encode @ as %40"},
		{"REDIS_URL", "redis-sentinel://h:26379?master=m&password=x&hunter2", "name=value"},
		{"REDIS_URL", "redis-sentinel://h:26379?master=m&password=x%hunter2", "percent-encode % as %25"},
		{"HOOKWELL_SMTP_URL", "smtp://u:x@hunter2/y@h:587", "percent-encode @ as %40"},
		{"DATABASE_URL", "mysql://u:hunter2@h/d", "postgres://user:password@host:5432/database"},
		{"DATABASE_URL", "host=h password=hunter2", "postgres://user:password@host:5432/database"},
		{"DATABASE_URL", "postgres://u:hunter2@h:54x32/d", "postgres://user:password@host:5432/database"},
		{"DATABASE_URL", "postgres://u:hunter2@h/d?sslmode=perhaps", "sslmode"},
		{"DATABASE_URL", "postgres://u:hunter2@h/d?pool_max_conns=4", "remove"},
		{"DATABASE_URL", `"postgres://u:hunter2@h/d"`, "remove the quotes"},
		{"DATABASE_URL", "", "set it too"},
		{"HOOKWELL_MIGRATE_DATABASE_URL", "postgres://u:hunter2#x@h:5432/d", "percent-encode # as %23"},
		{"HOOKWELL_MIGRATE_DATABASE_URL", "u:hunter2@h", "postgres://user:password@host:5432/database"},
		{"REDIS_URL", "redis://:hunter2#x@h:6379", "percent-encode # as %23"},
		{"REDIS_URL", "redis://:hunter2/x@h:6379", "percent-encode / as %2F"},
		{"REDIS_URL", "redis://:hunter2[@h:6379", "percent-encode [ as %5B"},
		{"REDIS_URL", "http://:hunter2@h:6379", "redis://user:password@host:6379/0"},
		{"REDIS_URL", "h:6379", "redis://user:password@host:6379/0"},
		{"REDIS_URL", "redis://:hunter2@:6379", "the host is missing"},
		{"REDIS_URL", "redis://", "the host is missing"},
		{"REDIS_URL", "redis://:hunter2@h:6379/three", "number of a database"},
		{"REDIS_URL", "redis://:hunter2@h:6379/1/2", "number of a database"},
		{"REDIS_URL", "redis://:hunter2@h:6379/1?db=2", "twice"},
		{"REDIS_URL", "redis://:hunter2@h:6379?db=two", "database"},
		{"REDIS_URL", "redis://h:6379?password=hunter2", "the option password"},
		{"REDIS_URL", "redis://h:6379?read_timeout=soon", "read_timeout"},
		{"REDIS_URL", "redis://h:6379,i:6379", "redis-cluster://"},
		{"REDIS_URL", "redis://h:6379#fragment", "percent-encode # as %23"},
		{"REDIS_URL", "redis-sentinel://:hunter2@h:26379", "?master=name"},
		{"REDIS_URL", "redis-sentinel://h:26379?master=m&route_by_latency=true", "route_by_latency"},
		{"REDIS_URL", "redis-sentinel://h:26379?master=m&hat=1", "the option hat"},
		{"REDIS_URL", "redis-cluster://:hunter2@h:6379/3", "remove /3"},
		{"REDIS_URL", "redis-cluster://:hunter2@h:6379?db=3", "the option db"},
		{"REDIS_URL", "redis-cluster://:hunter2@h:6379,:6380", "the host is missing"},
		{"REDIS_URL", "redis://h:99999", "its port 99999 is no number from 1 to 65535"},
		{"REDIS_URL", "rediss://:hunter2@h:0/1", "its port 0"},
		{"REDIS_URL", "redis://[::1]:65536", "its port 65536"},
		{"REDIS_URL", "redis-cluster://127.0.0.1:99999", "its port 99999"},
		{"REDIS_URL", "redis-cluster://:hunter2@h,h:6379,h:0", "its port 0"},
		{"REDIS_URL", "redis-cluster://h:6379?addr=h:99999", "its port 99999"},
		{"REDIS_URL", "redis-sentinel://h:26379,h:99999/0?master=m", "its port 99999"},
		{"REDIS_URL", "redis-sentinel://h:26379?master=m&addr=h:0", "its port 0"},
		{"REDIS_URL", "", "set it too"},
		{"DATABASE_URL", "postgres://h:99999/d", "port"},
		{"DATABASE_URL", "postgres://h:0/d", "port"},
		{"DATABASE_URL", "postgres://h:5432,h:99999/d", "port"},
		{"DATABASE_URL", "postgres://h/d?port=99999", "port"},
		{"HOOKWELL_MIGRATE_DATABASE_URL", "postgres://h:0/d", "port"},
		{"HOOKWELL_ADDR", "3000", "write it as host:port"},
		{"HOOKWELL_ADDR", "http://127.0.0.1:3000", "write it as host:port"},
		{"HOOKWELL_ADDR", "127.0.0.1:http", "no number"},
		{"HOOKWELL_ADDR", "127.0.0.1:70000", "no number"},
		{"HOOKWELL_OPS_ADDR", "3001", "or write off"},
		{"HOOKWELL_OPS_ADDR", "127.0.0.1:65536", "no number"},
		{"HOOKWELL_OPS_ADDR", "127.0.0.1:3000", "choose another"},
		{"HOOKWELL_BASE_URL", "hooks.example.com", "write it as https://host"},
		{"HOOKWELL_BASE_URL", "ftp://hooks.example.com", "write it as https://host"},
		{"HOOKWELL_BASE_URL", "https://hooks.example.com/hooks", "remove the path /hooks"},
		{"HOOKWELL_BASE_URL", "https://u:hunter2@hooks.example.com", "remove the user"},
		{"HOOKWELL_BASE_URL", "https://hooks.example.com?x=1", "remove the ?"},
		{"HOOKWELL_BASE_URL", "https://hooks.example.com:99999", "host or port"},
		{"HOOKWELL_BASE_URL", "https://hooks.example.com:0", "host or port"},
		{"HOOKWELL_BASE_URL", "https://", "host or port"},
		{"HOOKWELL_SECRET_KEY", "hunter2", "base64"},
		{"HOOKWELL_SECRET_KEY", "aHVudGVyMg==", "32 bytes"},
		{"HOOKWELL_SECRET_KEY", "2:hunter2,1:hunter2", "base64"},
		{"HOOKWELL_ALLOW_NETWORKS", "10.0.0.0/8,inside", "CIDRs"},
		{"HOOKWELL_ALLOW_NETWORKS", "10.0.0.1", "10.0.0.1/32"},
		{"HOOKWELL_TRUSTED_PROXIES", "::1", "::1/128"},
		{"HOOKWELL_TRUSTED_PROXIES", "0.0.0.0/0", "list your proxies"},
		{"HOOKWELL_SIGNUP", "yes", "first, open or closed"},
		{"HOOKWELL_OIDC_ISSUER", "http://id.example", "https"},
		{"HOOKWELL_OIDC_ISSUER", "https://u:hunter2@id.example", "remove the user"},
		{"HOOKWELL_OIDC_ISSUER", "https://id.example/.well-known/openid-configuration", "remove /.well-known/openid-configuration"},
		{"HOOKWELL_OIDC_ISSUER", "https://id.example:0", "write it as https://host"},
		{"HOOKWELL_OIDC_ISSUER", "https://id.example:99999", "write it as https://host"},
		{"HOOKWELL_OIDC_ISSUER", "", "set it too"},
		{"HOOKWELL_OIDC_CLIENT_ID", "", "provider gave you"},
		{"HOOKWELL_OIDC_CLIENT_SECRET", "", "provider gave you"},
		{"HOOKWELL_OIDC_NAME", `'Acme'`, "remove the quotes"},
		{"HOOKWELL_RETENTION_DAYS", "7d", "write the number alone, 7"},
		{"HOOKWELL_RETENTION_DAYS", "seven", "no whole number; write one such as 30"},
		{"HOOKWELL_RETENTION_DAYS", "7.5", "no whole number"},
		{"HOOKWELL_RETENTION_DAYS", "6", "at least 7"},
		{"HOOKWELL_RETENTION_DAYS", "99999999999999999999", "no whole number"},
		{"HOOKWELL_RETENTION_DAYS", "36501", "at most 36500 days; 36501 is more"},
		{"HOOKWELL_RETENTION_DAYS", "106752", "at most 36500 days"},
		{"HOOKWELL_RETENTION_DAYS", "213515", "at most 36500 days"},
		{"HOOKWELL_RETENTION_DAYS", "-2147483648", "at least 7"},
		{"HOOKWELL_BODY_MEMORY", "1048577", "at most 1048576"},
		{"HOOKWELL_BODY_MEMORY", "2147483647", "at most 1048576"},
		{"HOOKWELL_API_RATE_LIMIT", "100/s", "no whole number; write one such as 10000"},
		{"HOOKWELL_API_RATE_LIMIT", "-1", "0 for no limit"},
		{"HOOKWELL_CONNECTIONS", "5000 sockets", "write the number alone, 5000"},
		{"HOOKWELL_CONNECTIONS_PER_ADDRESS", "many", "no whole number; write one such as 500"},
		{"HOOKWELL_BODY_MEMORY", "32MB", "write the number alone, 32"},
		{"HOOKWELL_MAX_ENDPOINTS", "1,000", "no whole number; write one such as 1000"},
		{"HOOKWELL_DATABASE_CONNECTIONS", "some", ""},
		{"HOOKWELL_DATABASE_POOLER", "perhaps", ""},
		{"HOOKWELL_CONNECTIONS", "-1", "0 for no limit"},
		{"HOOKWELL_CONNECTIONS_PER_ADDRESS", "-1", "0 for no limit"},
		{"HOOKWELL_BODY_MEMORY", "32MiB", "write the number alone, 32"},
		{"HOOKWELL_BODY_MEMORY", "17", "at least 18"},
		{"GOGC", "200%", "a percentage of at least 1, or off"},
		{"GOGC", "0", "a percentage of at least 1, or off"},
		{"HOOKWELL_SMTP_URL", "smtp://u:hunter2#x@h:587", "percent-encode # as %23"},
		{"HOOKWELL_SMTP_URL", "smtp://u:hunter2/x@h:587", "percent-encode / as %2F"},
		{"HOOKWELL_SMTP_URL", "smtp://u:hunter2@h:587/path", "path"},
		{"HOOKWELL_SMTP_URL", "smtp://u:hunter2@h:587?tls=no", "options"},
		{"HOOKWELL_SMTP_URL", "http://h:25", "smtp://"},
		{"HOOKWELL_SMTP_URL", "smtp://h:99999", "port"},
		{"HOOKWELL_SMTP_URL", "smtp://h:0", "port"},
		{"HOOKWELL_SMTP_URL", "smtps://h:65536", "port"},
		{"HOOKWELL_SMTP_URL", "smtp://u@h:587", "password"},
		{"HOOKWELL_SMTP_URL", "", "set it too"},
		{"HOOKWELL_MAIL_FROM", "hooks", "such as hooks@example.com"},
		{"HOOKWELL_LOG_LEVEL", "warning", "debug, info, warn or error"},
		{"HOOKWELL_LOG_FORMAT", "xml", "text or json"},
		{"HOOKWELL_CATALOG", "/nowhere/events", "/nowhere/events"},
		{"HOOKWELL_CATALOG", write(t, `{"hat": 1}`), "list"},
		{"HOOKWELL_CATALOG", write(t, `[{"type": 7}]`), "type"},
		{"HOOKWELL_CATALOG", write(t, `[{"type": "a.b"`), "JSON"},
		{"HOOKWELL_DATA_DIR", "HOOKWELL_DATA_DIR=./data", "remove the name"},
	} {
		tried[c.name] = true
		t.Run(c.name+"="+filepath.Base(c.value), func(t *testing.T) {
			_, err := configureWith(services(t, map[string]string{c.name: c.value}))
			if err == nil {
				t.Fatalf("%s was taken", c.value)
			}
			text := err.Error()
			if !strings.Contains(text, c.name+": ") || !strings.Contains(text, c.mend) {
				t.Errorf("%s=%s is refused with %q, want %q", c.name, c.value, text, c.mend)
			}
			if strings.Contains(text, secret) || strings.Contains(text, "aHVudGVyMg") {
				t.Errorf("the refusal shows the secret: %s", text)
			}
			if word := goWords.FindString(text); word != "" {
				t.Errorf("the refusal speaks Go (%s): %s", word, text)
			}
		})
	}
	for name := range variables() {
		if !tried[name] {
			t.Errorf("%s has no case here", name)
		}
	}
}

// TestPasswords_are_never_shown puts each character that a URL has a meaning for
// into a password as it is. Either it is refused, without a part of the password,
// or what is taken names the host that was meant, so that no resolver is asked
// for a part of the password.
func TestPasswords_are_never_shown(t *testing.T) {
	const before, between, after = "Tr0ub", "qzw", "dorPASS"
	passwords := []string{}
	for _, one := range "@:/?#%[] \\&=,;" {
		passwords = append(passwords, before+string(one)+after, "123"+string(one)+after)
		for _, two := range "@/?&" {
			passwords = append(passwords, before+string(one)+between+string(two)+after)
		}
	}
	for _, c := range []struct{ name, form, host string }{
		{"DATABASE_URL", "postgres://postgres:<>@127.0.0.1:5432/x", "127.0.0.1"},
		{"DATABASE_URL", "postgres://postgres:<>@127.0.0.1:5432,127.0.0.1:5433/x?sslmode=disable", "127.0.0.1"},
		{"HOOKWELL_MIGRATE_DATABASE_URL", "postgres://postgres:<>@127.0.0.1/x?sslmode=disable", "127.0.0.1"},
		{"REDIS_URL", "redis://:<>@127.0.0.1:6379/0", "127.0.0.1:6379"},
		{"REDIS_URL", "rediss://user:<>@127.0.0.1", "127.0.0.1:6379"},
		{"REDIS_URL", "redis://<>@127.0.0.1:6379", "127.0.0.1:6379"},
		{"REDIS_URL", "redis-sentinel://:<>@127.0.0.1:26379?master=m", ""},
		{"REDIS_URL", "redis-cluster://:<>@127.0.0.1:6379", ""},
		{"HOOKWELL_SMTP_URL", "smtp://u:<>@127.0.0.1:587", "127.0.0.1"},
		{"HOOKWELL_BASE_URL", "https://u:<>@127.0.0.1", ""},
		{"HOOKWELL_OIDC_ISSUER", "https://u:<>@127.0.0.1/path", ""},
	} {
		for _, password := range passwords {
			text := strings.Replace(c.form, "<>", password, 1)
			config, err := configureWith(services(t, map[string]string{c.name: text}))
			if err != nil {
				for i := 0; i+3 <= len(password); i++ {
					if part := password[i : i+3]; !strings.Contains("user:password@host:587", part) && strings.Contains(err.Error(), part) {
						t.Errorf("%s=%s: the refusal shows %q: %v", c.name, text, part, err)
					}
				}
				continue
			}
			if host := hostOf(t, config, c.name, text); c.host != "" && host != c.host {
				t.Errorf("%s=%s names the host %q", c.name, text, host)
			}
		}
	}
}

// hostOf is the host that a setting which was taken leads to.
func hostOf(t *testing.T, config *Config, name, text string) string {
	t.Helper()
	switch name {
	case "DATABASE_URL", "HOOKWELL_MIGRATE_DATABASE_URL":
		database := config.Database.URL
		if name != "DATABASE_URL" {
			database = config.Database.MigrateURL
		}
		parsed, err := pgx.ParseConfig(database)
		if err != nil {
			t.Fatal(err)
		}
		return parsed.Host
	case "REDIS_URL":
		client, err := config.RedisClient()
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if one, single := client.(*redis.Client); single {
			return one.Options().Addr
		}
	case "HOOKWELL_SMTP_URL":
		server, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return server.Hostname()
	}
	return ""
}

func TestSettings_that_are_taken(t *testing.T) {
	for _, c := range []struct{ name, value string }{
		{"DATABASE_URL", "postgres://u:p@h:5432/d\n"}, {"DATABASE_URL", "POSTGRES://u:p@h/d"}, {"DATABASE_URL", "postgresql://u:p%23x@h:5432/d?application_name=a%40b"},
		{"DATABASE_URL", "postgres://u:p@h:5432,i:5432/d?target_session_attrs=read-write"}, {"DATABASE_URL", "postgres://u:p%40x@h:5432/d"}, {"REDIS_URL", "unix:///run/redis@1.sock"}, {"DATABASE_URL", "postgres:///d?host=/run/postgresql"},
		{"REDIS_URL", "redis://h:6379/"}, {"REDIS_URL", "redis://h"}, {"REDIS_URL", "REDIS://h:6379/0\r\n"}, {"REDIS_URL", "rediss://u:p@h:6380/2"},
		{"REDIS_URL", "redis://h:6379?db=3"}, {"REDIS_URL", "redis://:p%23@h"}, {"REDIS_URL", "unix:///run/redis.sock?db=2"}, {"REDIS_URL", "redis://[::1]:6379"},
		{"REDIS_URL", "redis-sentinel://:p@h:26379,i/3?master=m&username=u&password=q"}, {"REDIS_URL", "redis-cluster://u:p@h:6379,i:6379/"}, {"REDIS_URL", "Rediss-Cluster://h:6379"},
		{"HOOKWELL_BASE_URL", "https://hooks.example.com/"}, {"HOOKWELL_BASE_URL", " HTTPS://Hooks.Example.com:443 "}, {"HOOKWELL_BASE_URL", "https://bücher.example"},
		{"HOOKWELL_SECRET_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n"}, {"HOOKWELL_RETENTION_DAYS", "30\n"}, {"HOOKWELL_RETENTION_DAYS", " "}, {"HOOKWELL_RETENTION_DAYS", "36500"}, {"HOOKWELL_LOG_LEVEL", "INFO"},
		{"HOOKWELL_LOG_FORMAT", "JSON"}, {"HOOKWELL_SIGNUP", "First"}, {"HOOKWELL_OPS_ADDR", "OFF"}, {"HOOKWELL_SMTP_URL", "SMTP://u:p@h:587/"}, {"HOOKWELL_OIDC_CLIENT_SECRET", "a b\n"},
		{"HOOKWELL_ALLOW_NETWORKS", "10.0.0.0/8, fd00::/8\n"},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			if _, err := configureWith(services(t, map[string]string{c.name: c.value})); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBaseURL_is_normalized(t *testing.T) {
	for text, want := range map[string]string{"https://bücher.example": "https://xn--bcher-kva.example", "HTTPS://Hooks.Example.COM.:443/": "https://hooks.example.com",
		"http://name:80": "http://name", "https://name:80": "https://name:80"} {
		c, err := configureWith(services(t, map[string]string{"HOOKWELL_BASE_URL": text}))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.BaseURL.String(); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}
