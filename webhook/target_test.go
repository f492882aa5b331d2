package webhook

import "testing"

func TestParseTarget(t *testing.T) {
	cases := map[string]struct{ origin, host, path string }{
		"https://example.com":              {"https://example.com:443", "example.com", "/"},
		"HTTP://Example.COM:80/a?b=c":      {"http://example.com:80", "example.com", "/a?b=c"},
		"https://example.com:8443?x":       {"https://example.com:8443", "example.com:8443", "/?x"},
		"https://[2001:DB8::1]/ä%20b?q=ü":  {"https://[2001:db8::1]:443", "[2001:db8::1]", "/%C3%A4%20b?q=%C3%BC"},
		"https://bücher.example/":          {"https://xn--bcher-kva.example:443", "xn--bcher-kva.example", "/"},
		"https://example.com:443//a/../b/": {"https://example.com:443", "example.com", "//a/../b/"},
	}
	for raw, want := range cases {
		got, err := parseTarget(raw)
		if err != nil {
			t.Errorf("parseTarget(%q): %v", raw, err)
		} else if got.origin != want.origin || got.url.Host != want.host || got.path != want.path {
			t.Errorf("parseTarget(%q) is %q, host %q, path %q; want %v", raw, got.origin, got.url.Host, got.path, want)
		}
	}
	if got, err := parseTarget("https://a@example.com/"); err == nil {
		t.Errorf("parseTarget() of a URL with a user: %v", got)
	}
}

func BenchmarkParseTarget(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseTarget("https://hooks.example.com/webhooks/orders?tenant=7"); err != nil {
			b.Fatal(err)
		}
	}
}
