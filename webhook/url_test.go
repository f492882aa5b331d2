package webhook

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"unicode"
)

func TestGuard_CheckURL(t *testing.T) {
	names := startNameServer(t, map[string]string{
		"public.test": "1.1.1.1 2606:4700::1111", "private.test": "10.1.2.3", "loop.test": "127.0.0.1",
		"mixed.test": "1.1.1.1 10.1.2.3", "mixed6.test": "1.1.1.1 fd00::1", "xn--bcher-kva.test": "1.1.1.1",
		"meta.test": "169.254.169.254", "my_host.test": "1.1.1.1", "nat64.test": "64:ff9b::a00:1",
	})
	guard, inside := names.guard(), names.guard("10.0.0.0/8", "127.0.0.0/8", "::1/128")
	const private = " leads to a private address. Use one that can be reached from the internet."
	long := "https://public.test/" + strings.Repeat("x", 2048-20)
	cases := map[string]struct {
		guard     *Guard
		raw, want string // want is the URL, or the sentence when fault
		fault     bool
	}{
		"as_it_is":                       {guard, "https://public.test/hooks?a=b", "https://public.test/hooks?a=b", false},
		"case_and_default_port":          {guard, "HTTPS://Public.TEST:443/Hooks", "https://public.test/Hooks", false},
		"spaces_and_a_line_break":        {guard, " https://public.test/a\r\n", "https://public.test/a", false},
		"a_character_that_shows_nothing": {guard, "\ufeffhttps://public.test/a\u200b", "https://public.test/a", false},
		"quotation_marks":                {guard, `"https://public.test/a"`, "https://public.test/a", false},
		"single_quotation_marks":         {guard, "'https://public.test/a'", "https://public.test/a", false},
		"angle_brackets":                 {guard, "<https://public.test/a>", "https://public.test/a", false},
		"a_mark_at_one_end":              {guard, `"https://public.test/a`, string(faultScheme), true},
		"a_scheme_twice":                 {guard, "https://HTTPS://public.test/a", string(faultTwice), true},
		"other_port":                     {guard, "https://public.test:08443", "https://public.test:8443", false},
		"query_in_ASCII":                 {guard, "https://public.test/?q=ü&r=%C3", "https://public.test/?q=%C3%BC&r=%C3", false},
		"last_dot":                       {guard, "https://public.test./", "https://public.test/", false},
		"international_name":             {guard, "https://Bücher.test/ü", "https://xn--bcher-kva.test/%C3%BC", false},
		"underscore":                     {guard, "https://my_host.test", "https://my_host.test", false},
		"unknown_name_waits_for_dial":    {guard, "https://nowhere.test/", "https://nowhere.test/", false},
		"failing_name_waits_for_dial":    {guard, "https://servfail.test/", "https://servfail.test/", false},
		"public_address":                 {guard, "https://8.8.8.8/", "https://8.8.8.8/", false},
		"public_IPv6_address":            {guard, "https://[2606:4700:0::1111]:8443/", "https://[2606:4700::1111]:8443/", false},
		"2048_bytes":                     {guard, long, long, false},
		"2049_bytes":                     {guard, long + "x", string(faultURLTooLong), true},
		"private_name":                   {guard, "https://private.test/", "private.test" + private, true},
		"loopback_name":                  {guard, "https://loop.test/", "loop.test" + private, true},
		"metadata_name":                  {inside, "https://meta.test/", "meta.test" + private, true},
		"one_public_one_private":         {guard, "https://mixed.test/", "mixed.test" + private, true},
		"one_public_one_private_IPv6":    {guard, "https://mixed6.test/", "mixed6.test" + private, true},
		"NAT64_name":                     {guard, "https://nat64.test/", "nat64.test" + private, true},
		"localhost":                      {guard, "https://localhost/", "localhost" + private, true},
		"localhost_with_a_dot":           {guard, "https://localhost./", "localhost" + private, true},
		"private_address":                {guard, "https://192.168.0.1/", "192.168.0.1" + private, true},
		"mapped_address":                 {guard, "https://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1" + private, true},
		"fullwidth_digits":               {guard, "https://１２７.０.０.１/", "127.0.0.1" + private, true},
		"ideographic_dots":               {guard, "https://127。0。0。1/", "127.0.0.1" + private, true},
		"http_to_the_internet":           {guard, "http://public.test/", string(faultHTTPS), true},
		"http_to_an_unknown_name":        {guard, "http://nowhere.test/", string(faultHTTPS), true},
		"http_inside":                    {inside, "http://private.test:80/x", "http://private.test/x", false},
		"http_to_loopback_inside":        {inside, "http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x", false},
		"http_outside_of_inside":         {inside, "http://public.test/", string(faultHTTPS), true},
		"http_half_inside":               {inside, "http://mixed.test/", string(faultHTTPS), true},
		"short_loopback":                 {guard, "https://127.1/", string(faultNumericHost), true},
		"decimal_loopback":               {guard, "https://2130706433/", string(faultNumericHost), true},
		"hexadecimal_loopback":           {guard, "https://0x7f000001/", string(faultNumericHost), true},
		"hexadecimal_parts":              {guard, "https://0x7F.0.0.0x1/", string(faultNumericHost), true},
		"bare_0x":                        {guard, "https://1.0x/", string(faultNumericHost), true},
		"octal_loopback":                 {guard, "https://0177.0.0.1/", string(faultNumericHost), true},
		"number_with_a_last_dot":         {guard, "https://2130706433./", string(faultNumericHost), true},
		"numeric_top_level":              {guard, "https://example.1/", string(faultNumericHost), true},
		"user_name":                      {guard, "https://u@public.test/", string(faultUserinfo), true},
		"password":                       {guard, "https://u:p@public.test/", string(faultUserinfo), true},
		"host_behind_userinfo":           {guard, "https://public.test:80@127.0.0.1/", string(faultUserinfo), true},
		"escaped_NUL":                    {guard, "https://public.test%00.evil.test/", string(faultHost), true},
		"escaped_letter":                 {guard, "https://%70ublic.test/", string(faultHost), true},
		"zone":                           {guard, "https://[fe80::1%25eth0]/", string(faultHost), true},
		"unclosed_bracket":               {guard, "https://[::1/", string(faultHost), true},
		"IPv4_in_brackets":               {guard, "https://[127.0.0.1]/", string(faultHost), true},
		"no_host":                        {guard, "https:///x", string(faultHost), true},
		"port_alone":                     {guard, "https://:8443/x", string(faultHost), true},
		"empty_label":                    {guard, "https://public..test/", string(faultHost), true},
		"long_label":                     {guard, "https://" + strings.Repeat("a", 64) + ".test/", string(faultHost), true},
		"odd_character":                  {guard, "https://public$.test/", string(faultHost), true},
		"port_0":                         {guard, "https://public.test:0/", string(faultPort), true},
		"port_65535":                     {guard, "https://public.test:65535/", "https://public.test:65535/", false},
		"port_65536":                     {guard, "https://public.test:65536/", string(faultPort), true},
		"port_negative":                  {guard, "https://public.test:-1/", string(faultPort), true},
		"port_empty":                     {guard, "https://public.test:/", string(faultPort), true},
		"port_with_a_sign":               {guard, "https://public.test:+443/", string(faultPort), true},
		"fragment":                       {guard, "https://public.test/#x", string(faultFragment), true},
		"fragment_for_a_host":            {guard, "https://public.test#@127.0.0.1/", string(faultFragment), true},
		"backslash":                      {guard, `https://public.test\@127.0.0.1/`, string(faultCharacter), true},
		"line_break":                     {guard, "https://public.test/\r\nhost: x", string(faultCharacter), true},
		"NUL":                            {guard, "https://public.test/\x00", string(faultCharacter), true},
		"space":                          {guard, "https://public.test/a b", string(faultCharacter), true},
		"invalid_UTF-8":                  {guard, "https://public.test/\xff", string(faultCharacter), true},
		"bad_escape":                     {guard, "https://public.test/%zz", string(faultURL), true},
		"ftp":                            {guard, "ftp://public.test/", string(faultScheme), true},
		"file":                           {guard, "file:///etc/passwd", string(faultScheme), true},
		"gopher":                         {guard, "gopher://127.0.0.1:6379/_x", string(faultScheme), true},
		"no_scheme":                      {guard, "public.test/x", string(faultURL), true},
		"relative_scheme":                {guard, "//public.test/x", string(faultURL), true},
		"script":                         {guard, "javascript:alert(1)", string(faultURL), true},
		"empty":                          {guard, "", string(faultURL), true},
		"scheme_of_another_alphabet":     {guard, "httpſ://public.test/", string(faultScheme), true},
		"dotless_i_does_not_change_http": {guard, "https://publıc.test/", "https://xn--publc-q4a.test/", false},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			got, fault := test.guard.CheckURL(t.Context(), test.raw)
			if (fault != nil) != test.fault {
				t.Fatalf("got %q, %v", got, fault)
			}
			if fault != nil {
				got = fault.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if strings.Contains(test.want, private) != errors.Is(fault, ErrBlocked) && test.want != string(faultHTTPS) {
				t.Errorf("ErrBlocked is %v", errors.Is(fault, ErrBlocked))
			}
		})
	}
	t.Run("refusal_names_no_address", func(t *testing.T) {
		_, fault := guard.CheckURL(t.Context(), "https://private.test/")
		if strings.Contains(fault.Error(), "10.1.2.3") {
			t.Error(fault)
		}
	})
	t.Run("name_server_that_hangs_is_waited_for_no_longer_than_asked", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, fault := guard.CheckURL(ctx, "https://hang.test/"); fault != nil {
			t.Error(fault)
		}
	})
}

// FuzzParseURL holds that what is accepted is plain: net/url and the guard read
// the same host out of it, nothing is hidden in it, and reading it again
// changes nothing.
func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{"https://example.com/a?b", "http://127.1", "https://0x7f000001", "https://[::1]:80/", "https://u@h/", "https://h%00/",
		"https://１２７.０.０.１/", `https://a\@b/`, "https://a#b", "https://[fe80::1%25eth0]/", "HTTPS://Bücher.example.:443"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		target, err := parseURL(raw)
		if err != nil {
			return
		}
		text := target.String()
		read, err := url.Parse(text)
		if err != nil || read.Host != target.Host || read.User != nil || read.Fragment != "" || read.Scheme != "http" && read.Scheme != "https" {
			t.Fatalf("%q became %q: %+v, %v", raw, text, read, err)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII || r <= ' ' || r == '\\' }) {
			t.Errorf("%q became %q", raw, text)
		}
		if again, err := parseURL(text); err != nil || again.String() != text {
			t.Errorf("%q became %q and then %v, %v", raw, text, again, err)
		}
		host := target.Hostname()
		if _, err := netip.ParseAddr(host); err != nil && numeric(host[strings.LastIndexByte(host, '.')+1:]) {
			t.Errorf("%q has the numeric host %q", raw, host)
		}
	})
}

func TestSameOrigin(t *testing.T) {
	const here = "https://example.com/hooks"
	for _, same := range []string{here, "HTTPS://EXAMPLE.com:443/other?a=b", "https://example.com.", `"https://example.com/"`, " https://example.com"} {
		if !SameOrigin(here, same) {
			t.Errorf("%q is another origin", same)
		}
	}
	for _, other := range []string{"http://example.com/hooks", "https://example.com:8443/hooks", "https://www.example.com/hooks", "https://example.com.evil.test/", "", "ftp://example.com/"} {
		if SameOrigin(here, other) || SameOrigin(other, here) {
			t.Errorf("%q is the same origin", other)
		}
	}
	if SameOrigin("nonsense", "nonsense") {
		t.Error("what can't be used has an origin")
	}
}
