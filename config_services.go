package main

import (
	"errors"
	"strconv"

	"hookwell/models"
)

func (c *config) checkServices() error {
	switch {
	case c.embedded && c.MigrateURL != "":
		return wrong("HOOKWELL_MIGRATE_DATABASE_URL", "set DATABASE_URL and REDIS_URL too, or unset it")
	case c.embedded:
		return nil
	case c.RedisURL == "":
		return wrong("REDIS_URL", "set it too, or unset DATABASE_URL for the embedded default")
	case c.DatabaseURL == "":
		return wrong("DATABASE_URL", "set it too, or unset REDIS_URL for the embedded default")
	}
	return errors.Join(checkDatabase("DATABASE_URL", &c.DatabaseURL), checkDatabase("HOOKWELL_MIGRATE_DATABASE_URL", &c.MigrateURL), checkRedis(c.RedisURL))
}

// checkDatabase checks how Postgres is reached. The embedded database has
// nothing to set.
func (c *config) checkDatabase() (err error) {
	for variable, value := range map[string]string{"HOOKWELL_DATABASE_CONNECTIONS": c.DatabaseSessions, "HOOKWELL_DATABASE_POOLER": c.Pooler} {
		if value != "" && c.embedded {
			err = errors.Join(err, wrong(variable, "set DATABASE_URL and REDIS_URL too, or unset it: the embedded database does not use it"))
		}
	}
	if c.DatabaseSessions != "" {
		n, notNumber := strconv.Atoi(c.DatabaseSessions)
		if notNumber != nil || n < models.LeastConnections {
			err = errors.Join(err, wrong("HOOKWELL_DATABASE_CONNECTIONS", "write how many connections this process may open to Postgres, %d or more, such as 20", models.LeastConnections))
		}
		c.connections = n
	}
	switch models.Pooler(c.Pooler) {
	case "", models.PoolerAuto, models.PoolerNone, models.PoolerTransaction:
		return err
	}
	return errors.Join(err, wrong("HOOKWELL_DATABASE_POOLER", "choose auto, none or transaction"))
}
