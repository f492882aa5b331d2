package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestGuard_CheckAddress_refuses(t *testing.T) {
	refused := map[string][]string{
		"this_network":        {"0.0.0.0", "0.1.2.3"},
		"private":             {"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1"},
		"shared":              {"100.64.0.1", "100.127.255.255"},
		"loopback":            {"127.0.0.1", "127.255.255.254", "::1"},
		"link_local":          {"169.254.1.1", "fe80::1", "fe80::1%eth0"},
		"metadata":            {"169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"},
		"protocol_assignment": {"192.0.0.1", "2001::1", "2001:1::1", "2001:20::1", "2001:1ff:ffff::1"},
		"test_networks":       {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"},
		"6to4_relay":          {"192.88.99.1"},
		"benchmarking":        {"198.18.0.1", "198.19.255.255"},
		"multicast":           {"224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"},
		"reserved":            {"240.0.0.1", "255.255.255.255", "5f00::1", "100::1", "4000::1"},
		"unspecified":         {"::"},
		"unique_local":        {"fc00::1", "fd12:3456::1"},
		"site_local":          {"fec0::1"},
		"mapped":              {"::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1"},
		"compatible":          {"::7f00:1", "::10.0.0.1"},
		"translated":          {"::ffff:0:7f00:1"},
		"NAT64":               {"64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1"},
		"NAT64_local":         {"64:ff9b:1::1", "64:ff9b:1::7f00:1", "64:ff9b:1:7f00:0:100::", "64:ff9b:1:1::808:808"},
		"6to4":                {"2002:7f00:1::1", "2002:a9fe:a9fe::1", "2002:a00:1::"},
		"Teredo":              {"2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:0:808:808:0:ffff:f7f7:f7f7"},
		"ISATAP":              {"2a00:1450::5efe:127.0.0.1", "2a00:1450::200:5efe:10.0.0.1"},
	}
	guard := NewGuard(nil)
	for name, addrs := range refused {
		t.Run(name, func(t *testing.T) {
			for _, text := range addrs {
				err := guard.CheckAddress(netip.MustParseAddr(text), false)
				if !errors.Is(err, ErrBlocked) {
					t.Errorf("%s: %v", text, err)
				} else if strings.Contains(err.Error(), text) {
					t.Errorf("%s is told: %v", text, err)
				}
			}
		})
	}
	t.Run("no_address_at_all", func(t *testing.T) {
		if err := guard.CheckAddress(netip.Addr{}, false); !errors.Is(err, ErrBlocked) {
			t.Error(err)
		}
	})
}

func TestGuard_CheckAddress_allows(t *testing.T) {
	guard := NewGuard(nil)
	for _, text := range []string{"1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "169.255.0.1", "2606:4700::1111", "2a00:1450:4001::1",
		"::ffff:8.8.8.8", "64:ff9b::808:808", "2a00:1450::5efe:8.8.8.8"} {
		if err := guard.CheckAddress(netip.MustParseAddr(text), false); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestGuard_CheckAddress_allowed_networks(t *testing.T) {
	cases := map[string]struct {
		allow, addr string
		plaintext   bool
		want        bool
	}{
		"inside":                          {"10.0.0.0/8", "10.1.2.3", false, true},
		"inside_without_TLS":              {"10.0.0.0/8", "10.1.2.3", true, true},
		"outside":                         {"10.0.0.0/8", "192.168.0.1", false, false},
		"public_without_TLS":              {"10.0.0.0/8", "8.8.8.8", true, false},
		"network_written_from_within":     {"10.1.2.3/8", "10.9.9.9", false, true},
		"network_written_as_mapped":       {"::ffff:10.0.0.0/104", "10.1.2.3", false, true},
		"embedded_address_inside":         {"127.0.0.0/8", "64:ff9b::7f00:1", true, true},
		"IPv6_loopback":                   {"::1/128", "::1", true, true},
		"unique_local":                    {"fd00::/8", "fd12::1", true, true},
		"metadata_inside_a_network":       {"169.254.0.0/16", "169.254.169.254", false, false},
		"metadata_inside_everything":      {"0.0.0.0/0", "168.63.129.16", false, false},
		"metadata_exactly":                {"169.254.169.254/32", "169.254.169.254", true, true},
		"metadata_IPv6_inside_a_network":  {"fd00:ec2::/32", "fd00:ec2::254", false, false},
		"metadata_IPv6_exactly":           {"fd00:ec2::254/128", "fd00:ec2::254", false, true},
		"metadata_mapped_in_a_network":    {"169.254.0.0/16", "::ffff:169.254.169.254", false, false},
		"link_local_beside_the_metadata":  {"169.254.0.0/16", "169.254.1.1", false, true},
		"zone_does_not_hide_the_address":  {"10.0.0.0/8", "fe80::a9fe:a9fe%eth0", false, false},
		"one_public_address_without_TLS":  {"8.8.8.8/32", "8.8.8.8", true, true},
		"IPv4_everything_is_not_all_IPv6": {"0.0.0.0/0", "fd12::1", false, false},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			err := newTestGuard(test.allow).CheckAddress(netip.MustParseAddr(test.addr), test.plaintext)
			if (err == nil) != test.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

// forms writes an IPv4 address into each form that stands for it.
var forms = map[string]func(v4 [4]byte) netip.Addr{
	"mapped":     func(v4 [4]byte) netip.Addr { return prefixed("::ffff:0:0", 12, v4) },
	"compatible": func(v4 [4]byte) netip.Addr { return prefixed("::", 12, v4) },
	"translated": func(v4 [4]byte) netip.Addr { return prefixed("::ffff:0:0:0", 12, v4) },
	"NAT64":      func(v4 [4]byte) netip.Addr { return prefixed("64:ff9b::", 12, v4) },
	"local":      func(v4 [4]byte) netip.Addr { return prefixed("64:ff9b:1::", 12, v4) },
	"6to4":       func(v4 [4]byte) netip.Addr { return prefixed("2002::1", 2, v4) },
}

func prefixed(base string, at int, v4 [4]byte) netip.Addr {
	b := netip.MustParseAddr(base).As16()
	copy(b[at:], v4[:])
	return netip.AddrFrom16(b)
}

func TestGuard_embedded_address_gets_the_verdict_of_its_own(t *testing.T) {
	guards := []*Guard{NewGuard(nil), newTestGuard("127.0.0.0/8", "10.0.0.0/8"), newTestGuard("169.254.169.254/32"), newTestGuard("169.254.0.0/16")}
	special := []string{"127.0.0.1", "169.254.169.254", "10.0.0.1", "8.8.8.8", "168.63.129.16", "255.255.255.255", "192.0.0.192", "100.100.100.200"}
	rapid.Check(t, func(t *rapid.T) {
		v4 := rapid.OneOf(
			rapid.Custom(func(t *rapid.T) netip.Addr {
				return netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "bytes")))
			}),
			rapid.Map(rapid.SampledFrom(special), netip.MustParseAddr),
		).Draw(t, "address")
		guard := rapid.SampledFrom(guards).Draw(t, "guard")
		plaintext := rapid.Bool().Draw(t, "plaintext")
		want := guard.CheckAddress(v4, plaintext)
		for name, form := range forms {
			addr := form(v4.As4())
			if addr == netip.IPv6Unspecified() || addr == netip.IPv6Loopback() {
				continue // addresses of their own, refused in the named cases
			}
			if got := guard.CheckAddress(addr, plaintext); got != want {
				t.Errorf("%s is %v, %s as %s is %v", v4, want, name, addr, got)
			}
		}
	})
}

// ISATAP (RFC 5214) hides an address behind any network's prefix; no allowed
// network opens what it hides.
func TestGuard_ISATAP_gets_the_verdict_of_its_own(t *testing.T) {
	guard := NewGuard(nil)
	rapid.Check(t, func(t *rapid.T) {
		v4 := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address"))
		if rapid.Bool().Draw(t, "special") {
			v4 = rapid.SampledFrom([][4]byte{{127, 0, 0, 1}, {169, 254, 169, 254}, {10, 0, 0, 1}, {8, 8, 8, 8}}).Draw(t, "one")
		}
		want := guard.CheckAddress(netip.AddrFrom4(v4), false)
		for _, base := range []string{"2a00:1450::5efe:0:0", "2a00:1450::200:5efe:0:0"} {
			if got := guard.CheckAddress(prefixed(base, 12, v4), false); got != want {
				t.Errorf("%v is %v, within %s it is %v", v4, want, base, got)
			}
		}
	})
}

// notations are the ways in which a URL may say an IPv4 address, beside four
// decimal numbers (RFC 6943, section 3.1.1).
var notations = map[string]func(a, b, c, d uint32) string{
	"decimal":       func(a, b, c, d uint32) string { return fmt.Sprint(a<<24 | b<<16 | c<<8 | d) },
	"hexadecimal":   func(a, b, c, d uint32) string { return fmt.Sprintf("0x%08x", a<<24|b<<16|c<<8|d) },
	"octal":         func(a, b, c, d uint32) string { return fmt.Sprintf("0%o", a<<24|b<<16|c<<8|d) },
	"parts in hex":  func(a, b, c, d uint32) string { return fmt.Sprintf("0x%X.0x%x.0x%x.0x%x", a, b, c, d) },
	"parts in base": func(a, b, c, d uint32) string { return fmt.Sprintf("0%o.0x%x.%d.0%o", a, b, c, d) },
	"two parts":     func(a, b, c, d uint32) string { return fmt.Sprintf("%d.%d", a, b<<16|c<<8|d) },
	"three parts":   func(a, b, c, d uint32) string { return fmt.Sprintf("%d.%d.%d", a, b, c<<8|d) },
	"padded":        func(a, b, c, d uint32) string { return fmt.Sprintf("%03d.%03d.%03d.%03d", a, b, c, d) },
}

// A resolver may read these as the address that they stand for: so either the
// guard reads the same one, or the URL is refused.
func TestGuard_notations_of_an_address_lead_nowhere_else(t *testing.T) {
	guard := NewGuard(nil)
	rapid.Check(t, func(t *rapid.T) {
		v4 := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address"))
		a, b, c, d := uint32(v4[0]), uint32(v4[1]), uint32(v4[2]), uint32(v4[3])
		plain := netip.AddrFrom4(v4).String()
		for name, write := range notations {
			for _, host := range []string{write(a, b, c, d), write(a, b, c, d) + ".", strings.ToUpper(write(a, b, c, d))} {
				target, err := parseURL("https://" + host + "/")
				if err != nil {
					continue
				}
				if target.Hostname() != plain {
					t.Errorf("%s as %s %q is read as %q", plain, name, host, target.Hostname())
				}
			}
		}
		for name, form := range forms {
			inner := form(v4)
			if inner == netip.IPv6Unspecified() || inner == netip.IPv6Loopback() {
				continue
			}
			target, err := parseURL("https://[" + inner.String() + "]/")
			if err != nil {
				t.Fatalf("%s: %v", inner, err)
			}
			got := guard.CheckAddress(netip.MustParseAddr(target.Hostname()), false)
			if want := guard.CheckAddress(netip.AddrFrom4(v4), false); got != want {
				t.Errorf("%s in a URL as %s is %v, want %v", plain, name, got, want)
			}
		}
	})
}

// FuzzGuard holds that nothing within reach of this machine alone is allowed,
// in whatever form, and that no refusal tells the address.
func FuzzGuard(f *testing.F) {
	for _, seed := range []string{"::1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::1", "2a00:1450::5efe:10.0.0.1", "fd00:ec2::254", "2606:4700::1111"} {
		f.Add(netip.MustParseAddr(seed).AsSlice(), false)
	}
	for _, seed := range []string{"127.0.0.1", "8.8.8.8", "169.254.169.254", "0.0.0.0"} {
		f.Add(netip.MustParseAddr(seed).AsSlice(), true)
	}
	guard := NewGuard(nil)
	f.Fuzz(func(t *testing.T, bytes []byte, plaintext bool) {
		addr, ok := netip.AddrFromSlice(bytes)
		if !ok {
			return
		}
		err := guard.CheckAddress(addr, plaintext)
		if err != nil && (!errors.Is(err, ErrBlocked) || strings.Contains(err.Error(), addr.String())) {
			t.Errorf("%s is refused with %q", addr, err)
		}
		if zoned := guard.CheckAddress(addr.WithZone("eth0"), plaintext); zoned != err {
			t.Errorf("%s is %v, and %v with a zone", addr, err, zoned)
		}
		if mapped := guard.CheckAddress(netip.AddrFrom16(addr.As16()), plaintext); mapped != err {
			t.Errorf("%s is %v, and %v in 16 bytes", addr, err, mapped)
		}
		plain := addr.Unmap()
		if err == nil && (plaintext || !plain.IsGlobalUnicast() || plain.IsPrivate()) {
			t.Errorf("%s is allowed", addr)
		}
	})
}

// Teredo hides the receiver's address by inverting it; since its whole range is
// refused, no embedded address is reached through it.
func TestGuard_Teredo_leads_nowhere(t *testing.T) {
	guard := newTestGuard("127.0.0.0/8")
	rapid.Check(t, func(t *rapid.T) {
		b := netip.MustParseAddr("2001::").As16()
		copy(b[4:], rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "rest"))
		if err := guard.CheckAddress(netip.AddrFrom16(b), false); !errors.Is(err, ErrBlocked) {
			t.Errorf("%s is allowed", netip.AddrFrom16(b))
		}
	})
}

func BenchmarkCheckAddress(b *testing.B) {
	guard, addr := newTestGuard("127.0.0.0/8"), netip.MustParseAddr("64:ff9b::808:808")
	b.ReportAllocs()
	for b.Loop() {
		guard.CheckAddress(addr, false)
	}
}
