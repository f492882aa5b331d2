package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"hookwell/webhook"
)

func (s *checks) checkAddress() error {
	host, err := checkListen("HOOKWELL_ADDR", s.Addr, "127.0.0.1:3000")
	if err != nil {
		return errors.Join(err, s.checkBaseURL())
	}
	if s.BaseURL == "" {
		if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
			return Wrong("HOOKWELL_BASE_URL", "set it to the address that browsers use, such as https://hooks.example.com, since HOOKWELL_ADDR is %s", s.Addr)
		}
	}
	return s.checkBaseURL()
}

// checkListen checks an address to listen on.
func checkListen(variable, address, example string) (host string, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", Wrong(variable, "write it as host:port, such as %s", example)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", Wrong(variable, "its port %q is no number from 0 to 65535", port)
	}
	return host, nil
}

// checkBaseURL reads the address that browsers use, and normalizes its host: so
// links, redirects and the comparison with Host use one spelling.
func (s *checks) checkBaseURL() error {
	const variable, form = "HOOKWELL_BASE_URL", "write it as https://host or http://host:port"
	if s.BaseURL == "" {
		return nil
	}
	if fault := unencoded(s.BaseURL); fault != "" {
		return Wrong(variable, "%s; %s", fault, form)
	}
	base, err := url.Parse(strings.TrimRight(s.BaseURL, "/"))
	switch {
	case err != nil || base.Scheme != "http" && base.Scheme != "https":
		return Wrong(variable, form)
	case base.User != nil:
		return Wrong(variable, "remove the user and the password; %s", form)
	case base.Path != "":
		return Wrong(variable, "remove the path %s, since Hookwell is served at the top of its host; %s", base.Path, form)
	case base.RawQuery != "" || base.ForceQuery:
		return Wrong(variable, "remove the ? and what follows; %s", form)
	}
	host, err := webhook.NormalizeHost(base.Scheme, base.Host)
	if err != nil {
		return Wrong(variable, "its host or port is none; %s", form)
	}
	s.config.BaseURL = &url.URL{Scheme: base.Scheme, Host: host}
	return nil
}

// opsOff is HOOKWELL_OPS_ADDR for a process without operations.
const opsOff = "off"

// usualOpsAddr is where operations are when nothing is set. Where it is taken,
// as by another process of the same machine, the process goes without.
const usualOpsAddr = "127.0.0.1:3001"

func (s *checks) checkOpsAddress() error {
	switch s.OpsAddr = strings.ToLower(s.OpsAddr); s.OpsAddr {
	case opsOff:
		return nil
	case "":
		s.config.OpsAddr = usualOpsAddr
		return nil
	}
	if _, err := checkListen("HOOKWELL_OPS_ADDR", s.OpsAddr, usualOpsAddr); err != nil {
		return fmt.Errorf("%w, or write %s", err, opsOff)
	}
	if s.OpsAddr == s.Addr && s.OpsAddr != "127.0.0.1:0" {
		return Wrong("HOOKWELL_OPS_ADDR", "choose another address than HOOKWELL_ADDR, %s", s.Addr)
	}
	s.config.OpsAddr, s.config.OpsRequired = s.OpsAddr, true
	return nil
}

// AllowsLoopback reports whether endpoints on this machine are allowed without
// being listed: on the embedded default, reached from this machine alone.
func (c *Config) AllowsLoopback() bool { return c.Embedded && c.Loopback() }

// Loopback reports whether the server is reached from this machine alone: it
// listens there, and no proxy on the machine is named as the way in.
func (c *Config) Loopback() bool {
	host, _, err := net.SplitHostPort(c.Addr)
	return err == nil && onThisMachine(host) && (c.BaseURL == nil || onThisMachine(c.BaseURL.Hostname()))
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
