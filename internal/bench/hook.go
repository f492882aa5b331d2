package bench

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// Hooks is a run of a provider's signed requests: Count of them at most, begun
// within Limit, to the sources in turn.
type Hooks struct {
	URLs        []string // of the sources
	Secret      string   // of each of them
	Count       int
	Limit       time.Duration
	Connections int
	Rate        float64 // requests per second, begun whatever became of earlier ones; 0 is as fast as the answers come
}

// hook is a request that was made ready before the clock runs.
type hook struct {
	id, signature string
	body          []byte
}

// Hook sends signed requests as a provider does.
func (*driver) Hook(hooks Hooks, reported *Reported) error {
	if len(hooks.URLs) == 0 {
		return errors.New("there are no sources to send to")
	}
	ready := hooks.ready()
	client := &fasthttp.Client{MaxConnsPerHost: hooks.Connections, ReadTimeout: requestLimit, WriteTimeout: requestLimit, NoDefaultUserAgentHeader: true}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	kept := make([]Reported, hooks.Connections)
	began := time.Now()
	var sending sync.WaitGroup
	for i := range hooks.Connections {
		sending.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				awaitTurn(began, n, hooks.Rate)
				if n >= hooks.Count || time.Since(began) > hooks.Limit {
					return
				}
				called := time.Now().UnixNano()
				if err := ready[n].post(client, hooks.URLs[n%len(hooks.URLs)]); err != nil {
					kept[i].refuse(1, err.Error())
					continue
				}
				kept[i].Accepted = append(kept[i].Accepted, Accepted{ID: ready[n].id, Sequence: n, Called: called, Answered: time.Now().UnixNano()})
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

// awaitTurn waits until the request of that number is due at a rate.
func awaitTurn(began time.Time, number int, rate float64) {
	if rate > 0 {
		time.Sleep(time.Until(began.Add(time.Duration(float64(number) / rate * float64(time.Second)))))
	}
}

// ready signs as Stripe does.
func (h *Hooks) ready() []hook {
	now, run := time.Now().Unix(), rand.Text()
	hooks := make([]hook, h.Count)
	mac := hmac.New(sha256.New, []byte(h.Secret))
	for i := range hooks {
		id := "evt_" + run + strconv.Itoa(i)
		body := fmt.Appendf(nil, `{"id":"%s","object":"event","type":"customer.discount.created","created":%d,"livemode":true,"data":{"object":`, id, now)
		body = append(appendData(body, i), `}}`...)
		mac.Reset()
		fmt.Fprintf(mac, "%d.%s", now, body)
		hooks[i] = hook{id, fmt.Sprintf("t=%d,v1=%s", now, hex.EncodeToString(mac.Sum(nil))), body}
	}
	return hooks
}

func (h *hook) post(client *fasthttp.Client, url string) error {
	request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(request)
	defer fasthttp.ReleaseResponse(response)
	request.Header.SetMethod(http.MethodPost)
	request.SetRequestURI(url)
	request.Header.SetContentType("application/json; charset=utf-8")
	request.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	request.Header.Set("Accept", "*/*; q=0.5, application/xml")
	request.Header.Set("Cache-Control", "no-cache")
	request.Header.Set("Stripe-Signature", h.signature)
	request.SetBodyRaw(h.body)
	if err := client.Do(request, response); err != nil {
		return err
	}
	if response.StatusCode() != http.StatusOK {
		return fmt.Errorf("status %d: %s", response.StatusCode(), response.Body())
	}
	return nil
}
