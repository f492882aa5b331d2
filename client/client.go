// Package client is the Go client of Hookwell's HTTP API. It needs nothing but
// the standard library.
//
// A [Client] names a server and a key; its methods are the API's routes, one
// file for each noun:
//
//   - event.go: report events, alone ([Client.SendEvent]) or many at once
//     ([Client.SendEvents]), and read them
//   - endpoint.go: register, change and test endpoints, rotate their secrets
//   - delivery.go: the log of deliveries and attempts; resend and cancel
//   - organization.go: organizations and portal links, with a platform key
//   - list.go: pages, and [All], which goes through all of them
//   - error.go: [Error], which is every refusal by the server
//   - retry.go: which calls are made again, and when
//
// The server's docs/api.md has what the routes do, and /api/openapi.json every
// field.
package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client calls the API of one server with one key. Several goroutines may use it
// at once, as long as nobody changes its fields. URL and Key are required.
type Client struct {
	// URL is the server's address, such as https://hooks.example.com.
	URL string
	// Key is an API key, hwk_... The client sends it only to that server and
	// shows it in no error.
	Key string
	// Organization is the id, or the external id, of the organization that calls
	// act for. A platform key requires one; with an organization's key it may be
	// empty.
	Organization string
	// HTTPClient makes the requests. Nil means http.DefaultClient. The client
	// never follows redirects, since the API has none.
	HTTPClient *http.Client
	// Timeout is how long one request may take, from its first byte to the last
	// one of the answer. Zero means 60 seconds. Each retry has the same time.
	Timeout time.Duration
	// Retries is how often the client repeats a call if that is safe (see
	// [Client.SendEvent] and retry.go); zero means never. The context limits all
	// tries together.
	Retries int
}

const (
	defaultTimeout = 60 * time.Second
	// maxResponse is more than any answer of the API has: a delivery with every
	// attempt's copy of a body of 256 KiB.
	maxResponse = 64 << 20
)

// String returns the client's URL without its key.
func (c Client) String() string { return "client of " + c.server() }

// GoString returns what String does.
func (c Client) GoString() string { return c.String() }

// Format writes what String returns for every verb of fmt. Only inside an unexported field of
// another struct, where fmt asks no methods, does a Client print its key; a
// *Client there does not.
func (c Client) Format(to fmt.State, _ rune) { io.WriteString(to, c.String()) }

// LogValue returns what String does, for logs.
func (c Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON returns what String does, as JSON. It never fails.
func (c Client) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// MarshalText returns what String does, for every other encoding that asks for text.
func (c Client) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// server returns the URL as it may be shown.
func (c Client) server() string {
	u, err := url.Parse(c.URL)
	if err != nil {
		return "an address that is no URL"
	}
	return u.Redacted()
}

// call is one call of the API.
type call struct {
	method, path string // the path below /api/v1
	query        url.Values
	body         any // nil for none
	header       http.Header
	repeatable   bool // made twice, it has done what it does once
}

// Option changes one call.
type Option func(*call)

// IfMatch makes a change conditional on the ETag of what it changes. If the ETag
// is another one by then, the call fails with the code "precondition_failed".
func IfMatch(etag string) Option {
	return func(r *call) { r.header.Set("If-Match", etag) }
}

// newCall returns a call for an organization, which is the client's if the name
// is empty.
func (c *Client) newCall(method, path, organization string) *call {
	r := &call{method: method, path: path, query: url.Values{}, header: http.Header{}, repeatable: method == http.MethodGet || method == http.MethodDelete}
	if organization = cmp.Or(organization, c.Organization); organization != "" {
		r.query.Set("organizationId", organization)
	}
	return r
}

// platformCall returns a call that acts for no organization.
func platformCall(method, path string) *call {
	return &call{method: method, path: path, query: url.Values{}, header: http.Header{}, repeatable: method == http.MethodGet || method == http.MethodDelete}
}

func (r *call) with(options []Option) *call {
	for _, option := range options {
		option(r)
	}
	return r
}

// do makes a call and reads the answer into a value, which may be nil. It
// returns the answer's header.
func (c *Client) do(ctx context.Context, r *call, answer any) (http.Header, error) {
	var content []byte
	if r.body != nil {
		var err error
		if content, err = encode(r.body); err != nil {
			return nil, fmt.Errorf("%s %s: writing the body: %w", r.method, r.path, err)
		}
	}
	begun := false // an earlier request may have been carried out
	for tried := 0; ; tried++ {
		header, err := c.once(ctx, r, content, answer)
		if err == nil || begun && r.removedBefore(err) {
			return header, nil
		}
		begun = begun || mayHaveBegun(err)
		wait, again := r.again(tried, err)
		if tried >= c.Retries || !again || ctx.Err() != nil {
			return nil, err
		}
		if ended := sleep(ctx, wait); ended != nil {
			return nil, errors.Join(err, ended)
		}
	}
}

// once makes one request.
func (c *Client) once(ctx context.Context, r *call, content []byte, answer any) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, defaultTimeout))
	defer cancel()
	request, err := c.request(ctx, r, content)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
	}
	response, err := c.http().Do(request)
	if err != nil {
		return nil, &networkError{fmt.Errorf("%s %s: %w", r.method, r.path, withoutAddress(err))}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxResponse+1))
	switch {
	case err != nil:
		return nil, &networkError{fmt.Errorf("%s %s: reading the answer: %w", r.method, r.path, err)}
	case response.StatusCode < 200 || response.StatusCode > 299:
		return nil, readError(r, response, body)
	case len(body) > maxResponse:
		return nil, fmt.Errorf("%s %s: the answer has more than %d MiB", r.method, r.path, maxResponse>>20)
	case answer == nil || len(body) == 0 && response.StatusCode == http.StatusNoContent:
		return response.Header, nil
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return nil, fmt.Errorf("%s %s: the answer is not what the API sends: %w", r.method, r.path, err)
	}
	return response.Header, nil
}

func (c *Client) request(ctx context.Context, r *call, content []byte) (*http.Request, error) {
	base, err := url.Parse(c.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, errors.New("the client's URL must be the server's address, such as https://hooks.example.com")
	}
	key := strings.TrimSpace(c.Key) // files end in a line break
	if key == "" {
		return nil, errors.New("the client has no key")
	}
	target := strings.TrimRight(base.Scheme+"://"+base.Host+base.EscapedPath(), "/") + "/api/v1" + r.path
	if query := r.query.Encode(); query != "" {
		target += "?" + query
	}
	var body io.Reader
	if content != nil {
		body = bytes.NewReader(content)
	}
	request, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, withoutAddress(err)
	}
	request.Header = r.header.Clone()
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Accept", "application/json, application/problem+json")
	if content != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// http returns the client that makes the requests, without redirects.
func (c *Client) http() *http.Client {
	with := http.Client{}
	if c.HTTPClient != nil {
		with = *c.HTTPClient
	}
	with.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &with
}

// encode writes JSON as it was given: texts keep their characters.
func encode(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buffer.Bytes(), "\n"), nil
}

// withoutAddress returns an error of net/http without the URL, which may hold a
// password and says what the caller knows.
func withoutAddress(err error) error {
	var about *url.Error
	if errors.As(err, &about) {
		return about.Err
	}
	return err
}
