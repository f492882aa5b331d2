package config

import (
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
)

const postgresForm = "write it as postgres://user:password@host:5432/database"

// checkPostgres checks the URL of a Postgres, and writes its scheme in lower
// case. What its error says holds no password.
func checkPostgres(variable string, text *string) error {
	if *text == "" {
		return nil
	}
	if fault := unencoded(*text); fault != "" {
		return Wrong(variable, "%s", fault)
	}
	scheme, rest, _ := strings.Cut(*text, "://")
	if scheme = strings.ToLower(scheme); scheme != "postgres" && scheme != "postgresql" {
		return Wrong(variable, postgresForm)
	}
	*text = scheme + "://" + rest
	// A list of hosts is Postgres's own form, which net/url does not know.
	if _, _, err := splitHosts(rest); err != nil {
		return Wrong(variable, postgresForm)
	}
	if fault := bareOption(rest); fault != "" {
		return Wrong(variable, "%s", fault)
	}
	if query, err := url.ParseQuery(queryOf(rest)); err != nil {
		return Wrong(variable, "what follows the ? can't be read; write name=value, joined by &")
	} else if query.Has("pool_max_conns") || query.Has("pool_min_conns") {
		return Wrong(variable, "the options pool_max_conns and pool_min_conns are not used; remove them")
	}
	if _, err := pgx.ParseConfig(*text); err != nil {
		_, fault, found := strings.Cut(err.Error(), "`: ") // what stands before it is the URL
		if !found {
			fault = "it can't be read"
		}
		if short, why, _ := strings.Cut(fault, " ("); strings.Contains(why, "strconv") {
			fault = short
		}
		return Wrong(variable, "%s; %s", fault, postgresForm)
	}
	return nil
}

func queryOf(rest string) string {
	_, query, _ := strings.Cut(rest, "?")
	return query
}
