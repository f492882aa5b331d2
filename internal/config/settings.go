package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"

	"github.com/caarlos0/env/v11"
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
	Connections      *int   `env:"HOOKWELL_CONNECTIONS"`
	AddressLimit     int    `env:"HOOKWELL_CONNECTIONS_PER_ADDRESS" envDefault:"500"`
	BodyMemory       int    `env:"HOOKWELL_BODY_MEMORY" envDefault:"32"`
	MaxEndpoints     int    `env:"HOOKWELL_MAX_ENDPOINTS" envDefault:"1000"`
	MigrateURL       string `env:"HOOKWELL_MIGRATE_DATABASE_URL"`
	DatabaseSessions string `env:"HOOKWELL_DATABASE_CONNECTIONS"`
	Pooler           string `env:"HOOKWELL_DATABASE_POOLER"`
	LogLevel         string `env:"HOOKWELL_LOG_LEVEL" envDefault:"info"`
	GCPercent        string `env:"GOGC"`
	LogFormat        string `env:"HOOKWELL_LOG_FORMAT" envDefault:"text"`
}

// readSettings reads the environment. It is the only place that does.
func readSettings() (settings, error) {
	return parseSettings(os.LookupEnv)
}

// parseSettings leaves out what surrounds a value harmlessly, such as the line
// end of a mounted secret. Its error names every variable that can't be read.
func parseSettings(lookup func(name string) (string, bool)) (settings, error) {
	values, faults := map[string]string{}, []error{}
	for name := range variables() {
		text, set := lookup(name)
		if text = strings.TrimSpace(text); !set || text == "" {
			continue
		}
		values[name] = text
		if err := checkText(name, text); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return settings{}, errors.Join(faults...)
	}
	s, err := env.ParseAsWithOptions[settings](env.Options{Environment: values})
	if err != nil {
		return settings{}, explainParse(err, values)
	}
	return s, nil
}

// variables returns the settings' variables, each with its field.
func variables() map[string]reflect.StructField {
	all := map[string]reflect.StructField{}
	kind := reflect.TypeFor[settings]()
	for i := range kind.NumField() {
		field := kind.Field(i)
		all[field.Tag.Get("env")] = field
	}
	return all
}

// checkText refuses what no value has: quotes around it, as Docker leaves those
// of an env file, and line ends inside.
func checkText(name, text string) error {
	for _, quote := range []string{`"`, `'`} {
		if len(text) > 1 && strings.HasPrefix(text, quote) && strings.HasSuffix(text, quote) {
			return Wrong(name, "remove the quotes (%s) around the value: they are taken as part of it", quote)
		}
	}
	if strings.HasPrefix(text, "HOOKWELL_") && strings.Contains(text, "=") || strings.HasPrefix(text, name+"=") {
		return Wrong(name, "remove the name and the = from the value")
	}
	if strings.ContainsAny(text, "\n\r\x00") {
		return Wrong(name, "it has more than one line; write one")
	}
	return nil
}

var numberWithUnit = regexp.MustCompile(`^(\d+)\s*(?:[dDsS]|[A-Za-z]{2,})$`) // 5k is not 5

// explainParse says of each variable that is no number what to write.
func explainParse(err error, values map[string]string) error {
	var several env.AggregateError
	if !errors.As(err, &several) {
		return errors.New("the settings can't be read")
	}
	var faults []error
	for name, field := range variables() {
		for _, one := range several.Errors {
			var parse env.ParseError
			if errors.As(one, &parse) && parse.Name == field.Name {
				faults = append(faults, Wrong(name, "%s", notANumber(values[name], field.Tag.Get("envDefault"))))
			}
		}
	}
	return errors.Join(faults...)
}

func notANumber(text, example string) string {
	if found := numberWithUnit.FindStringSubmatch(text); found != nil {
		return fmt.Sprintf("write the number alone, %s", found[1])
	}
	return fmt.Sprintf("%q is no whole number; write one such as %s", text, example)
}
