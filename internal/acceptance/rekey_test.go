package acceptance

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
	endpoint := map[string]any{"url": receiver.URL, "eventTypes": []string{"*"}, "headers": map[string]string{"x-own": "the receiver's own"}}
	var made struct{ ID string }
	first := before.start(t)
	if status := call(t, http.MethodPost, first.url+"/api/v1/endpoints", key, endpoint, &made); status != http.StatusCreated {
		t.Fatalf("status %d", status)
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
		var attempt struct{ StatusCode int }
		call(t, http.MethodPost, server.url+"/api/v1/endpoints/"+made.ID+"/test", key, map[string]any{"type": "payment.failed"}, &attempt)
		if attempt.StatusCode != http.StatusNoContent {
			t.Errorf("the endpoint's test was answered %d", attempt.StatusCode)
		}
		server.terminate(t)
	}
}
