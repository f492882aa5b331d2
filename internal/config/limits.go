package config

import (
	"errors"
	"strconv"
	"time"

	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/web"
)

// mostDays is a hundred years, which a time.Duration can hold.
const mostDays = 36500

func (s *checks) checkRetention() error {
	const day = 24 * time.Hour
	switch least := int(pipeline.MinRetention / day); {
	case s.RetentionDays < least:
		return Wrong("HOOKWELL_RETENTION_DAYS", "keep events for at least %d days; %d is less", least, s.RetentionDays)
	case s.RetentionDays > mostDays:
		return Wrong("HOOKWELL_RETENTION_DAYS", "keep events for at most %d days; %d is more", mostDays, s.RetentionDays)
	}
	s.config.Retention = time.Duration(s.RetentionDays) * day
	return nil
}

func (s *checks) checkRate() error {
	if s.APIRateLimit < 0 {
		return Wrong("HOOKWELL_API_RATE_LIMIT", "write the requests a second of one key, or 0 for no limit")
	}
	s.config.APIRateLimit = s.APIRateLimit
	return nil
}

func (s *checks) checkConnections() (err error) {
	total := 0
	if s.config.ConnectionsByMemory = s.Connections == nil; s.Connections != nil {
		total = *s.Connections
	}
	for variable, limit := range map[string]int{"HOOKWELL_CONNECTIONS": total, "HOOKWELL_CONNECTIONS_PER_ADDRESS": s.AddressLimit} {
		if limit < 0 {
			err = errors.Join(err, Wrong(variable, "write how many connections the server may hold, or 0 for no limit"))
		}
	}
	s.config.Connections = web.ConnectionLimits{Total: total, PerAddress: s.AddressLimit}
	return err
}

// mostBodyMemory is a TiB, in MiB.
const mostBodyMemory = 1 << 20

// checkBodyMemory reads MiB.
func (s *checks) checkBodyMemory() error {
	if least := web.MinBodyMemory >> 20; s.BodyMemory < least || s.BodyMemory > mostBodyMemory {
		return Wrong("HOOKWELL_BODY_MEMORY", "write how many MiB of request bodies may be in memory at one time, at least %d and at most %d", least, mostBodyMemory)
	}
	s.config.BodyMemory = int64(s.BodyMemory) << 20
	return nil
}

// checkGC looks at what the Go runtime reads by itself, and would ignore if it
// were wrong.
func (s *checks) checkGC() error {
	if s.config.GCByMemory = s.GCPercent == ""; s.config.GCByMemory || s.GCPercent == "off" {
		return nil
	}
	if percent, err := strconv.ParseInt(s.GCPercent, 10, 32); err != nil || percent < 1 {
		return Wrong("GOGC", "write a percentage of at least 1, or off; %q is neither", s.GCPercent)
	}
	return nil
}

func (s *checks) checkEndpoints() error {
	if s.MaxEndpoints < 1 || s.MaxEndpoints > store.MostEndpoints {
		return Wrong("HOOKWELL_MAX_ENDPOINTS", "write how many endpoints an organization may have, from 1 to %d", store.MostEndpoints)
	}
	s.config.MaxEndpoints = s.MaxEndpoints
	return nil
}
