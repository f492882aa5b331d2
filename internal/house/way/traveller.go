package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/PuerkitoBio/goquery"
)

const (
	// stay is how long each run lasts after what it is for: the rounds of a second
	// run in all of them.
	stay = 3 * time.Second
	// patience bounds the start, a request and a delivery.
	patience = 30 * time.Second
)

// traveller runs one tree's program, again and again on the same data.
type traveller struct {
	binary, folder, tree string
	runs                 int

	url      string // of the run that there is
	client   *http.Client
	receiver *httptest.Server
	received chan struct{}
	edit     string // the path of the endpoint's form
	key      string
}

// cover runs the program for as long as a function takes, and returns the blocks
// that were covered.
func (t *traveller) cover(ctx context.Context, act func(ctx context.Context) error) (map[string]bool, error) {
	t.runs++
	counters := filepath.Join(t.folder, fmt.Sprintf("run%d", t.runs))
	if err := os.Mkdir(counters, 0o700); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	listener.Close()
	t.url = "http://" + address
	var said bytes.Buffer
	serve := exec.CommandContext(ctx, t.binary, "serve")
	serve.Env = []string{"PATH=" + os.Getenv("PATH"), "GOCOVERDIR=" + counters, "HOOKWELL_DATA_DIR=" + filepath.Join(t.folder, "data"),
		"HOOKWELL_ADDR=" + address, "HOOKWELL_OPS_ADDR=off", "HOOKWELL_ALLOW_NETWORKS=127.0.0.0/8", "HOOKWELL_LOG_LEVEL=warn"}
	serve.Dir, serve.Stderr = t.folder, &said
	if err := serve.Start(); err != nil {
		return nil, err
	}
	err = t.ready(ctx)
	if err == nil {
		err = act(ctx)
	}
	if err == nil {
		time.Sleep(stay)
	}
	if err = errors.Join(err, serve.Process.Signal(syscall.SIGTERM), serve.Wait()); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, said.String())
	}
	profile := filepath.Join(counters, "profile")
	if out, err := exec.CommandContext(ctx, "go", "tool", "covdata", "textfmt", "-i="+counters, "-o="+profile).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("reading coverage: %w\n%s", err, out)
	}
	text, err := os.ReadFile(profile)
	return readBlocks(text), err
}

// ready waits until the program listens.
func (t *traveller) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(t.url, "http://"))
		if err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(errors.New("the program doesn't listen"), err)
		}
	}
}

// setUp makes an account, an organization, an endpoint and a key.
func (t *traveller) setUp(ctx context.Context) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	t.client, t.received = &http.Client{Jar: jar, Timeout: patience}, make(chan struct{}, 1)
	// The page that a form leads to is no part of what the form does.
	t.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.receiver = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case t.received <- struct{}{}:
		default:
		}
	}))
	_, err = t.cover(ctx, func(ctx context.Context) error {
		if _, err := t.submit(ctx, "/signup", "/signup", url.Values{"name": {"Ada"}, "email": {"ada@example.com"}, "password": {"correct horse battery staple"}}); err != nil {
			return err
		}
		if _, err := t.submit(ctx, "/orgs", "/orgs", url.Values{"name": {"Acme"}}); err != nil {
			return err
		}
		made, err := t.submit(ctx, "/o/acme/endpoints/new", "/o/acme/endpoints", url.Values{"url": {t.receiver.URL}, "eventTypes": {"*"}})
		if err != nil {
			return err
		}
		t.edit = made.header.Get("Content-Location") + "/edit"
		if made, err = t.submit(ctx, "/o/acme/keys", "/o/acme/keys", url.Values{"name": {"Production"}, "scopes": {"events:write"}}); err != nil {
			return err
		}
		if t.key = regexp.MustCompile(`hwk_\w{20,}`).FindString(made.text); t.key == "" {
			return errors.New("no key was shown")
		}
		return nil
	})
	return err
}

// sendEvent reports one event and waits until it has arrived; the program records
// that before it ends.
func (t *traveller) sendEvent(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(t.tree, "webhook", "events.json"))
	if err != nil {
		return err
	}
	event, err := anEvent(text)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+"/api/v1/events", bytes.NewReader(event))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+t.key)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		said, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("reporting the event: %s: %s", answer.Status, said)
	}
	select {
	case <-t.received:
		return nil
	case <-ctx.Done():
		return errors.New("the event did not arrive")
	}
}

// anEvent returns the first event type of a catalog with its example, as the API takes it.
func anEvent(catalog []byte) ([]byte, error) {
	type eventType struct {
		Type    string          `json:"type"`
		Example json.RawMessage `json:"example"`
	}
	var list []eventType
	if err := json.Unmarshal(catalog, &list); err != nil {
		var in struct {
			Events []eventType `json:"events"`
			Types  []eventType `json:"types"`
		}
		if err := json.Unmarshal(catalog, &in); err != nil {
			return nil, fmt.Errorf("reading the catalog: %w", err)
		}
		list = append(in.Events, in.Types...)
	}
	if len(list) == 0 {
		return nil, errors.New("the catalog has no event type")
	}
	var envelope struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(list[0].Example, &envelope); err != nil {
		return nil, err
	}
	if envelope.Data == nil {
		envelope.Data = list[0].Example
	}
	return json.Marshal(map[string]any{"type": list[0].Type, "data": envelope.Data})
}

func (t *traveller) lookAtForm(ctx context.Context) error {
	_, err := t.get(ctx, t.edit)
	return err
}

func (t *traveller) editEndpoint(ctx context.Context) error {
	_, err := t.submit(ctx, t.edit, t.edit, url.Values{"name": {"Renamed"}})
	return err
}

// answered is what came of a request.
type answered struct {
	header http.Header
	text   string
}

func (t *traveller) get(ctx context.Context, path string) (*goquery.Document, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url+path, nil)
	if err != nil {
		return nil, err
	}
	got, err := t.do(request)
	if err != nil {
		return nil, err
	}
	return goquery.NewDocumentFromReader(strings.NewReader(got.text))
}

// submit sends the form of a page that leads to a path, with some of its fields
// filled in.
func (t *traveller) submit(ctx context.Context, page, path string, fill url.Values) (*answered, error) {
	doc, err := t.get(ctx, page)
	if err != nil {
		return nil, err
	}
	form := doc.Find("form[method=post]").FilterFunction(func(_ int, form *goquery.Selection) bool {
		return form.AttrOr("action", path) == path
	}).First()
	if form.Length() == 0 {
		return nil, fmt.Errorf("%s has no form that leads to %s", page, path)
	}
	fields := fieldsOf(form)
	for name, values := range fill {
		fields[name] = values
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+path, strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", t.url)
	return t.do(request)
}

// fieldsOf is what a browser would send of a form as it was drawn.
func fieldsOf(form *goquery.Selection) url.Values {
	fields := url.Values{}
	for _, field := range form.Find("input, select, textarea").EachIter() {
		name, named := field.Attr("name")
		kind := field.AttrOr("type", "text")
		_, checked := field.Attr("checked")
		_, disabled := field.Attr("disabled")
		choice := kind == "checkbox" || kind == "radio"
		switch {
		case !named || disabled || choice && !checked || kind == "submit":
		case field.Is("select"):
			option := field.Find("option[selected]").First()
			if option.Length() == 0 {
				option = field.Find("option").First()
			}
			fields.Add(name, option.AttrOr("value", option.Text()))
		case field.Is("textarea"):
			fields.Add(name, field.Text())
		case choice:
			fields.Add(name, cmp.Or(field.AttrOr("value", ""), "on"))
		default:
			fields.Add(name, field.AttrOr("value", ""))
		}
	}
	return fields
}

func (t *traveller) do(request *http.Request) (*answered, error) {
	answer, err := t.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: %s: %.2000s", request.Method, request.URL.Path, answer.Status, text)
	}
	return &answered{answer.Header, string(text)}, err
}
