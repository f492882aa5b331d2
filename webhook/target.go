package webhook

import (
	"net"
	"net/url"
	"strconv"
)

// target is an endpoint's URL as requests and dials need it.
type target struct {
	url    *url.URL
	origin string // scheme, host and port, by which connections are kept
	port   uint16
	path   string // with the query, as a request line has it
}

// parseTarget reads a URL as strictly as Guard.CheckURL does, and looks nothing
// up. Its errors are sentences for people.
func parseTarget(raw string) (*target, error) {
	parsed, err := parseURL(raw)
	if err != nil {
		return nil, err
	}
	port := uint64(80)
	if parsed.Scheme == "https" {
		port = 443
	}
	if text := parsed.Port(); text != "" {
		if port, err = strconv.ParseUint(text, 10, 16); err != nil {
			return nil, faultPort
		}
	}
	origin := parsed.Scheme + "://" + net.JoinHostPort(parsed.Hostname(), strconv.FormatUint(port, 10))
	return &target{url: parsed, origin: origin, port: uint16(port), path: parsed.RequestURI()}, nil
}

func (t *target) secure() bool { return t.url.Scheme == "https" }
