package config

import (
	"errors"
	"strconv"

	"hookwell/models/database"
)

func (s *checks) checkServices() error {
	switch {
	case s.config.Embedded && s.MigrateURL != "":
		return Wrong("HOOKWELL_MIGRATE_DATABASE_URL", "set DATABASE_URL and REDIS_URL too, or unset it")
	case s.config.Embedded:
		return nil
	case s.RedisURL == "":
		return Wrong("REDIS_URL", "set it too, or unset DATABASE_URL for the embedded default")
	case s.DatabaseURL == "":
		return Wrong("DATABASE_URL", "set it too, or unset REDIS_URL for the embedded default")
	}
	c := s.config
	c.Database.URL, c.Database.MigrateURL, c.redisURL = s.DatabaseURL, s.MigrateURL, s.RedisURL
	return errors.Join(checkPostgres("DATABASE_URL", &c.Database.URL), checkPostgres("HOOKWELL_MIGRATE_DATABASE_URL", &c.Database.MigrateURL), checkRedis(s.RedisURL))
}

// checkDatabase checks how Postgres is reached. The embedded database has
// nothing to set.
func (s *checks) checkDatabase() (err error) {
	for variable, value := range map[string]string{"HOOKWELL_DATABASE_CONNECTIONS": s.DatabaseSessions, "HOOKWELL_DATABASE_POOLER": s.Pooler} {
		if value != "" && s.config.Embedded {
			err = errors.Join(err, Wrong(variable, "set DATABASE_URL and REDIS_URL too, or unset it: the embedded database does not use it"))
		}
	}
	if s.DatabaseSessions != "" {
		n, notNumber := strconv.Atoi(s.DatabaseSessions)
		if notNumber != nil || n < database.LeastConnections {
			err = errors.Join(err, Wrong("HOOKWELL_DATABASE_CONNECTIONS", "write how many connections this process may open to Postgres, %d or more, such as 20", database.LeastConnections))
		}
		s.config.Database.Connections = n
	}
	s.config.Database.Pooler = database.Pooler(s.Pooler)
	switch s.config.Database.Pooler {
	case "", database.PoolerAuto, database.PoolerNone, database.PoolerTransaction:
		return err
	}
	return errors.Join(err, Wrong("HOOKWELL_DATABASE_POOLER", "choose auto, none or transaction"))
}
