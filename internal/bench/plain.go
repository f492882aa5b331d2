package bench

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Plain is a run of a plain net/http client: Count requests at most, begun
// within Limit, to one endpoint of the receiver.
type Plain struct {
	URL         string
	Secret      string
	Count       int
	Limit       time.Duration
	Connections int
	Rate        float64 // requests per second, begun whatever became of earlier ones; 0 is as fast as the answers come
}

// plainMessage is a request that was made ready before the clock runs.
type plainMessage struct {
	id, timestamp, signature string
	body                     []byte
}

// Send sends signed requests like Hookwell's, as fast as the answers come.
// Signing is done before, so that what is measured is HTTP alone.
func (*driver) Send(plain Plain, reported *Reported) error {
	messages, err := plain.messages()
	if err != nil {
		return err
	}
	client := plainClient(plain.Connections)
	defer client.CloseIdleConnections()
	var next atomic.Int64
	began := time.Now()
	kept := make([]Reported, plain.Connections)
	var sending sync.WaitGroup
	for i := range plain.Connections {
		sending.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				awaitTurn(began, n, plain.Rate)
				if n >= plain.Count || time.Since(began) > plain.Limit {
					return
				}
				called := time.Now().UnixNano()
				if err := messages[n].post(client, plain.URL); err != nil {
					kept[i].refuse(1, err.Error())
					continue
				}
				kept[i].Accepted = append(kept[i].Accepted, Accepted{ID: messages[n].id, Sequence: n, Called: called, Answered: time.Now().UnixNano()})
			}
		})
	}
	sending.Wait()
	reported.Began, reported.Ended = began.UnixNano(), time.Now().UnixNano()
	for _, one := range kept {
		reported.Accepted = append(reported.Accepted, one.Accepted...)
		if one.Refused > 0 {
			reported.refuse(one.Refused, one.Fault)
		}
	}
	return nil
}

func (p *Plain) messages() ([]plainMessage, error) {
	signer, err := standardwebhooks.NewWebhook(p.Secret)
	if err != nil {
		return nil, fmt.Errorf("reading the secret: %w", err)
	}
	now := time.Now()
	messages := make([]plainMessage, p.Count)
	for i := range messages {
		m := &messages[i]
		m.id, m.timestamp = fmt.Sprintf("evt_%026d", i), strconv.FormatInt(now.Unix(), 10)
		m.body = fmt.Appendf(nil, `{"id":"%s","type":"payment.failed","timestamp":"%s","organizationId":"org_%026d","data":`, m.id, now.UTC().Format("2006-01-02T15:04:05.000Z"), 0)
		m.body = append(appendData(m.body, i), '}')
		if m.signature, err = signer.Sign(m.id, now, m.body); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

// plainClient returns a net/http client that keeps so many connections.
func plainClient(connections int) *http.Client {
	return &http.Client{Timeout: requestLimit, Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true}}
}

// post makes one request, with as many headers as Hookwell's have.
func (m *plainMessage) post(client *http.Client, url string) error {
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(m.body))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "Hookwell-Webhooks/1.0",
		"Webhook-Id": m.id, "Webhook-Timestamp": m.timestamp, "Webhook-Signature": m.signature,
		"X-Webhook-Event": "payment.failed", "X-Webhook-Delivery-Id": m.id, "X-Webhook-Timestamp": m.timestamp,
		"X-Webhook-Signature": m.signature, "X-Webhook-Retry": "0",
	} {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}
