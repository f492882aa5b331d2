package jobs

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
)

// RedisFault is an error that keeps Redis from doing its part. Its text says what
// happened and what an operator can do; it holds no password.
type RedisFault struct {
	Happened, Mend string
	Err            error
}

// Error returns what happened and what to do.
func (f *RedisFault) Error() string { return f.Happened + "; " + f.Mend }

// Unwrap returns what Redis or the network replied.
func (f *RedisFault) Unwrap() error { return f.Err }

// faultOf reads an error's kind from the code with which Redis replied.
func faultOf(err error) *RedisFault {
	var known *RedisFault
	if err == nil {
		return nil
	}
	if errors.As(err, &known) {
		return known
	}
	_, moved := redis.IsMovedError(err)
	var network net.Error
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &plain):
		return &RedisFault{"Redis is asked for TLS and answers without", "write redis:// in REDIS_URL, or name the port that has TLS", err}
	case redis.HasErrorPrefix(err, "ERR DB index is out of range"), redis.HasErrorPrefix(err, "DB index is out of range"):
		return &RedisFault{"Redis has no database of that number", "name one below its setting databases in REDIS_URL, such as /0, or raise that", err}
	case errors.Is(err, redis.Nil) && strings.Contains(err.Error(), "sentinel"):
		return &RedisFault{"the sentinels know no master of that name", "name the one that they watch as master in REDIS_URL", err}
	case moved, redis.IsClusterDownError(err), redis.HasErrorPrefix(err, "CROSSSLOT"):
		return &RedisFault{"Redis is a node of a cluster and does not hold all keys", "write REDIS_URL as redis-cluster://host:port,host:port", err}
	case redis.IsAuthError(err):
		return &RedisFault{"Redis refuses the user or the password", "correct them in REDIS_URL", err}
	case redis.IsPermissionError(err), redis.HasErrorPrefix(err, "ACL failure"), redis.HasErrorPrefix(err, "The user executing the script"):
		return &RedisFault{"Redis does not permit its user to do what is needed", "grant it the commands, keys and channels that docs/operations.md lists", err}
	case redis.IsReadOnlyError(err):
		return &RedisFault{"Redis is a replica and takes no writes", "name the primary in REDIS_URL, or use redis-sentinel://", err}
	case redis.IsOOMError(err):
		return &RedisFault{"Redis is at its memory limit and takes no writes", "raise maxmemory, or remove what else is stored there", err}
	case redis.HasErrorPrefix(err, "MISCONF"):
		return &RedisFault{"Redis can't write its snapshot and takes no writes", "look at its disk and its log", err}
	case redis.IsLoadingError(err), redis.IsMasterDownError(err):
		return &RedisFault{"Redis is starting", "wait until it has read its data", err}
	case redis.IsMaxClientsError(err):
		return &RedisFault{"Redis has as many clients as it takes", "raise maxclients", err}
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.DeadlineExceeded):
		return &RedisFault{"Redis can't be reached", "check that it runs and that REDIS_URL names it; with rediss:// it may be that the port is another or speaks no TLS", err}
	}
	return &RedisFault{"Redis failed", "its reply is in the log", err}
}
