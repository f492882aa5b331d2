package web

import (
	"net"
	"net/netip"
	"net/url"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"hookwell/models"
)

func TestClientIP(t *testing.T) {
	for name, test := range map[string]struct {
		trusted, remote string
		forwarded       []string
		want            string
	}{
		"is_the_connection_s_where_nobody_is_trusted":     {"", "10.0.0.1", []string{"198.51.100.7"}, "10.0.0.1"},
		"is_the_connection_s_where_it_is_no_proxy":        {"10.0.0.0/8", "203.0.113.5", []string{"198.51.100.7"}, "203.0.113.5"},
		"is_what_a_trusted_proxy_says":                    {"10.0.0.0/8", "10.0.0.1", []string{"198.51.100.7"}, "198.51.100.7"},
		"is_the_rightmost_that_is_no_proxy":               {"10.0.0.0/8", "10.0.0.1", []string{"1.1.1.1, 198.51.100.7, 10.9.9.9"}, "198.51.100.7"},
		"ignores_what_the_client_sent_itself":             {"10.0.0.0/8", "10.0.0.1", []string{"10.0.0.9, 127.0.0.1, 198.51.100.7"}, "198.51.100.7"},
		"reads_several_lines_as_one_list":                 {"10.0.0.0/8", "10.0.0.1", []string{"1.1.1.1", "198.51.100.7", "10.9.9.9,10.8.8.8"}, "198.51.100.7"},
		"of_proxies_alone_is_the_first_of_them":           {"10.0.0.0/8", "10.0.0.1", []string{"10.7.7.7, 10.8.8.8"}, "10.7.7.7"},
		"is_the_proxy_s_when_it_says_nothing":             {"10.0.0.0/8", "10.0.0.1", nil, "10.0.0.1"},
		"is_the_last_known_hop_before_garbage":            {"10.0.0.0/8", "10.0.0.1", []string{"1.1.1.1, unknown, 10.9.9.9"}, "10.9.9.9"},
		"is_the_proxy_s_before_garbage_alone":             {"10.0.0.0/8", "10.0.0.1", []string{"<script>"}, "10.0.0.1"},
		"is_the_proxy_s_before_an_empty_entry":            {"10.0.0.0/8", "10.0.0.1", []string{"1.1.1.1, "}, "10.0.0.1"},
		"takes_a_port":                                    {"10.0.0.0/8", "10.0.0.1", []string{"198.51.100.7:4711"}, "198.51.100.7"},
		"takes_IPv6":                                      {"fd00::/8", "fd00::1", []string{"2001:db8::7"}, "2001:db8::7"},
		"takes_IPv6_with_a_port":                          {"fd00::/8", "fd00::1", []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		"takes_IPv6_in_brackets":                          {"fd00::/8", "fd00::1", []string{"[2001:db8::7]"}, "2001:db8::7"},
		"of_an_IPv4_connection_on_an_IPv6_socket_is_IPv4": {"10.0.0.0/8", "::ffff:10.0.0.1", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		"has_no_zone":                                     {"fd00::/8", "fd00::1", []string{"fe80::1%eth0"}, "fe80::1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Server{}
			if test.trusted != "" {
				s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(test.trusted)}
			}
			var ctx fasthttp.RequestCtx
			ctx.Init(&fasthttp.Request{}, &net.TCPAddr{IP: net.ParseIP(test.remote)}, nil)
			for _, line := range test.forwarded {
				ctx.Request.Header.Add(fiber.HeaderXForwardedFor, line)
			}
			app := fiber.New()
			c := app.AcquireCtx(&ctx)
			defer app.ReleaseCtx(c)
			if got := s.clientIP(c).String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	t.Run("is_in_the_audit_row", func(t *testing.T) {
		s := newSite(t, func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
		b, org := s.member(t, "Acme", models.RoleOwner)
		wantStatus(t, b.post(t, "/o/"+org.Slug+"/keys", url.Values{"name": {"k"}, "scopes": {"read"}}, "X-Forwarded-For", "6.6.6.6, 198.51.100.7"), 201)
		var address string
		must(t, s.db.QueryRow(`SELECT remote_address FROM audit_entries WHERE action = 'key.created'`).Scan(&address))
		if address != "198.51.100.7" {
			t.Errorf("the audit row says %s", address)
		}
	})
}
