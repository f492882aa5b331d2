package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"hookwell/inbound"
	"hookwell/models"
)

// TestRequestsExport reads each line as what the API answers of it. No line has a
// secret, a source's URL or a credential.
func TestRequestsExport(t *testing.T) {
	eachSite(t, func(t *testing.T, f *site) {
		b, org := f.member(t, "Acme", models.RoleAdmin)
		tenant := f.tenantOf(t, org)
		in := models.NewSourceInput()
		in.Name, in.Provider, in.Secrets = "GitHub", "github", []string{githubSecret}
		s, err := tenant.Receiving().CreateSource(t.Context(), in)
		must(t, err)
		opened, err := f.Store.Engine().SourceByToken(t.Context(), strings.TrimPrefix(s.Path, models.ReceivePath))
		must(t, err)
		held, err := opened.Verifier.ParseSecret(githubSecret)
		must(t, err)
		sent, err := opened.Verifier.SignSample("", held, "https://hooks.example.com"+s.Path, f.Store.Now())
		must(t, err)
		sent.Headers = append(sent.Headers, inbound.Header{Name: "Authorization", Value: "Bearer a-credential"})
		_, err = f.Store.Engine().Handle(t.Context(), opened, sent, "token=a-credential", false)
		must(t, err)
		forged := *sent
		forged.Body = append(bytes.Clone(sent.Body), '\n')
		_, err = f.Store.Engine().Handle(t.Context(), opened, &forged, "", false)
		must(t, err)
		_, err = f.Store.Engine().ProcessRequests(t.Context())
		must(t, err)
		answer := b.get(t, "/o/"+org.Slug+"/requests/export.ndjson")
		if got := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || got != "application/x-ndjson" {
			t.Fatalf("the export is answered %d with %q", answer.StatusCode, got)
		}
		kinds := map[string]int{}
		for line := range strings.Lines(answer.body) {
			var one map[string]struct {
				ID, URL, Body string
				SecretCount   int
			}
			if err := json.Unmarshal([]byte(line), &one); err != nil || len(one) != 1 {
				t.Fatalf("a line is no JSON of one thing: %v: %s", err, line)
			}
			for kind, of := range one {
				if kinds[kind]++; of.ID == "" || of.URL != "" || kind == "request" && !strings.HasPrefix(of.Body, string(sent.Body)) {
					t.Errorf("the %s is %+v", kind, of)
				}
			}
		}
		if kinds["source"] != 1 || kinds["request"] != 2 || kinds["event"] != 1 {
			t.Errorf("the export has %v, want a source, two requests and the event that relays one", kinds)
		}
		for _, secret := range []string{githubSecret, "a-credential", strings.TrimPrefix(s.Path, models.ReceivePath)} {
			if strings.Contains(answer.body, secret) {
				t.Errorf("the export has %q", secret)
			}
		}
	})
}
