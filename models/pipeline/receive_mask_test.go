package pipeline

import (
	"slices"
	"testing"

	"hookwell/inbound"
	"hookwell/models"
)

func TestMaskQuery(t *testing.T) {
	for query, want := range map[string]string{
		"":                            "",
		"a=1&b=%20x;c":                "a=1&b=%20x;c",
		"token=S":                     "token=" + Masked,
		"TOKEN=S&a=1":                 "TOKEN=" + Masked + "&a=1",
		"%74oken=S":                   "%74oken=" + Masked,
		"%2574oken=S":                 "%2574oken=" + Masked,
		"a=1;api%5Fkey=S;b":           "a=1;api%5Fkey=" + Masked + ";b",
		"user%5B%74oken%5D=S":         "user%5B%74oken%5D=" + Masked,
		"%zz=S":                       "%zz=" + Masked,
		"to%6Ben=a=b&&x=%74oken&":     "to%6Ben=" + Masked + "&&x=%74oken&",
		"%25252525252525252574oken=S": "%25252525252525252574oken=" + Masked,
		"p%61ssword=S&%73ig=S&page=2": "p%61ssword=" + Masked + "&%73ig=" + Masked + "&page=2",
	} {
		if got := maskQuery(query); got != want {
			t.Errorf("maskQuery(%q) returned %q, want %q", query, got, want)
		}
	}
}

func TestMaskHeaders(t *testing.T) {
	for provider, headers := range map[string]map[string]bool{
		"github": {"X-Auth-Token": true, "X-Access-Token": true, "X-Secret": true, "X-Gitlab-Token": true, "X-Api-Key": true, "Authorization": true, "x-amz-security-token": true, "X-Db-Password": true,
			"X-Hub-Signature-256": false, "X-GitHub-Event": false, "X-GitHub-Delivery": false, "Idempotency-Key": false, "Content-Type": false, "User-Agent": false},
		"gitlab_token": {"X-Gitlab-Token": true, "X-Gitlab-Event": false, "X-Gitlab-Event-UUID": false, "Idempotency-Key": false},
	} {
		verifier, mappings, faults := CompileSource(&models.Source{Provider: provider, OrganizationID: "org_1"})
		if len(faults) > 0 {
			t.Fatalf("CompileSource() of %s returned %v", provider, faults)
		}
		s := &OpenSource{Verifier: verifier, mappings: mappings, hidden: append(credentials, verifier.Credentials()...), carriers: verifier.Carriers()}
		for name, want := range headers {
			if kept := maskHeaders(s, []inbound.Header{{Name: name, Value: "S"}}); (kept[0].Value == Masked) != want {
				t.Errorf("of %s the header %s is kept as %q; masked: want %v", provider, name, kept[0].Value, want)
			}
		}
	}
	for _, provider := range inbound.Providers() {
		verifier, _, faults := CompileSource(&models.Source{Provider: provider.Name, OrganizationID: "org_1"})
		if len(faults) > 0 || verifier == nil {
			continue // it needs a scheme
		}
		s := &OpenSource{hidden: verifier.Credentials(), carriers: verifier.Carriers()}
		for _, name := range verifier.Carriers() {
			if s.hides(name) && !slices.Contains(verifier.Credentials(), name) {
				t.Errorf("%s: the header %s is read by the scheme and is masked", provider.Name, name)
			}
		}
	}
}
