package webhook

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"

	"code.dny.dev/ssrf"
)

// ErrBlocked matches, by errors.Is, every refusal of an address.
var ErrBlocked = errors.New("address blocked")

// blocked is a refusal: a sentence for people that is ErrBlocked.
type blocked struct{ sentence }

func (blocked) Is(target error) bool { return target == ErrBlocked }

// What a dial is refused with. Neither names the address: who registers an
// endpoint is not to learn what the network behind the guard looks like.
var (
	errPrivate   = blocked{"This leads to a private address."}
	errPlaintext = blocked{"This address is called by https alone."}
)

// metadata are the addresses at which clouds hand credentials to whoever asks
// from inside. An allowed network around one does not allow it.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), // AWS, Google, Azure and most others
	netip.MustParseAddr("169.254.170.2"),   // AWS ECS
	netip.MustParseAddr("169.254.170.23"),  // AWS EKS
	netip.MustParseAddr("169.254.42.42"),   // Scaleway
	netip.MustParseAddr("169.254.0.23"),    // Tencent
	netip.MustParseAddr("168.63.129.16"),   // Azure WireServer
	netip.MustParseAddr("100.100.100.200"), // Alibaba
	netip.MustParseAddr("192.0.0.192"),     // Oracle
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd00:ec2::23"),    // AWS EKS
	netip.MustParseAddr("fd20:ce::254"),    // Google
	netip.MustParseAddr("fd00:42::42"),     // Scaleway
	netip.MustParseAddr("fe80::a9fe:a9fe"), // OpenStack
}

// Guard decides which addresses may be called, so that nobody can reach the
// network that Hookwell runs in by registering an endpoint. It is safe for
// concurrent use.
type Guard struct {
	allow    []netip.Prefix
	resolver *net.Resolver
}

// NewGuard returns a guard that allows public addresses and the given networks
// (HOOKWELL_ALLOW_NETWORKS), which may also be called without TLS. A cloud's
// metadata address is allowed only by its exact /32 or /128.
func NewGuard(allow []netip.Prefix) *Guard {
	guard := &Guard{resolver: net.DefaultResolver}
	for _, prefix := range allow {
		if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
		}
		guard.allow = append(guard.allow, prefix.Masked())
	}
	return guard
}

// CheckAddress returns nil if an address may be called, and otherwise an error
// that matches ErrBlocked and does not contain the address. It judges an IPv4
// address embedded in an IPv6 one as the IPv4 address. plaintext asks for a call
// without TLS, which only the allowed networks may get.
func (g *Guard) CheckAddress(addr netip.Addr, plaintext bool) error {
	addr = embedded(addr.WithZone(""))
	if g.allowed(addr) {
		return nil
	}
	if !public(addr) {
		return errPrivate
	}
	if plaintext {
		return errPlaintext
	}
	return nil
}

func (g *Guard) allowed(addr netip.Addr) bool {
	exact := slices.Contains(metadata, addr)
	return slices.ContainsFunc(g.allow, func(prefix netip.Prefix) bool {
		return prefix.Contains(addr) && (!exact || prefix.IsSingleIP())
	})
}

// public reports whether an address is on the internet, and nobody's metadata.
func public(addr netip.Addr) bool {
	contains := func(prefix netip.Prefix) bool { return prefix.Contains(addr) }
	switch {
	case !addr.IsValid() || slices.Contains(metadata, addr):
		return false
	case addr.Is4():
		return !slices.ContainsFunc(ssrf.IPv4DeniedPrefixes, contains)
	case !ssrf.IPv6GlobalUnicast.Contains(addr) || slices.ContainsFunc(ssrf.IPv6DeniedPrefixes, contains):
		return false
	}
	// ISATAP (RFC 5214): the last 32 bits are where the packet really goes.
	if b := addr.As16(); b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe {
		return public(netip.AddrFrom4([4]byte(b[12:])))
	}
	return true
}

// embeddings are, beside the mapped form that netip knows, the prefixes whose
// addresses stand for an IPv4 address, and the byte at which it begins. Of 64:ff9b:1::/48 (RFC 8215) only the /96 that
// leaves one reading is here, the rest is no public address; and Teredo is not
// here, since 2001::/23 is refused whatever is embedded in it.
var embeddings = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("::/96"), 12},           // compatible (RFC 4291)
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12}, // translated (RFC 2765)
	{netip.MustParsePrefix("64:ff9b::/96"), 12},    // NAT64 (RFC 6052)
	{netip.MustParsePrefix("64:ff9b:1::/96"), 12},  // NAT64, local (RFC 8215)
	{netip.MustParsePrefix("2002::/16"), 2},        // 6to4 (RFC 3056)
}

// embedded returns the IPv4 address that an IPv6 one stands for, or the address
// itself. "::" and "::1" are addresses of their own.
func embedded(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if addr.Is4() || addr == netip.IPv6Unspecified() || addr == netip.IPv6Loopback() {
		return addr
	}
	for _, form := range embeddings {
		if form.prefix.Contains(addr) {
			b := addr.As16()
			return netip.AddrFrom4([4]byte(b[form.at : form.at+4]))
		}
	}
	return addr
}

// resolve looks a host up and judges all that it leads to: one refused address
// refuses the name, since which one a dial would take is chance.
func (g *Guard) resolve(ctx context.Context, host string, plaintext bool) ([]netip.Addr, error) {
	addrs, err := g.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, addr := range addrs {
		if err := g.CheckAddress(addr, plaintext); err != nil {
			return nil, err
		}
	}
	return addrs, nil
}

func (g *Guard) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	addrs, err := g.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap() // a resolver may give IPv4 as ::ffff:
	}
	return addrs, nil
}
