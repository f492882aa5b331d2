package bench

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// driver reports events over HTTP and keeps what was answered.
type driver struct{}

// Target is what events are reported of: an organization and a type.
type Target struct {
	Organization string
	Type         string
}

// Load is a run of reports: Count of them at most, begun within Limit, to the
// targets in turn.
type Load struct {
	URL         string // of the API, up to /api/v1
	Key         string
	Targets     []Target
	First       int // the number of the first event, which its data carries
	Count       int
	Limit       time.Duration
	Connections int
	Batch       int     // events in one request; 0 is one by itself
	Keyed       bool    // whether each request has an Idempotency-Key of its own
	Size        int     // bytes of an event's data, about; 0 is a payment's five members
	Rate        float64 // requests per second, begun whatever became of earlier ones; 0 is as fast as the answers come

	run string // what its keys begin with
}

// Accepted is an event that the API promised to deliver. Times are Unix
// nanoseconds.
type Accepted struct {
	ID       string
	Sequence int
	Called   int64
	Answered int64
}

// Reported is what came of a load.
type Reported struct {
	Accepted []Accepted
	Began    int64
	Ended    int64 // when the last answer had come
	Refused  int   // requests, or events in a batch
	Fault    string
}

// reply is one request and what was answered.
type reply struct {
	first, count     int
	called, answered int64
	status           int
	body             []byte
	err              error
}

const (
	requestLimit  = 30 * time.Second
	paymentPrefix = "pay_"
)

// Report reports events.
func (*driver) Report(load Load, reported *Reported) error {
	client := &fasthttp.Client{MaxConnsPerHost: load.Connections, ReadTimeout: requestLimit, WriteTimeout: requestLimit, NoDefaultUserAgentHeader: true}
	defer client.CloseIdleConnections()
	began := time.Now()
	load.run = rand.Text()
	replies := load.send(client, began)
	reported.Began, reported.Ended = began.UnixNano(), began.UnixNano()
	for _, r := range replies {
		reported.Ended = max(reported.Ended, r.answered)
		reported.add(r, load.Batch > 0)
	}
	return nil
}

// send makes the requests, over as many connections as the load says.
func (l *Load) send(client *fasthttp.Client, began time.Time) []reply {
	size := max(1, l.Batch)
	var next atomic.Int64
	kept := make([][]reply, l.Connections)
	var sending sync.WaitGroup
	for i := range l.Connections {
		sending.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				awaitTurn(began, n, l.Rate)
				if n*size >= l.Count || time.Since(began) > l.Limit {
					return
				}
				kept[i] = append(kept[i], l.request(client, l.First+n*size, min(size, l.Count-n*size)))
			}
		})
	}
	sending.Wait()
	var replies []reply
	for _, some := range kept {
		replies = append(replies, some...)
	}
	return replies
}

func (l *Load) request(client *fasthttp.Client, first, count int) reply {
	request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(request)
	defer fasthttp.ReleaseResponse(response)
	request.Header.SetMethod(http.MethodPost)
	request.Header.SetContentType("application/json")
	request.Header.Set("Authorization", "Bearer "+l.Key)
	if l.Keyed {
		request.Header.Set("Idempotency-Key", l.run+"-"+strconv.Itoa(first))
	}
	if l.Batch > 0 {
		request.SetRequestURI(l.URL + "/events/batch")
		request.SetBodyRaw(l.batch(first, count))
	} else {
		request.SetRequestURI(l.URL + "/events")
		request.SetBodyRaw(l.event(nil, first))
	}
	r := reply{first: first, count: count, called: time.Now().UnixNano()}
	r.err = client.Do(request, response)
	r.answered, r.status = time.Now().UnixNano(), response.StatusCode()
	r.body = bytes.Clone(response.Body())
	return r
}

// event appends the report of one event. They are alike but for the number that
// tells them apart.
func (l *Load) event(b []byte, number int) []byte {
	target := l.Targets[number%len(l.Targets)]
	b = append(b, `{"type":"`...)
	b = append(b, target.Type...)
	b = append(b, `","organizationId":"`...)
	b = append(b, target.Organization...)
	b = append(b, `","data":`...)
	if l.Size > 0 {
		b = appendLongData(b, number, l.Size)
	} else {
		b = appendData(b, number)
	}
	return append(b, '}')
}

// appendData appends a payment that failed, as the catalog describes it.
func appendData(b []byte, number int) []byte {
	b = append(b, `{"paymentId":"`+paymentPrefix...)
	b = strconv.AppendInt(b, int64(number), 10)
	return append(b, `","amount":1900,"currency":"usd","status":"failed","errorMessage":"The card was declined."}`...)
}

// appendLongData appends such a payment with a list of what was paid for, of as
// many bytes in all.
func appendLongData(b []byte, number, size int) []byte {
	const step = 2654435761 // spreads the numbers, so that items are as unlike each other as usual
	start := len(b)
	b = appendData(b, number)
	b = append(b[:len(b)-1], `,"items":[`...)
	for item := uint32(number); ; item++ {
		at, mixed := len(b), int64(item*step)
		b = strconv.AppendInt(append(b, `{"sku":"SKU-`...), mixed, 36)
		b = strconv.AppendInt(append(b, `","description":"Ein Stück Käse \u0026 Brot, \"frisch\"","quantity":`...), mixed%9+1, 10)
		b = strconv.AppendInt(append(b, `,"unitPrice":`...), mixed%997, 10)
		b = append(b, `.5,"taxable":true,"discount":null}`...)
		if len(b)-start+len(b)-at > size {
			return append(b, `]}`...)
		}
		b = append(b, ',')
	}
}

func (l *Load) batch(first, count int) []byte {
	b := []byte(`{"events":[`)
	for i := range count {
		if i > 0 {
			b = append(b, ',')
		}
		b = l.event(b, first+i)
	}
	return append(b, `]}`...)
}

func (r *Reported) add(one reply, batch bool) {
	type answer struct{ ID string }
	var answers struct{ Data []answer }
	err := one.err
	switch {
	case err != nil:
	case batch && one.status == http.StatusOK:
		err = json.Unmarshal(one.body, &answers)
	case !batch && one.status == http.StatusAccepted:
		answers.Data = make([]answer, 1)
		err = json.Unmarshal(one.body, &answers.Data[0])
	default:
		err = fmt.Errorf("status %d: %s", one.status, one.body)
	}
	if err == nil && len(answers.Data) != one.count {
		err = fmt.Errorf("%d answers to %d events", len(answers.Data), one.count)
	}
	if err != nil {
		r.refuse(one.count, err.Error())
		return
	}
	for i, a := range answers.Data {
		if a.ID == "" {
			r.refuse(1, string(one.body))
			continue
		}
		r.Accepted = append(r.Accepted, Accepted{ID: a.ID, Sequence: one.first + i, Called: one.called, Answered: one.answered})
	}
}

// refuse counts what was not accepted and keeps the first reason.
func (r *Reported) refuse(count int, reason string) {
	const most = 1000
	r.Refused += count
	if r.Fault == "" {
		r.Fault = reason[:min(most, len(reason))]
	}
}
