package jobs_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"hookwell/internal/storetest"
	"hookwell/internal/testenv"
	"hookwell/jobs"
	"hookwell/models"
	"hookwell/models/store"
)

// allowed is what docs/operations.md says that Redis has to permit.
const allowed = "~asynq:* resetchannels &hookwell:* &asynq:cancel -@all +@connection +@read +@write +@scripting +@pubsub"

// admin is a client that may do everything.
func admin(t *testing.T, server *testenv.Process) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(server.URL())
	must(t, err)
	client := redis.NewClient(options)
	t.Cleanup(func() { client.Close() })
	return client
}

// as is the server's URL with another user.
func as(t *testing.T, server *testenv.Process, user, password string) string {
	t.Helper()
	u, err := url.Parse(server.URL())
	must(t, err)
	u.User = url.UserPassword(user, password)
	return u.String()
}

// grant makes a user of Redis.
func grant(t *testing.T, server *testenv.Process, rules string) string {
	t.Helper()
	args := []any{"ACL", "SETUSER", "worker", "reset", "on", ">pw"}
	for _, rule := range strings.Fields(rules) {
		args = append(args, rule)
	}
	must(t, admin(t, server).Do(t.Context(), args...).Err())
	return as(t, server, "worker", "pw")
}

// blind keeps the due scan from looking, so that what is delivered was not
// found by it.
func (f *fixture) blind(t *testing.T) {
	t.Helper()
	db, err := gorm.Open(postgres.Open(f.options.DatabaseURL), &gorm.Config{})
	must(t, err)
	pool, err := db.DB()
	must(t, err)
	t.Cleanup(func() { pool.Close() })
	const dueLock = 7_267_881_235
	must(t, db.Begin().Exec(fmt.Sprintf("SELECT pg_advisory_xact_lock(hashtextextended('public', %d))", dueLock)).Error)
}

func TestRedisThatDoesNotDoItsPart(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, server *testenv.Process) (address string)
		mend  string // "" is a Redis that does all
	}{
		"works for a user with what docs list": {func(t *testing.T, server *testenv.Process) string { return grant(t, server, allowed) }, ""},
		"has another password":                 {func(t *testing.T, server *testenv.Process) string { return as(t, server, "", "wrong") }, "REDIS_URL"},
		"wants a password": {func(t *testing.T, server *testenv.Process) string {
			options, err := redis.ParseURL(server.URL())
			must(t, err)
			return "redis://" + options.Addr
		}, "REDIS_URL"},
		"permits no channels": {func(t *testing.T, server *testenv.Process) string {
			return grant(t, server, strings.NewReplacer("&hookwell:*", "", "&asynq:cancel", "").Replace(allowed))
		}, "grant it"},
		"permits no keys": {func(t *testing.T, server *testenv.Process) string {
			return grant(t, server, strings.Replace(allowed, "~asynq:*", "~other:*", 1))
		}, "grant it"},
		"permits no scripts":          {func(t *testing.T, server *testenv.Process) string { return grant(t, server, allowed+" -@scripting") }, "grant it"},
		"permits no reading of tasks": {func(t *testing.T, server *testenv.Process) string { return grant(t, server, allowed+" -rpoplpush") }, "grant it"},
		"is a replica": {func(t *testing.T, server *testenv.Process) string {
			must(t, admin(t, server).ReplicaOf(t.Context(), "127.0.0.1", "1").Err())
			return server.URL()
		}, "name the primary"},
		"is at its memory limit": {func(t *testing.T, server *testenv.Process) string {
			must(t, admin(t, server).ConfigSet(t.Context(), "maxmemory", "1").Err())
			return server.URL()
		}, "maxmemory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := c.spoil(t, testenv.PrivateRedis(t))
			f := newFixture(t, store.Options{DatabaseURL: testenv.Database(t)}, address)
			err := f.queue.Check(t.Context())
			var fault *jobs.RedisFault
			switch {
			case c.mend == "" && err != nil:
				t.Fatalf("Check() = %v", err)
			case c.mend != "" && (!errors.As(err, &fault) || !strings.Contains(fault.Mend, c.mend)):
				t.Fatalf("Check() = %v (%v), want a fault that says %q", err, errors.Unwrap(err), c.mend)
			}
			f.endpoint(t, receiver(t, nil).URL, nil)
			f.wakeQueue()
			f.blind(t)
			f.start(t)
			f.publish(t, 20)
			f.until(t, "all delivered, and not by the due scan", models.DeliveryFilter{}, all(20, models.Delivered))
		})
	}
}

// TestRedisThatTurns has a user lose and regain its rights while workers run:
// the queue notices both by the work itself.
func TestRedisThatTurns(t *testing.T) {
	t.Parallel()
	server := testenv.PrivateRedis(t)
	f := newFixture(t, store.Options{DatabaseURL: testenv.Database(t)}, grant(t, server, allowed))
	f.endpoint(t, receiver(t, nil).URL, nil)
	f.wakeQueue()
	f.start(t)
	f.publish(t, 1)
	f.until(t, "one is delivered", models.DeliveryFilter{}, all(1, models.Delivered))
	must(t, admin(t, server).Do(t.Context(), "ACL", "SETUSER", "worker", "-rpoplpush", "resetchannels").Err())
	f.eventually(t, "the fault is noticed", func() bool { return f.queue.Away() })
	f.blind(t)
	f.publish(t, 5)
	f.until(t, "five more are delivered", models.DeliveryFilter{}, all(6, models.Delivered))
	grant(t, server, allowed)
	f.eventually(t, "Redis is used again", func() bool { return f.queue.Check(t.Context()) == nil && !f.queue.Away() })
	f.publish(t, 5)
	f.until(t, "and five by tasks", models.DeliveryFilter{}, all(11, models.Delivered))
}

func (f *fixture) eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for !met() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestRedisThatIsANodeOfACluster(t *testing.T) {
	t.Parallel()
	nodes := []*testenv.Process{testenv.PrivateRedis(t, "cluster-enabled yes"), testenv.PrivateRedis(t, "cluster-enabled yes")}
	for i, node := range nodes {
		must(t, admin(t, node).ClusterAddSlotsRange(t.Context(), 8192*i, 8192*i+8191).Err())
	}
	other, err := url.Parse(nodes[1].URL())
	must(t, err)
	must(t, admin(t, nodes[0]).ClusterMeet(t.Context(), other.Hostname(), other.Port()).Err())
	faults, installation := 0, testenv.Database(t) // one, so that its keys lie in the same slots
	for _, node := range nodes {
		f := newFixture(t, store.Options{DatabaseURL: installation}, node.URL())
		f.eventually(t, "the cluster stands", func() bool {
			info, err := f.redis.ClusterInfo(t.Context()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:2")
		})
		var fault *jobs.RedisFault
		if err := f.queue.Check(t.Context()); errors.As(err, &fault) && strings.Contains(fault.Mend, "redis-cluster://") {
			faults++
		}
	}
	// The keys lie in several slots, of which each node has half: one node may
	// hold them all, the other then none.
	if faults == 0 {
		t.Error("neither node is told from a server of its own")
	}
}

// TestRedisThatIsSetWrongly asks for what the server doesn't have: a database
// beyond its last, a master that sentinels don't watch.
func TestRedisThatIsSetWrongly(t *testing.T) {
	t.Parallel()
	server := testenv.PrivateRedis(t)
	address, err := url.Parse(server.URL())
	must(t, err)
	sentinel, err := url.Parse(testenv.Sentinel(t, server).URL())
	must(t, err)
	password, _ := sentinel.User.Password()
	plain := &redis.Options{Addr: address.Host, DialTimeout: time.Second, MaxRetries: -1, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	options, err := redis.ParseURL(server.URL())
	must(t, err)
	options.DB = 1 << 20
	f := newFixture(t, storetest.SQLite(t), server.URL())
	installation, err := f.Database().InstallationID(t.Context())
	must(t, err)
	for name, c := range map[string]struct {
		client redis.UniversalClient
		says   string
	}{
		"a database beyond the last": {redis.NewClient(options), "name one below its setting databases"},
		"an unknown master": {redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "nobody", SentinelAddrs: []string{sentinel.Host}, SentinelPassword: password}),
			"the sentinels know no master of that name"},
		"TLS on a plain port": {redis.NewClient(plain), "or speaks no TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			defer c.client.Close()
			queue := jobs.NewQueue(c.client, installation, f.feed, f.log)
			var fault *jobs.RedisFault
			if err := queue.Check(t.Context()); !errors.As(err, &fault) || !strings.Contains(fault.Error(), c.says) {
				t.Errorf("Check() = %v (%v), want that it says %q", err, errors.Unwrap(err), c.says)
			}
		})
	}
}
