package npm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hookwell/client"
	"hookwell/internal/program"
	"hookwell/internal/testenv"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "hookwell-npm-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(folder, "hookwell")
	if err := program.Build(context.Background(), binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := testenv.Run(m)
	os.RemoveAll(folder)
	os.Exit(status)
}

// TestSources makes a result from before a change to the program stale.
func TestSources(t *testing.T) {
	if err := program.LookAtSources("../.."); err != nil {
		t.Fatal(err)
	}
}

// site is a running server with an organization, and the providers' packages.
type site struct {
	*client.Client
	packages string // URL of provider.mjs
}

func newSite(t *testing.T) *site {
	t.Helper()
	here := program.Installation{Binary: binary, Env: []string{"HOOKWELL_DATA_DIR=" + t.TempDir(), "HOOKWELL_ADDR=127.0.0.1:0", "HOOKWELL_OPS_ADDR=off", "HOOKWELL_LOG_LEVEL=warn", "HOOKWELL_ALLOW_NETWORKS=127.0.0.0/8"}}
	key, err := here.Run("", "platform-key", "create", "--name", "back end")
	if err != nil {
		t.Fatal(err)
	}
	server, err := here.Start("serve")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server said:\n%s", server.Output())
		}
		server.Kill()
	})
	s := &site{Client: &client.Client{URL: server.URL, Key: strings.TrimSpace(key)}, packages: startPackages(t)}
	org, err := s.CreateOrganization(t.Context(), client.NewOrganization{Name: "Acme"})
	if err != nil {
		t.Fatal(err)
	}
	s.Organization = org.ID
	return s
}

// startPackages runs provider.mjs and returns its URL. It ends with the test.
func startPackages(t *testing.T) string {
	t.Helper()
	node, installed := testenv.NodePackages(t, "testdata")
	program, err := os.ReadFile("testdata/provider.mjs")
	if err != nil {
		t.Fatal(err)
	}
	// Node looks for packages beside the program.
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "provider.mjs"), program, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(installed, "node_modules"), filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	run := exec.Command(node, "provider.mjs")
	run.Dir, run.Stderr = folder, &said
	in, err := run.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := run.Wait(); err != nil {
			t.Errorf("node ended with %v: %s", err, said.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		version, _ := exec.Command(node, "--version").Output()
		t.Fatalf("node %s printed no URL: %v; the packages need Node 20 or newer", bytes.TrimSpace(version), err)
	}
	return strings.TrimSpace(line)
}

// signed is a request that a package has signed.
type signed struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	body    string
}

// provider is one that has a package.
type provider struct {
	pkg, name, secret string
	contentType, body string
}

const text = `{"id":"evt_1","type":"invoice.paid","name":"Größe 😀","amount":1.50}` + "\n"

var providers = map[string]provider{
	"stripe":            {"stripe", "stripe", "whsec_0123456789abcdefghijklmnopqrstuv", "application/json", text},
	"github":            {"@octokit/webhooks-methods", "github", "It's a Secret to Everybody", "application/json", text},
	"svix":              {"svix", "svix", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "application/json", text},
	"resend":            {"svix", "resend", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "application/json", text},
	"standard_webhooks": {"standardwebhooks", "standard_webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "application/json", text},
	"twilio_form":       {"twilio", "twilio", "0123456789abcdef0123456789abcdef", "application/x-www-form-urlencoded", "Body=Gr%C3%B6%C3%9Fe+%26+more&From=%2B14158675309&MessageSid=SM1&Empty="},
	"twilio_json":       {"twilio", "twilio", "0123456789abcdef0123456789abcdef", "application/json", text},
}

// source makes a source of a provider.
func (s *site) source(t *testing.T, slug string, p provider) *client.Source {
	t.Helper()
	made, err := s.CreateSource(t.Context(), client.SourceSettings{Name: &slug, Slug: &slug, Provider: &p.name, Secrets: []string{p.secret}})
	if err != nil {
		t.Fatalf("CreateSource(%s) failed: %v", p.name, err)
	}
	return made
}

// sign has the provider's package sign a request to a URL.
func (s *site) sign(t *testing.T, p provider, to string) signed {
	t.Helper()
	wanted, err := json.Marshal(map[string]any{"secret": p.secret, "url": to, "id": "msg_1", "time": time.Now().Unix(), "body": p.body})
	if err != nil {
		t.Fatal(err)
	}
	status, answer := send(t, s.packages+"/sign/"+url.PathEscape(p.pkg), wanted, nil)
	request := signed{body: p.body}
	if err := json.Unmarshal(answer, &request); status != http.StatusOK || err != nil {
		t.Fatalf("signing by %s returned %d %s, %v", p.pkg, status, answer, err)
	}
	request.Headers["Content-Type"] = p.contentType
	return request
}

func (r signed) send(t *testing.T) int {
	t.Helper()
	status, _ := send(t, r.URL, []byte(r.body), r.Headers)
	return status
}

func send(t *testing.T, to string, body []byte, headers map[string]string) (status int, answer []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

// changed returns a text with one byte in the middle changed, to another letter or
// digit.
func changed(text string) string {
	b := []byte(text)
	at := len(b) / 2
	for !strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", rune(b[at])) {
		at++
	}
	if b[at] == '1' {
		b[at] = '2'
	} else {
		b[at] = '1'
	}
	return string(b)
}

// tampered returns the request with one byte changed, for each of its parts that the
// signature covers or is.
func (r signed) tampered() map[string]signed {
	all := map[string]signed{"the body": {r.URL, r.Headers, changed(r.body)}}
	for name := range r.Headers {
		if name == "Content-Type" {
			continue
		}
		headers := map[string]string{}
		for other, value := range r.Headers {
			headers[other] = value
		}
		headers[name] = changed(headers[name])
		all[name] = signed{r.URL, headers, r.body}
	}
	return all
}

func TestPackages_sign_and_sources_accept(t *testing.T) {
	s := newSite(t)
	for name, p := range providers {
		t.Run(name, func(t *testing.T) {
			source := s.source(t, name, p)
			request := s.sign(t, p, source.URL)
			wrong := request.tampered()
			for part, one := range wrong {
				if status := one.send(t); status != http.StatusUnauthorized {
					t.Errorf("a request with one byte of %s changed returned %d, want 401", part, status)
				}
			}
			if status := request.send(t); status != http.StatusOK {
				t.Errorf("the request that %s signed returned %d, want 200", p.pkg, status)
			}
			found, err := s.Requests(t.Context(), client.RequestFilter{SourceID: source.ID}, client.Paging{})
			if err != nil {
				t.Fatal(err)
			}
			states := map[string]int{}
			for _, one := range found.Data {
				states[one.State]++
			}
			if states["verified"] != 1 || states["refused"] != len(wrong) || len(found.Data) != 1+len(wrong) {
				t.Errorf("on record are %v, want 1 verified and %d refused", states, len(wrong))
			}
			for _, one := range found.Data {
				if one.State != "verified" {
					continue
				}
				kept, err := s.Request(t.Context(), one.ID)
				if err != nil || kept.Body != p.body {
					t.Errorf("the body on record is %q, %v; want what was signed", kept.Body, err)
				}
			}
		})
	}
}
