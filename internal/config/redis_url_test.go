package config

import (
	"context"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hookwell/internal/testenv"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(testenv.Run(m))
}

// TestRedisURL_reaches connects by each form of REDIS_URL to a real server that
// asks for a user and a password, and looks where a write went.
func TestRedisURL_reaches(t *testing.T) {
	server := testenv.PrivateRedis(t)
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	admin := redis.NewClient(options)
	t.Cleanup(func() { admin.Close() })
	if err := admin.Do(t.Context(), "ACL", "SETUSER", "worker", "on", ">p@ss/w:rd", "~*", "&*", "+@all").Err(); err != nil {
		t.Fatal(err)
	}
	sentinel, err := url.Parse(testenv.Sentinel(t, server).URL())
	if err != nil {
		t.Fatal(err)
	}
	const user, master = "worker:p%40ss%2Fw%3Ard@", "master=primary&username=worker&password=p%40ss%2Fw%3Ard"
	for name, c := range map[string]struct {
		text     string
		database int
	}{
		"a_user":                  {"redis://" + user + options.Addr, 0},
		"a_database_as_path":      {"redis://" + user + options.Addr + "/3", 3},
		"a_database_as_option":    {"redis://" + user + options.Addr + "?db=4", 4},
		"upper_case":              {"REDIS://" + user + options.Addr + "/", 0},
		"sentinel":                {"redis-sentinel://" + sentinel.User.String() + "@" + sentinel.Host + "/5?" + master, 5},
		"several_sentinels":       {"redis-sentinel://" + sentinel.User.String() + "@127.0.0.1:1," + sentinel.Host + "?db=6&" + master, 6},
		"sentinel_by_master_name": {"redis-sentinel://" + sentinel.User.String() + "@" + sentinel.Host + "/7?master_name=primary&password=" + options.Password, 7},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := redisClient(c.text)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := client.Set(ctx, name, "here", 0).Err(); err != nil {
				t.Fatal(err)
			}
			there := *options
			there.DB = c.database
			where := redis.NewClient(&there)
			defer where.Close()
			if got := where.Get(ctx, name).Val(); got != "here" {
				t.Errorf("database %d holds %q", c.database, got)
			}
		})
	}
	t.Run("a_cluster", func(t *testing.T) {
		node := testenv.PrivateRedis(t, "cluster-enabled yes")
		address, _ := url.Parse(node.URL())
		address.Scheme, address.Path = "redis-cluster", ""
		client, err := redisClient(address.String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		plain, err := redis.ParseURL(node.URL())
		if err != nil {
			t.Fatal(err)
		}
		direct := redis.NewClient(plain)
		defer direct.Close()
		if err := direct.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
			t.Fatal(err)
		}
		for client.Set(t.Context(), "a", "here", 0).Err() != nil && t.Context().Err() == nil {
		}
		if got := client.Get(t.Context(), "a").Val(); got != "here" {
			t.Errorf("the cluster holds %q", got)
		}
	})
}
