package config

import (
	"net"
	"time"
)

// demoProbe lets the demo's failing receivers show an open circuit and still
// end within a minute.
const demoProbe = 200 * time.Millisecond

// Demo returns the embedded default in a folder, whatever the environment says,
// so that a demo never touches a real installation. What is set of the rest, such
// as HOOKWELL_ADDR, holds; it fails as Read does, and for an address that other
// machines reach.
func Demo(folder string) (*Config, error) {
	s, err := readSettings()
	if err != nil {
		return nil, err
	}
	s.DatabaseURL, s.RedisURL, s.SecretKey, s.BaseURL, s.SMTPURL, s.MailFrom = "", "", "", "", "", ""
	s.DataDir, s.LogLevel, s.Signup, s.OpsAddr = folder, "error", "closed", opsOff
	if host, _, err := net.SplitHostPort(s.Addr); err == nil && !onThisMachine(host) {
		return nil, Wrong("HOOKWELL_ADDR", "the demo listens on this machine alone; use 127.0.0.1")
	}
	c, err := configure(s)
	if err != nil {
		return nil, err
	}
	c.AnyPort, c.CircuitProbe = true, demoProbe
	return c, nil
}
