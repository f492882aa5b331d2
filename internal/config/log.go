package config

import (
	"log/slog"
	"os"
	"strings"
)

func (s *checks) checkLog() error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return Wrong("HOOKWELL_LOG_LEVEL", "choose debug, info, warn or error; %q is none of them", s.LogLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch strings.ToLower(s.LogFormat) {
	case "text":
		s.config.Log = slog.New(slog.NewTextHandler(os.Stderr, options))
	case "json":
		s.config.Log = slog.New(slog.NewJSONHandler(os.Stderr, options))
	default:
		return Wrong("HOOKWELL_LOG_FORMAT", "choose text or json; %q is neither", s.LogFormat)
	}
	return nil
}
