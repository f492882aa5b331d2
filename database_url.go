package main

import (
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
)

const databaseForm = "write it as postgres://user:password@host:5432/database"

// checkDatabase checks the URL of a Postgres, and writes its scheme in lower
// case. What its error says holds no password.
func checkDatabase(variable string, text *string) error {
	if *text == "" {
		return nil
	}
	if fault := unencoded(*text); fault != "" {
		return wrong(variable, "%s", fault)
	}
	scheme, rest, _ := strings.Cut(*text, "://")
	if scheme = strings.ToLower(scheme); scheme != "postgres" && scheme != "postgresql" {
		return wrong(variable, databaseForm)
	}
	*text = scheme + "://" + rest
	// A list of hosts is Postgres's own form, which net/url does not know.
	if _, _, err := splitHosts(rest); err != nil {
		return wrong(variable, databaseForm)
	}
	if query, err := url.ParseQuery(queryOf(rest)); err != nil {
		return wrong(variable, "what follows the ? can't be read; write name=value, joined by &")
	} else if query.Has("pool_max_conns") || query.Has("pool_min_conns") {
		return wrong(variable, "the options pool_max_conns and pool_min_conns are not used; remove them")
	}
	if _, err := pgx.ParseConfig(*text); err != nil {
		_, fault, found := strings.Cut(err.Error(), "`: ") // what stands before it is the URL
		if !found {
			fault = "it can't be read"
		}
		if short, why, _ := strings.Cut(fault, " ("); strings.Contains(why, "strconv") {
			fault = short
		}
		return wrong(variable, "%s; %s", fault, databaseForm)
	}
	return nil
}

func queryOf(rest string) string {
	_, query, _ := strings.Cut(rest, "?")
	return query
}

// checkRedis checks REDIS_URL by making the client that it names, which connects
// nowhere yet.
func checkRedis(text string) error {
	client, err := redisClient(text)
	if err != nil {
		return wrong("REDIS_URL", "%w", err)
	}
	return client.Close()
}
