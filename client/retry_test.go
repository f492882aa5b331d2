package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hookwell/client"
)

// roundTrip answers requests in place of a server.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer is one answer; headers come in pairs.
func answer(status int, body string, headers ...string) *http.Response {
	kind := "application/json"
	if status >= 400 {
		kind = "application/problem+json"
	}
	header := http.Header{"Content-Type": {kind}}
	for i := 0; i < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

var errReset = errors.New("connection reset")

// answering is a client whose requests get these answers in turn, then the last
// one again. Its requests are kept.
func answering(retries int, answers ...func() (*http.Response, error)) (*client.Client, *[]*http.Request) {
	var made []*http.Request
	return &client.Client{URL: "http://hooks.example.com", Key: "hwk_x", Retries: retries, HTTPClient: &http.Client{
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			made = append(made, r)
			return answers[min(len(made), len(answers))-1]()
		})}}, &made
}

func TestRetries(t *testing.T) {
	refuse := func(status int, code string, headers ...string) func() (*http.Response, error) {
		return func() (*http.Response, error) {
			return answer(status, fmt.Sprintf(`{"status":%d,"code":%q,"detail":"no"}`, status, code), headers...), nil
		}
	}
	lose := func() (*http.Response, error) { return nil, errReset }
	cut := func() (*http.Response, error) {
		response := answer(200, "")
		response.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"id":`), failing{}))
		return response, nil
	}
	accept := func() (*http.Response, error) { return answer(200, `{}`), nil }
	type ctx = context.Context
	calls := map[string]func(ctx, *client.Client) error{
		"report": func(ctx ctx, c *client.Client) error {
			_, err := c.SendEvent(ctx, client.Event{Type: "a"})
			return err
		},
		"batch":   func(ctx ctx, c *client.Client) error { _, err := c.SendEvents(ctx, nil, ""); return err },
		"read":    func(ctx ctx, c *client.Client) error { _, err := c.Endpoint(ctx, "ep_1"); return err },
		"disable": func(ctx ctx, c *client.Client) error { _, err := c.DisableEndpoint(ctx, "ep_1"); return err },
		"create": func(ctx ctx, c *client.Client) error {
			_, err := c.CreateEndpoint(ctx, client.EndpointSettings{})
			return err
		},
		"rotate": func(ctx ctx, c *client.Client) error {
			_, err := c.RotateSecret(ctx, "ep_1", client.Rotation{})
			return err
		},
		"resend": func(ctx ctx, c *client.Client) error { _, err := c.ResendDelivery(ctx, "dlv_1"); return err },
	}
	repeatable := []string{"report", "batch", "read", "disable"}
	all := append([]string{"create", "rotate", "resend"}, repeatable...)
	for name, test := range map[string]struct {
		fault  func() (*http.Response, error)
		again  []string // the calls that are made again
		least  time.Duration
		atMost time.Duration
	}{
		"429":                {refuse(429, "too_many_requests", "Retry-After", "3"), all, 3 * time.Second, 3 * time.Second},
		"429_without_a_time": {refuse(429, "too_many_requests"), all, 250 * time.Millisecond, 500 * time.Millisecond},
		"429_for_an_hour":    {refuse(429, "too_many_requests", "Retry-After", "3600"), nil, 0, 0},
		"503":                {refuse(503, "database_away", "Retry-After", "1"), repeatable, time.Second, time.Second},
		"503_not_begun":      {refuse(503, "server_busy", "Retry-After", "1"), all, time.Second, time.Second},
		"502":                {refuse(502, ""), repeatable, 250 * time.Millisecond, 500 * time.Millisecond},
		"500":                {refuse(500, "internal"), nil, 0, 0},
		"422":                {refuse(422, "invalid"), nil, 0, 0},
		"lost":               {lose, repeatable, 250 * time.Millisecond, 500 * time.Millisecond},
		"cut":                {cut, repeatable, 250 * time.Millisecond, 500 * time.Millisecond},
	} {
		for call, do := range calls {
			t.Run(name+"/"+call, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, made := answering(2, test.fault, accept)
					began := time.Now()
					err := do(t.Context(), c)
					took := time.Since(began)
					want := 1
					for _, again := range test.again {
						if again == call {
							want = 2
						}
					}
					if len(*made) != want || (err == nil) != (want == 2) {
						t.Fatalf("%d requests, %v; want %d", len(*made), err, want)
					}
					if want == 2 && (took < test.least || took > test.atMost) {
						t.Errorf("the second request came after %s, want %s to %s", took, test.least, test.atMost)
					}
					if key := (*made)[0].Header.Get("Idempotency-Key"); want == 2 && key != (*made)[1].Header.Get("Idempotency-Key") {
						t.Errorf("the second request has another key than %q", key)
					}
					without, once := answering(0, test.fault)
					if err := do(t.Context(), without); err == nil || len(*once) != 1 {
						t.Errorf("without retries there were %d requests, %v", len(*once), err)
					}
				})
			})
		}
	}
	t.Run("end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, made := answering(3, lose)
			if err := calls["report"](t.Context(), c); !errors.Is(err, errReset) || len(*made) != 4 {
				t.Errorf("SendEvent() made %d requests and returned %v; want 4 and the last error", len(*made), err)
			}
			for i, r := range *made {
				if body, err := r.GetBody(); err != nil {
					t.Errorf("request %d: %v", i, err)
				} else if text, _ := io.ReadAll(body); string(text) != `{"type":"a","data":null}` {
					t.Errorf("request %d has the body %s", i, text)
				}
			}
		})
	})
	t.Run("end_with_the_context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			c, _ := answering(100, refuse(503, "stopping", "Retry-After", "7"))
			began := time.Now()
			_, err := c.SendEvent(ctx, client.Event{})
			if !errors.Is(err, context.DeadlineExceeded) || client.Code(err) != "stopping" || time.Since(began) != 10*time.Second {
				t.Errorf("SendEvent() returned %v after %s; want what the server said, and the deadline, after 10s", err, time.Since(began))
			}
		})
	})
	type answers = []func() (*http.Response, error)
	unreached := func() (*http.Response, error) { return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errReset} }
	gone := refuse(404, "not_found")
	for name, test := range map[string]struct {
		answers answers
		removed bool
	}{
		"lost":                    {answers{lose, gone}, true},
		"cut":                     {answers{cut, gone}, true},
		"a_proxy_failed":          {answers{refuse(504, ""), gone}, true},
		"the_server_failed":       {answers{refuse(503, "database_away"), gone}, true},
		"lost_then_429":           {answers{lose, refuse(429, "too_many_requests"), gone}, true},
		"429":                     {answers{refuse(429, "too_many_requests"), gone}, false},
		"not_begun":               {answers{refuse(503, "server_busy"), gone}, false},
		"no_connection":           {answers{unreached, gone}, false},
		"at_once":                 {answers{gone}, false},
		"lost_and_then_forbidden": {answers{lose, refuse(403, "forbidden")}, false},
	} {
		t.Run("a_removal/"+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, made := answering(2, test.answers...)
				if err := c.DeleteEndpoint(t.Context(), "ep_1"); (err == nil) != test.removed || len(*made) != len(test.answers) {
					t.Errorf("DeleteEndpoint() made %d requests and returned %v; want %d, and removed %v", len(*made), err, len(test.answers), test.removed)
				}
			})
		})
	}
	t.Run("a_server_that_hangs_is_a_lost_answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, made := answering(1, nil)
			c.Timeout = 5 * time.Second
			hangs := 0
			c.HTTPClient.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
				if hangs++; hangs > 1 {
					return accept()
				}
				<-r.Context().Done()
				return nil, r.Context().Err()
			})
			if err := calls["read"](t.Context(), c); err != nil || hangs != 2 || len(*made) != 0 {
				t.Errorf("Endpoint() made %d requests and returned %v; want 2 and none", hangs, err)
			}
		})
	})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errReset }

func TestError_of_answers_that_are_none_of_ours(t *testing.T) {
	for name, test := range map[string]struct {
		answer *http.Response
		want   string
	}{
		"page":      {answer(502, "<h1>Bad</h1>", "Content-Type", "text/html"), "GET /events: 502 Bad Gateway: The answer is none of Hookwell's."},
		"text":      {answer(503, "no \x1b[31mhealthy\r\nupstream", "Content-Type", "text/plain; charset=utf-8"), "GET /events: 503 Service Unavailable: The answer is none of Hookwell's: no [31mhealthy upstream."},
		"no_JSON":   {answer(400, "{"), "GET /events: 400 Bad Request: The answer is none of Hookwell's."},
		"redirect":  {answer(301, "", "Location", "https://elsewhere.example/"), "GET /events: 301 Moved Permanently: The answer is none of Hookwell's: it sends elsewhere. Give the client the server's own address."},
		"half_JSON": {answer(200, `{"data":`), "GET /events: the answer is not what the API sends: unexpected end of JSON input"},
		"problem": {answer(422, `{"title":"Unprocessable Entity","status":422,"code":"invalid","detail":"Some of it.","errors":[{"field":"data.amount","message":"is required"},{"field":"","message":"and 3 more"}],"requestId":"R1"}`),
			"GET /events: 422 invalid: Some of it. (data.amount: is required; and 3 more) [request R1]"},
	} {
		t.Run(name, func(t *testing.T) {
			c, made := answering(0, func() (*http.Response, error) { return test.answer, nil })
			if _, err := c.Events(t.Context(), nil, client.Paging{}); err == nil || err.Error() != test.want {
				t.Errorf("Events() returned\n%v, want\n%s", err, test.want)
			}
			if len(*made) != 1 {
				t.Errorf("Events() made %d requests, want 1", len(*made))
			}
		})
	}
}

// An answer without an end is given up.
func TestAnswers_are_bounded(t *testing.T) {
	c, _ := answering(0, func() (*http.Response, error) {
		response := answer(200, "")
		response.Body = io.NopCloser(endless{})
		return response, nil
	})
	if _, err := c.Events(t.Context(), nil, client.Paging{}); err == nil || !strings.Contains(err.Error(), "more than 64 MiB") {
		t.Errorf("Events() returned %v; want that the answer is too long", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
