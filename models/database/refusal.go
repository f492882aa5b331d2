package database

import (
	"crypto/tls"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// refusal is a connection that Postgres, or the pooler before it, refuses for as
// long as nobody changes a setting. Its text is for an operator, says what to
// change where that is known, and holds no password.
type refusal struct {
	happened, mend string
	cause          error
}

// Error returns what happened, what to do, and the cause.
func (r *refusal) Error() string {
	if r.mend == "" {
		return fmt.Sprintf("%s: %s", r.happened, r.cause)
	}
	return fmt.Sprintf("%s; %s: %s", r.happened, r.mend, r.cause)
}

// Unwrap returns the cause.
func (r *refusal) Unwrap() error { return r.cause }

// noTLS is pgx's text, which has no type, for a server that answers a request for
// TLS with "no".
const noTLS = "server refused TLS connection"

// refusalOf returns why a connection was refused, or nil if it wasn't, or was for
// a reason that passes.
func refusalOf(err error) *refusal {
	var connecting *pgconn.ConnectError
	var prepared *unprepared
	if !errors.As(err, &connecting) && !errors.As(err, &prepared) || crowded(err) {
		return nil
	}
	var certificate *tls.CertificateVerificationError
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg):
		return serverRefusal(pg, connecting, err)
	case connecting != nil && needsTLS(connecting.Config) && strings.Contains(err.Error(), noTLS):
		return &refusal{"the server speaks no TLS", "remove sslmode from the URL or set it to prefer, or turn TLS on at the server", err}
	case errors.As(err, &certificate):
		return &refusal{"the server's TLS certificate can't be verified", "name the file of its authority as sslrootcert, and the host as the certificate does", err}
	}
	return nil
}

// needsTLS reports whether no try goes without TLS, as after sslmode=require. After
// sslmode=prefer the server that speaks none is tried again without, and what is
// wrong then is something else.
func needsTLS(c *pgconn.Config) bool {
	return c.TLSConfig != nil && !slices.ContainsFunc(c.Fallbacks, func(f *pgconn.FallbackConfig) bool { return f.TLSConfig == nil })
}

// protocolViolation is the code under which PgBouncer before version 1.22 says
// everything, so that only its text tells one thing from another. Postgres itself
// has codes.
const protocolViolation = "08P01"

func serverRefusal(pg *pgconn.PgError, connecting *pgconn.ConnectError, err error) *refusal {
	says := func(text string) bool { return pg.Code == protocolViolation && strings.Contains(pg.Message, text) }
	switch parameter := startupParameter(pg, connecting); {
	case strings.HasPrefix(pg.Code, "57P"), !ends(pg):
		return nil
	case pg.Code == "28P01", says("authentication failed"), says("no such user"):
		return &refusal{"the database refuses the user or the password", "correct them in the URL", err}
	case pg.Code == "3D000", says("no such database"), says("database ") && says(" does not exist"):
		return &refusal{"there is no such database", "correct its name in the URL, or create it", err}
	case says("SSL required"), says("TLS required"):
		return &refusal{"the server wants TLS", "set sslmode to require in the URL", err}
	case parameter != "" && pg.Code == protocolViolation:
		return &refusal{"the pooler does not take the parameter " + parameter + " at the start of a session",
			"remove " + parameter + " from the URL, or use ALTER ROLE ... SET", err}
	case parameter != "":
		return &refusal{"Postgres knows no parameter " + parameter, "remove " + parameter + " from the URL, or correct its name", err}
	case pg.Code == protocolViolation && connecting == nil:
		return nil
	}
	return &refusal{"the database, or the pooler before it, refuses the connection", "", err}
}

var unsupportedParameter = regexp.MustCompile(`^unsupported startup parameter[^:]*: ([\w.]+)`)

// startupParameter returns the parameter of the URL for which a session was
// refused, or "".
func startupParameter(pg *pgconn.PgError, connecting *pgconn.ConnectError) string {
	if found := unsupportedParameter.FindStringSubmatch(pg.Message); found != nil {
		return found[1]
	}
	const undefinedObject = "42704"
	if pg.Code != undefinedObject || connecting == nil {
		return ""
	}
	// The text around the name is translated, the name is not.
	longest := ""
	for name := range connecting.Config.RuntimeParams {
		if strings.Contains(pg.Message, name) && len(name) > len(longest) {
			longest = name
		}
	}
	return longest
}
