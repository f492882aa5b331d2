package webhook

import "testing"

func TestNormalizeHost(t *testing.T) {
	for _, c := range []struct{ scheme, host, want string }{
		{"https", "Hooks.Example.com:443", "hooks.example.com"}, {"https", "hooks.example.com.", "hooks.example.com"},
		{"https", "hooks.example.com.:443", "hooks.example.com"}, {"https", "hooks.example.com:80", "hooks.example.com:80"},
		{"http", "hooks.example.com:80", "hooks.example.com"}, {"http", "hooks.example.com:0443", "hooks.example.com:443"},
		{"https", "bücher.example", "xn--bcher-kva.example"}, {"https", "XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"https", "BÜCHER.example:8443", "xn--bcher-kva.example:8443"}, {"http", "[::1]:3000", "[::1]:3000"}, {"http", "[0:0::1]", "[::1]"},
		{"http", "127.0.0.1:3000", "127.0.0.1:3000"}, {"http", "localhost", "localhost"},
		{"http", "name:", "name"}, {"https", "Name.:", "name"}, {"http", "[::1]:", "[::1]"},
		{"http", "", ""}, {"http", "a b", ""}, {"http", "name::", ""}, {"http", ":", ""}, {"http", "::1", ""}, {"http", "name:0", ""}, {"http", "name:65536", ""}, {"http", "name:http", ""}, {"http", "a..b", ""}, {"http", "[::1", ""},
	} {
		got, err := NormalizeHost(c.scheme, c.host)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("NormalizeHost(%s, %q) = %q, %v; want %q", c.scheme, c.host, got, err, c.want)
		}
	}
}
