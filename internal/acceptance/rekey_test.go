package acceptance

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hookwell/client"
)

// TestRekey changes the master key of a running installation, as
// docs/security.md describes it.
func TestRekey(t *testing.T) {
	old, fresh := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32)), base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{2}, 32))
	here := embedded(t)
	with := func(key string) installation {
		return installation{append([]string{"HOOKWELL_SECRET_KEY=" + key}, here.env...)}
	}
	before, both, after := with(old), with("2:"+fresh+",1:"+old), with("2:"+fresh)
	var ids struct{ OrganizationID string }
	account := before.run(t, "correct horse battery staple\n", "user", "create", "--email", "priya@example.com", "--name", "Priya", "--org", "Acme")
	if err := json.Unmarshal([]byte(account), &ids); err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(before.run(t, "", "key", "create", "--org", ids.OrganizationID, "--name", "k", "--scopes", "write"))
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer receiver.Close()
	first := before.start(t)
	made, err := first.api(key).CreateEndpoint(t.Context(), client.EndpointSettings{URL: &receiver.URL, EventTypes: []string{"*"}, Headers: map[string]string{"x-own": "the receiver's own"}})
	if err != nil {
		t.Fatal(err)
	}
	first.terminate(t)
	for _, step := range []struct {
		running installation
		rekeyed string
	}{{both, "2 sealed with the first key.\n"}, {after, "0 sealed with the first key.\n"}} {
		server := step.running.start(t)
		if said := step.running.run(t, "", "secrets", "rekey"); said != step.rekeyed {
			t.Errorf("rekey said %q, want %q", said, step.rekeyed)
		}
		attempt, err := server.api(key).TestEndpoint(t.Context(), made.ID, "payment.failed", nil)
		if err != nil {
			t.Fatal(err)
		}
		if attempt.StatusCode != http.StatusNoContent {
			t.Errorf("the endpoint's test was answered %d", attempt.StatusCode)
		}
		server.terminate(t)
	}
}
