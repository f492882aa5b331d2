package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"hookwell/inbound"
	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

// door is a server with one source, and its log.
type door struct {
	*store.Store
	base   string
	tenant *store.Tenant
	log    *syncBuffer
	clock  *database.Clock
}

type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *syncBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.String()
}

func eachDoor(t *testing.T, test func(t *testing.T, d *door)) {
	t.Helper()
	storetest.EachParallel(t, func(t *testing.T, o store.Options) { test(t, openDoor(t, o)) })
}

// openDoor starts a server.
func openDoor(t *testing.T, o store.Options) *door {
	t.Helper()
	d := &door{log: &syncBuffer{}, clock: &database.Clock{}}
	o.Clock = d.clock
	d.Store = storetest.Open(t, o)
	d.tenant = storetest.Organization(t, d.Store, "Acme")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	d.base = "http://" + listener.Addr().String()
	base, err := url.Parse(d.base)
	must(t, err)
	server := New(Options{Store: d.Store, Log: slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug})), BaseURL: base,
		Ready: func(context.Context) error { return nil }})
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		must(t, server.Shutdown(context.Background()))
		must(t, <-done)
	})
	return d
}

const githubSecret = "a secret of the tests, long enough"

// github makes a source of GitHub's.
func (d *door) github(t *testing.T, change func(*models.SourceInput)) *models.Source {
	t.Helper()
	in := models.NewSourceInput()
	in.Name, in.Provider, in.Secrets = "GitHub", "github", []string{githubSecret}
	if change != nil {
		change(&in)
	}
	s, err := d.tenant.Receiving().CreateSource(t.Context(), in)
	must(t, err)
	return s
}

// sample returns a signed sample for a source.
func (d *door) sample(t *testing.T, s *models.Source, secret string) *inbound.Request {
	t.Helper()
	opened, err := d.Engine().SourceByToken(t.Context(), strings.TrimPrefix(s.Path, models.ReceivePath))
	must(t, err)
	held, err := opened.Verifier.ParseSecret(secret)
	must(t, err)
	request, err := opened.Verifier.SignSample("", held, d.base+s.Path, d.Now())
	must(t, err)
	return request
}

// send sends a request over HTTP. A chunked one has no Content-Length.
func (d *door) send(t *testing.T, in *inbound.Request, path string, chunked bool) *http.Response {
	t.Helper()
	var body io.Reader = bytes.NewReader(in.Body)
	if chunked {
		body = io.MultiReader(body) // whose length nobody knows
	}
	request, err := http.NewRequestWithContext(t.Context(), in.Method, d.base+path, body)
	must(t, err)
	for _, h := range in.Headers {
		request.Header.Add(h.Name, h.Value)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	must(t, err)
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func (d *door) requests(t *testing.T, s *models.Source) []models.Request {
	t.Helper()
	list, _, err := d.tenant.Receiving().Requests(t.Context(), models.RequestFilter{SourceID: s.ID}, models.Page{})
	must(t, err)
	return list
}

func TestReceive_over_HTTP(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		s := d.github(t, nil)
		in := d.sample(t, s, githubSecret)
		in.Headers = append(in.Headers, inbound.Header{Name: "Authorization", Value: "Bearer a-credential-of-somebody"})
		for _, chunked := range []bool{false, true} {
			if response := d.send(t, in, s.Path, chunked); response.StatusCode != http.StatusOK {
				t.Fatalf("POST, chunked %v, returned %s; want 200", chunked, response.Status)
			}
		}
		if response := d.send(t, in, s.Path+"/", false); response.StatusCode != http.StatusOK {
			t.Errorf("POST with a slash at the end returned %s, want 200", response.Status)
		}
		list := d.requests(t, s)
		if len(list) != 1 || list[0].Duplicates != 2 {
			t.Fatalf("there are %d requests with %d duplicates, want 1 with 2", len(list), list[0].Duplicates)
		}
		q, err := d.tenant.Receiving().Request(t.Context(), list[0].ID)
		must(t, err)
		if !bytes.Equal(q.Body, in.Body) {
			t.Errorf("the body is %q, want what was sent", q.Body)
		}
		for _, h := range q.Headers {
			if strings.Contains(h.Value, "credential") {
				t.Errorf("the credential is kept in %s", h.Name)
			}
		}
		token := strings.TrimPrefix(s.Path, models.ReceivePath)
		if log := d.log.text(); strings.Contains(log, token) || strings.Contains(log, "credential") || strings.Contains(log, "X-Hub-Signature") {
			t.Error("the log has the token, a header or the body")
		}
	})
}

func TestReceive_refuses(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		paused := false
		cases := map[string]struct {
			change func(*models.SourceInput)
			mend   func(*inbound.Request)
			status int
			cause  inbound.Cause
			header string
		}{
			"paused":            {func(in *models.SourceInput) { in.Enabled = &paused }, nil, 429, inbound.CauseSourceDisabled, "Retry-After"},
			"method":            {nil, func(r *inbound.Request) { r.Method = http.MethodPatch }, 405, inbound.CauseMethod, "Allow"},
			"address":           {func(in *models.SourceInput) { in.AllowNetworks = []string{"203.0.113.0/24"} }, nil, 403, inbound.CauseAddress, ""},
			"too_large":         {func(in *models.SourceInput) { in.MaxBodyBytes = 10 }, nil, 413, inbound.CauseTooLarge, ""},
			"signature_missing": {nil, func(r *inbound.Request) { r.Headers = nil }, 401, inbound.CauseSignatureMissing, ""},
			"signature":         {nil, func(r *inbound.Request) { r.Body = append(bytes.Clone(r.Body), '\n') }, 401, inbound.CauseSignature, ""},
			"signature_malformed": {nil, func(r *inbound.Request) {
				r.Headers = []inbound.Header{{Name: "X-Hub-Signature-256", Value: "sha256=zz"}}
			}, 401, inbound.CauseSignatureMalformed, ""},
		}
		for name, test := range cases {
			for _, chunked := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/chunked_%v", name, chunked), func(t *testing.T) {
					s := d.github(t, func(in *models.SourceInput) {
						in.Slug = strings.ToLower(name) + map[bool]string{true: "_c", false: ""}[chunked]
						if test.change != nil {
							test.change(in)
						}
					})
					in := d.sample(t, s, githubSecret)
					if test.mend != nil {
						test.mend(in)
					}
					response := d.send(t, in, s.Path, chunked)
					if response.StatusCode != test.status || test.header != "" && response.Header.Get(test.header) == "" {
						t.Errorf("returned %s %v, want %d and %s", response.Status, response.Header, test.status, test.header)
					}
					if csp := response.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") {
						t.Errorf("Content-Security-Policy is %q, want a sandbox", csp)
					}
					if list := d.requests(t, s); len(list) != 1 || list[0].Cause != test.cause || list[0].StatusCode != test.status {
						t.Errorf("the log has %+v, want one refused as %s", list, test.cause)
					}
				})
			}
		}
	})
}

func TestReceive_unknown_token(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		in := &inbound.Request{Method: http.MethodPost, Body: []byte("{}")}
		for _, path := range []string{"/in/x", "/in/" + strings.Repeat("0", 32), "/in/" + strings.Repeat("0", 31) + "%00"} {
			if response := d.send(t, in, path, false); response.StatusCode != http.StatusNotFound && response.StatusCode != http.StatusBadRequest {
				t.Errorf("POST %s returned %s, want 404", path, response.Status)
			}
		}
		status := 0
		for range 200 {
			if status = d.send(t, in, "/in/"+strings.Repeat("1", 32), false).StatusCode; status == http.StatusTooManyRequests {
				break
			}
		}
		if status != http.StatusTooManyRequests {
			t.Error("nobody ends the guessing of tokens")
		}
	})
}

// TestReceive_rate holds the clock: a source takes a second's worth at once.
func TestReceive_rate(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		s := d.github(t, func(in *models.SourceInput) { in.RateLimitPerSecond = 3 })
		in := d.sample(t, s, githubSecret)
		var counts = map[int]int{}
		for range 40 {
			response := d.send(t, in, s.Path, false)
			counts[response.StatusCode]++
			if response.StatusCode == http.StatusTooManyRequests && response.Header.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
		}
		if counts[http.StatusTooManyRequests] == 0 || counts[http.StatusOK] < 3 {
			t.Errorf("answered %v, want some 200 and some 429", counts)
		}
		d.clock.Advance(time.Minute)
		if response := d.send(t, d.sample(t, s, githubSecret), s.Path, false); response.StatusCode != http.StatusOK {
			t.Errorf("a minute later returned %s, want 200", response.Status)
		}
	})
}

func TestReceive_own_response(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		s := d.github(t, func(in *models.SourceInput) {
			in.Response = models.SourceResponse{Status: 202, MediaType: "application/xml", Body: "<ok/>"}
		})
		response := d.send(t, d.sample(t, s, githubSecret), s.Path, false)
		body, _ := io.ReadAll(response.Body)
		if response.StatusCode != 202 || string(body) != "<ok/>" || response.Header.Get("Content-Type") != "application/xml" || response.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("returned %s %v %q, want the source's own response", response.Status, response.Header, body)
		}
	})
}

// TestReceive_loop has an endpoint that is a source: what comes in a second time is
// refused.
func TestReceive_loop(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		s := d.github(t, nil)
		arrived := make(chan http.Header, 1)
		receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived <- r.Header.Clone() }))
		defer receiver.Close()
		in := models.NewEndpointInput()
		in.URL, in.EventTypes = receiver.URL, []string{s.Slug + ".*"}
		e, _, err := d.tenant.CreateEndpoint(t.Context(), in)
		must(t, err)
		if response := d.send(t, d.sample(t, s, githubSecret), s.Path, false); response.StatusCode != http.StatusOK {
			t.Fatalf("returned %s", response.Status)
		}
		for n := 1; n > 0; {
			n, err = d.Engine().ProcessRequests(t.Context())
			must(t, err)
		}
		d.deliver(t, e)
		sent := <-arrived
		if sent.Get("X-Webhook-Hop") == "" || sent.Get("X-Webhook-Organization") == "" || sent.Get("Content-Type") != "application/json" {
			t.Fatalf("the delivery has the headers %v, want a hop, the organization and the body's own media type", sent)
		}
		again := d.sample(t, s, githubSecret)
		again.Headers = append(again.Headers, inbound.Header{Name: "X-Webhook-Hop", Value: sent.Get("X-Webhook-Hop")})
		if response := d.send(t, again, s.Path, false); response.StatusCode != http.StatusConflict {
			t.Errorf("a request that Hookwell sent returned %s, want 409", response.Status)
		}
	})
}

// deliver sends what waits for an endpoint.
func (d *door) deliver(t *testing.T, e *models.Endpoint) {
	t.Helper()
	list, _, err := d.tenant.Deliveries(t.Context(), models.DeliveryFilter{EndpointID: e.ID}, models.Page{})
	must(t, err)
	lane := pipeline.Lane{EndpointID: e.ID, Slots: len(list)}
	for i := range list {
		lane.DeliveryIDs = append(lane.DeliveryIDs, list[i].ID)
	}
	jobs, _, err := d.Engine().Claim(t.Context(), []pipeline.Lane{lane})
	must(t, err)
	sender := webhook.NewSender(webhook.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), d.clock.Now)
	defer sender.Close()
	for _, job := range jobs {
		must(t, d.Engine().Record(t.Context(), []*pipeline.Result{{Job: job, Exchange: sender.Send(t.Context(), job.Message)}}))
	}
}

// TestReceive_after_a_change changes a source that is in memory, in this process and in
// another one: the next request is judged by it.
func TestReceive_after_a_change(t *testing.T) {
	storetest.EachParallel(t, func(t *testing.T, o store.Options) {
		vault, err := database.ParseVault(storetest.Key())
		must(t, err)
		o.Vault = vault // the same in both processes
		d := openDoor(t, o)
		other := storetest.Open(t, o)
		there, err := other.Operator().Tenant(t.Context(), d.tenant.Organization().ID)
		must(t, err)
		for name, r := range map[string]*store.Receiving{"here": d.tenant.Receiving(), "elsewhere": there.Receiving()} {
			s := d.github(t, func(in *models.SourceInput) { in.Slug, in.AllowNetworks = name, []string{"203.0.113.0/24"} })
			in := d.sample(t, s, githubSecret)
			expect := func(what string, want int) {
				t.Helper()
				if response := d.send(t, in, s.Path, false); response.StatusCode != want {
					t.Errorf("%s: %s, the next request returned %s; want %d", name, what, response.Status, want)
				}
			}
			set := func(change func(*models.SourceInput)) {
				t.Helper()
				_, err := r.UpdateSource(t.Context(), s.ID, func(in *models.SourceInput) error { change(in); return nil })
				must(t, err)
			}
			expect("from another network", http.StatusForbidden)
			set(func(in *models.SourceInput) { in.AllowNetworks, in.MaxBodyBytes = nil, 10 })
			if name == "elsewhere" {
				set(func(in *models.SourceInput) { in.MaxBodyBytes = 1 << 20 })
			} else {
				expect("over the limit", http.StatusRequestEntityTooLarge)
				set(func(in *models.SourceInput) { in.MaxBodyBytes = 1 << 20 })
			}
			expect("allowed and within the limit", http.StatusOK)
			_, err := r.PauseSource(t.Context(), s.ID)
			must(t, err)
			expect("paused", http.StatusTooManyRequests)
			_, err = r.ResumeSource(t.Context(), s.ID)
			must(t, err)
			expect("resumed", http.StatusOK)
			in = d.sample(t, s, "another secret of the tests, long enough")
			expect("signed with another secret", http.StatusUnauthorized)
			_, err = r.AddSourceSecret(t.Context(), s.ID, "another secret of the tests, long enough", nil)
			must(t, err)
			expect("that was added", http.StatusOK)
		}
	})
}
