package faults

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"hookwell/client"
)

// provider sends signed requests to a source, each again and again until it is
// answered 2xx, as the providers of webhooks do.
type provider struct {
	site   *site
	source *client.Source
	copies int              // how often each request is sent at once
	spoils func(n int) bool // whether the source's mapping fails for the request of that number

	mu       sync.Mutex
	answered map[string]bool // by the provider's id: a copy of it was answered 2xx
}

const (
	providerSecret = "whsec_0123456789abcdefghijklmnopqrstuv"
	providerSlug   = "provider"
	// mapped and relayed are the events that each request becomes.
	mapped, relayed = paymentFailed, providerSlug + "." + paymentFailed
	paymentFailed   = "payment.failed"
)

// mapping makes events of the provider's, whose amount is at one of the paths.
func mapping(amount ...string) json.RawMessage {
	var paths []map[string]string
	for _, path := range amount {
		paths = append(paths, map[string]string{"path": path})
	}
	at := func(path string) map[string]string { return map[string]string{"path": path} }
	text, err := json.Marshal([]any{map[string]any{"name": "failed", "events": []string{paymentFailed}, "type": mapped, "data": map[string]any{
		"paymentId": at("$.data.paymentId"), "amount": map[string]any{"first": paths}, "currency": at("$.data.currency"),
		"status": map[string]string{"const": "failed"}, "errorMessage": at("$.data.errorMessage")}}})
	if err != nil {
		panic(err) // of text alone
	}
	return text
}

// receive makes a source, and has the load send to it in place of the API.
func (s *site) receive(ctx context.Context) (*provider, error) {
	const mostPerSecond = 10_000
	made, err := s.api().CreateSource(ctx, client.SourceSettings{Name: new("Provider"), Slug: new(providerSlug), Provider: new("stripe"),
		Secrets: []string{providerSecret}, Mappings: mapping("$.data.amount"), RateLimitPerSecond: new(mostPerSecond)})
	if err != nil {
		return nil, err
	}
	for _, id := range s.endpoints { // "*" is the catalog's types alone
		if _, err := s.api().UpdateEndpoint(ctx, id, client.EndpointSettings{EventTypes: []string{"*", providerSlug + ".*"}}); err != nil {
			return nil, err
		}
	}
	s.provider = &provider{site: s, source: made, copies: 1, answered: map[string]bool{}, spoils: func(int) bool { return false }}
	s.load.try = s.provider.try
	return s.provider, nil
}

// id returns the provider's id of the request of a number.
func (*provider) id(n int) string { return fmt.Sprintf("evt_%d", n) }

func (p *provider) body(n int) []byte {
	amount := "amount"
	if p.spoils(n) {
		amount = "cents"
	}
	return fmt.Appendf(nil, `{"id":"%s","type":"payment.failed","livemode":true,"data":{"paymentId":"pay_%d","%s":1900,"currency":"usd","errorMessage":"The card was declined."}}`, p.id(n), n, amount)
}

// url returns the source's URL at the server as it is now.
func (p *provider) url() (string, error) {
	u, err := url.Parse(p.source.URL)
	if err != nil {
		return "", err
	}
	return p.site.url() + u.Path, nil
}

// try sends the request of a number, in all its copies at once, and fails unless
// each is answered 2xx.
func (p *provider) try(ctx context.Context, n int) error {
	errs := make(chan error, p.copies)
	for range p.copies {
		go func() {
			status, err := p.send(ctx, http.DefaultClient, p.body(n), providerSecret)
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("status %d", status)
			}
			if err == nil {
				p.mu.Lock()
				p.answered[p.id(n)] = true
				p.mu.Unlock()
			}
			errs <- err
		}()
	}
	var first error
	for range p.copies {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// send sends one request, signed by a secret, and returns the status of its answer.
func (p *provider) send(ctx context.Context, by *http.Client, body []byte, secret string) (int, error) {
	to, err := p.url()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	now := time.Now().Unix()
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", now, body)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%s", now, hex.EncodeToString(mac.Sum(nil))))
	response, err := by.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// from returns a client whose requests come from an address of this machine.
func from(address net.IP) *http.Client {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: address}}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: reporters}}
}

// received is a request on record, and how many events of a type it became.
type received struct {
	ID, External, State, Processing, Reason string
	Relayed, Mapped, Repeats                int
}

// promised holds what is on record against what was answered, and returns the
// events that were promised by it.
func (p *provider) promised(ctx context.Context) (events []client.AcceptedEvent, err error) {
	s := p.site
	rows, err := query(ctx, s, pgx.RowToStructByPos[received], `SELECT q.id, q.external_id, q.state, q.processing, q.reason,
		(SELECT count(*) FROM request_events e WHERE e.request_id = q.id AND e.event_type = $1), (SELECT count(*) FROM request_events e WHERE e.request_id = q.id AND e.event_type = $2),
		q.duplicates FROM requests q`, relayed, mapped)
	if err != nil {
		return nil, err
	}
	repeats := 0
	kept := map[string]bool{}
	for _, r := range rows {
		repeats += r.Repeats
		switch {
		case kept[r.External]:
			s.wrong("%s is on record twice", r.External)
		case !p.answered[r.External]:
			s.wrong("%s is on record, though it was never answered 2xx", r.External)
		case r.State != "verified" || r.Processing != "processed":
			s.wrong("%s is %s and %s (%s)", r.External, r.State, r.Processing, r.Reason)
		case r.Relayed != 1 || r.Mapped != 1:
			s.wrong("%s became %d relayed events and %d mapped ones", r.External, r.Relayed, r.Mapped)
		}
		kept[r.External] = true
	}
	for id := range p.answered {
		if !kept[id] {
			s.wrong("%s was answered 2xx and isn't on record", id)
		}
	}
	s.note("%d requests answered 2xx, each on record once; %d repeats counted", len(p.answered), repeats)
	ids, err := query(ctx, s, pgx.RowTo[string], "SELECT id FROM events WHERE type IN ($1, $2)", relayed, mapped)
	for _, id := range ids {
		events = append(events, client.AcceptedEvent{ID: id, Deliveries: len(s.endpoints)})
	}
	return events, err
}
