package api_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"hookwell/internal/apitest"
	"hookwell/models/store"
	"hookwell/web"
)

// BenchmarkAPIEventCreate reports events over loopback, one at a time and by
// many clients at once, to a server on SQLite without endpoints.
func BenchmarkAPIEventCreate(b *testing.B) {
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			f := newFixtureOn(b, store.Options{}, func(o *web.Options) { o.Log = slog.New(slog.DiscardHandler) })
			body := apitest.Report(b, "payment.failed")
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
			defer client.CloseIdleConnections()
			var refused atomic.Int64
			b.SetParallelism(clients)
			b.ReportAllocs()
			b.ResetTimer()
			if clients == 1 {
				for b.Loop() {
					f.post(b, client, body, &refused)
				}
			} else {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						f.post(b, client, body, &refused)
					}
				})
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			if refused.Load() > 0 {
				b.Errorf("%d were refused", refused.Load())
			}
		})
	}
}

func (f *fixture) post(b *testing.B, client *http.Client, body string, refused *atomic.Int64) {
	request, err := http.NewRequest("POST", f.Base+"/api/v1/events", strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return
	}
	request.Header.Set("Authorization", "Bearer "+f.Key)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		b.Error(err)
		return
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		refused.Add(1)
	}
}
