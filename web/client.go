package web

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// clientIP returns the address that the request comes from: the connection's, or
// behind trusted proxies the one that the nearest of them names and that is
// none of theirs. X-Forwarded-For is read from the right, since everything left
// of what a trusted proxy added could have been sent by anybody.
func (s *Server) clientIP(c *fiber.Ctx) netip.Addr {
	address, _ := netip.AddrFromSlice(c.Context().RemoteIP())
	address = address.Unmap()
	if !s.trusts(address) {
		return address
	}
	for hop := range hops(c) {
		named, ok := hopAddress(hop)
		if !ok {
			break // what stands left of it is no better known
		}
		if address = named; !s.trusts(address) {
			break
		}
	}
	return address
}

func (s *Server) trusts(address netip.Addr) bool {
	return slices.ContainsFunc(s.TrustedProxies, func(network netip.Prefix) bool { return network.Contains(address) })
}

// hops returns the entries of X-Forwarded-For from the last to the first. Several
// lines count as one list (RFC 9110, section 5.3).
func hops(c *fiber.Ctx) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		lines := c.Request().Header.PeekAll(fiber.HeaderXForwardedFor)
		for _, line := range slices.Backward(lines) {
			left := string(line)
			for more := true; more; {
				i := strings.LastIndexByte(left, ',')
				if more = i >= 0; !yield(left[i+1:]) {
					return
				}
				left = left[:max(i, 0)]
			}
		}
	}
}

// hopAddress reads an entry. Some proxies add the port.
func hopAddress(hop string) (netip.Addr, bool) {
	hop = strings.TrimSpace(hop)
	if pair, err := netip.ParseAddrPort(hop); err == nil {
		return pair.Addr().Unmap().WithZone(""), true
	}
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(hop, "["), "]"))
	return address.Unmap().WithZone(""), err == nil
}
