package config

import (
	"net/netip"
	"strings"
)

func (s *checks) checkNetworks() (err error) {
	if s.config.AllowedNetworks, err = networks("HOOKWELL_ALLOW_NETWORKS", s.AllowNetworks); err != nil {
		return err
	}
	if s.config.AllowsLoopback() {
		s.config.AllowedNetworks = append(s.config.AllowedNetworks, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	}
	return nil
}

// checkProxies reads whose word on the client's address is taken.
func (s *checks) checkProxies() (err error) {
	if s.config.TrustedProxies, err = networks("HOOKWELL_TRUSTED_PROXIES", s.TrustedProxies); err != nil {
		return err
	}
	for _, network := range s.config.TrustedProxies {
		if network.Bits() == 0 {
			return Wrong("HOOKWELL_TRUSTED_PROXIES", "%s is every address, so that anybody could claim any; list your proxies alone", network)
		}
	}
	return nil
}

// networks reads a variable's CIDRs.
func networks(variable, list string) (found []netip.Prefix, err error) {
	for _, text := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		network, err := netip.ParsePrefix(text)
		if address, fault := netip.ParseAddr(text); fault == nil {
			return nil, Wrong(variable, "%q is one address; write it as a network, %s/%d", text, address, address.BitLen())
		}
		if err != nil {
			return nil, Wrong(variable, "%q is no network; write CIDRs such as 10.0.0.0/8, separated by commas", text)
		}
		found = append(found, network)
	}
	return found, nil
}
