package config

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"hookwell/webhook"
)

// redisSchemes are the schemes of REDIS_URL and the ones that go-redis's parsers
// know them by.
var redisSchemes = map[string]string{"redis": "redis", "rediss": "rediss", "unix": "unix",
	"redis-sentinel": "redis", "rediss-sentinel": "rediss", "redis-cluster": "redis", "rediss-cluster": "rediss"}

// redisReplicas are go-redis's options that read from replicas, or panic. What
// is read has to be what was written.
var redisReplicas = []string{"read_only", "replica_only", "route_by_latency", "route_randomly", "use_disconnected_replicas"}

// redisForm is how REDIS_URL is written.
const redisForm = "write it as redis://user:password@host:6379/0 (rediss:// with TLS), redis-sentinel://host:26379,host:26379/0?master=name or redis-cluster://host:6379,host:6379"

// checkRedis checks REDIS_URL by making the client that it names, which connects
// nowhere yet.
func checkRedis(text string) error {
	client, err := redisClient(text)
	if err != nil {
		return Wrong("REDIS_URL", "%w", err)
	}
	return client.Close()
}

// RedisClient returns a client of the Redis that REDIS_URL names, connected to
// nothing yet. Without one, on the embedded default, it fails.
func (c *Config) RedisClient() (redis.UniversalClient, error) {
	client, err := redisClient(c.redisURL)
	if err != nil {
		return nil, Wrong("REDIS_URL", "%w", err)
	}
	return client, nil
}

// redisClient makes a client of REDIS_URL without connecting. Its error says
// what is wrong and what to write, and never shows a password.
func redisClient(text string) (redis.UniversalClient, error) {
	u, hosts, err := redisURL(text)
	if err != nil {
		return nil, err
	}
	kind := u.Scheme
	u.Scheme = redisSchemes[kind]
	switch {
	case strings.HasSuffix(kind, "-sentinel"):
		return sentinelClient(u, hosts)
	case strings.HasSuffix(kind, "-cluster"):
		return clusterClient(u, hosts)
	case len(hosts) > 1:
		return nil, fmt.Errorf("%s:// names one server; for several write redis-sentinel:// or redis-cluster://", kind)
	}
	options, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, redisFault(err)
	}
	return redis.NewClient(options), nil
}

// redisURL checks what the parsers of go-redis would pass over. The hosts after
// the first are left out of the URL.
func redisURL(text string) (u *url.URL, hosts []string, err error) {
	if fault := unencoded(text); fault != "" {
		return nil, nil, errors.New(fault)
	}
	scheme, rest, _ := strings.Cut(text, "://")
	kind := strings.ToLower(scheme)
	if redisSchemes[kind] == "" {
		return nil, nil, errors.New(redisForm)
	}
	u, hosts, err = splitHosts(rest)
	if err != nil {
		return nil, nil, errors.New(redisForm)
	}
	if fault := bareOption(rest); fault != "" {
		return nil, nil, errors.New(fault)
	}
	u.Scheme = kind
	query := u.Query()
	if kind == "unix" {
		if u.Host != "" || u.Path == "" {
			return nil, nil, errors.New("write a socket as unix:///path/of/the/socket?db=0")
		}
		return u, hosts, nil
	}
	database := strings.Trim(u.Path, "/")
	switch {
	case slices.ContainsFunc(hosts, func(host string) bool { return (&url.URL{Host: host}).Hostname() == "" }):
		return nil, nil, errors.New("the host is missing; " + redisForm)
	case strings.Trim(database, "0123456789") != "":
		return nil, nil, errors.New("what follows the host has to be the number of a database, such as /0")
	case database != "" && query.Has("db"):
		return nil, nil, errors.New("it names the database twice, in the path and as db; leave one out")
	}
	if fault := badPort(append(slices.Clone(hosts), query["addr"]...)); fault != "" {
		return nil, nil, errors.New(fault)
	}
	for _, name := range redisReplicas {
		if query.Has(name) {
			return nil, nil, fmt.Errorf("the option %s is not used, since Hookwell reads what it wrote; remove it", name)
		}
	}
	return u, hosts, nil
}

// badPort says which of some addresses has a port that is none, or "".
func badPort(hosts []string) string {
	for _, host := range hosts {
		if one := (&url.URL{Host: host}); one.Port() != "" && !webhook.ValidPort(one) {
			return fmt.Sprintf("its port %s is no number from 1 to 65535", one.Port())
		}
	}
	return ""
}

// splitHosts reads user:password@host,host/path?query. The URL has the first
// host alone, since net/url knows no lists.
func splitHosts(rest string) (*url.URL, []string, error) {
	authority, after := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, after = rest[:i], rest[i:]
	}
	user, list := "", authority
	if i := strings.LastIndex(authority, "@"); i >= 0 {
		user, list = authority[:i+1], authority[i+1:]
	}
	hosts := strings.Split(list, ",")
	for _, host := range hosts {
		if _, err := url.Parse("redis://" + host); err != nil {
			return nil, nil, err
		}
	}
	u, err := url.Parse("redis://" + user + hosts[0] + after)
	return u, hosts, err
}

// withAddresses gives the further hosts to go-redis as it wants them.
func withAddresses(u *url.URL, hosts []string, port string) {
	query := u.Query()
	for i, host := range hosts {
		one := &url.URL{Host: host}
		address := net.JoinHostPort(one.Hostname(), cmp.Or(one.Port(), port))
		if i == 0 {
			u.Host = address
		} else {
			query.Add("addr", address)
		}
	}
	u.RawQuery = query.Encode()
}

// sentinelClient asks the sentinels, with the URL's user and password, for the
// master, whose own are the options username and password.
func sentinelClient(u *url.URL, hosts []string) (redis.UniversalClient, error) {
	withAddresses(u, hosts, "26379")
	query := u.Query()
	if query.Has("master") && query.Has("master_name") {
		return nil, errors.New("master and master_name are the same; leave one out")
	}
	if master := query.Get("master"); master != "" {
		query.Set("master_name", master)
	}
	query.Del("master")
	if query.Get("master_name") == "" {
		return nil, errors.New("name the master that the sentinels watch, as in redis-sentinel://host:26379?master=name")
	}
	u.RawQuery = query.Encode()
	options, err := redis.ParseFailoverURL(u.String())
	if err != nil {
		return nil, redisFault(err)
	}
	return redis.NewFailoverClient(options), nil
}

func clusterClient(u *url.URL, hosts []string) (redis.UniversalClient, error) {
	withAddresses(u, hosts, "6379")
	if database := strings.Trim(u.Path, "/"); database != "" {
		return nil, fmt.Errorf("a cluster has no databases to choose from; remove /%s", database)
	}
	options, err := redis.ParseClusterURL(u.String())
	if err != nil {
		return nil, redisFault(err)
	}
	if options.TLSConfig != nil {
		options.TLSConfig.MinVersion = tls.VersionTLS12
	}
	return redis.NewClusterClient(options), nil
}

// redisFault is what go-redis's parsers say, without the words of Go's own.
func redisFault(err error) error {
	text, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "redis: "), ": strconv")
	if names, ok := strings.CutPrefix(text, "unexpected option: "); ok {
		return fmt.Errorf("the option %s is not known or not used there; remove it", names)
	}
	text, _, _ = strings.Cut(text, ": time:")
	return errors.New(text)
}
