package demo

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/store"
)

// providerTypes are the requests that the demo sends as Stripe would. Each becomes one
// payment event.
var providerTypes = []string{"invoice.paid", "invoice.payment_failed", "charge.refunded"}

// provider plays Stripe: it signs requests with the source's secret and posts them to
// its URL.
type provider struct {
	source *models.Source
	url    string
	secret string
}

// rowOf returns the table's name of a request.
func rowOf(sent string) string { return sent + " (Stripe)" }

// newProvider makes a source that trusts it.
func newProvider(ctx context.Context, tenant *store.Tenant, url string) (*provider, error) {
	p := &provider{secret: "whsec_" + rand.Text()}
	in := models.NewSourceInput()
	in.Name, in.Provider, in.Secrets = "Stripe", "stripe", []string{p.secret}
	var err error
	if p.source, err = tenant.Receiving().CreateSource(ctx, in); err != nil {
		return nil, err
	}
	p.url = url + p.source.Path
	return p, nil
}

// send posts one request of each type.
func (p *provider) send(ctx context.Context) error {
	verifier, faults := inbound.Named(p.source.Provider).Verifier(inbound.Options{})
	if len(faults) > 0 {
		return faults
	}
	secret, err := verifier.ParseSecret(p.secret)
	if err != nil {
		return err
	}
	for _, sent := range providerTypes {
		sample, err := verifier.SignSample(sent, secret, p.url, time.Now())
		if err != nil {
			return err
		}
		live := bytes.Replace(sample.Body, []byte(`"livemode":false`), []byte(`"livemode":true`), 1)
		if err := p.post(ctx, live); err != nil {
			return fmt.Errorf("%s: %w", sent, err)
		}
	}
	return nil
}

// post signs a body by Stripe's scheme and posts it.
func (p *provider) post(ctx context.Context, body []byte) error {
	now := time.Now().Unix()
	mac := hmac.New(sha256.New, []byte(p.secret))
	fmt.Fprintf(mac, "%d.%s", now, body)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%s", now, hex.EncodeToString(mac.Sum(nil))))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New("the source answered " + response.Status)
	}
	return nil
}

// received returns the rows of the events that its requests became, by the events' ids.
func (p *provider) received(ctx context.Context, tenant *store.Tenant) (map[string]string, error) {
	requests, _, err := tenant.Receiving().Requests(ctx, models.RequestFilter{SourceID: p.source.ID}, models.Page{})
	if err != nil {
		return nil, err
	}
	named := map[string]string{}
	for _, r := range requests {
		for _, e := range r.Events {
			named[e.EventID] = rowOf(r.ExternalType)
		}
	}
	return named, nil
}
