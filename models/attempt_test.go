package models_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
	"hookwell/webhook"
)

// sentHeaders are those of an attempt, as they are stored.
var sentHeaders = models.Headers{{Name: "Content-Type", Value: "application/json"}, {Name: "User-Agent", Value: "Hookwell-Webhooks/1.0"},
	{Name: "webhook-id", Value: "evt_06fbnp1k2xv0q1ns9pq4s4rzpw"}, {Name: "webhook-timestamp", Value: "1772551361"},
	{Name: "webhook-signature", Value: "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="}, {Name: "X-Webhook-Event", Value: "payment.failed"},
	{Name: "X-Webhook-Delivery-Id", Value: "dlv_06fbnp1k2xv0q1ns9pq4s4rzpw"}, {Name: "X-Webhook-Retry", Value: "0"}}

func TestHeaders(t *testing.T) {
	each := models.Headers{}
	for c := range 0x180 {
		each = append(each, webhook.Header{Name: "x" + string(rune(c)), Value: string([]byte{byte(c)})})
	}
	for name, headers := range map[string]models.Headers{
		"nil": nil, "none": {}, "sent": sentHeaders, "each_character": each,
		"escaped": {{Name: `a"b\c`, Value: "</script>&\u2028\u2029\x7f\xff\r\n\t"}, {}},
	} {
		t.Run(name, func(t *testing.T) {
			want := []byte("[]")
			if headers != nil {
				var err error
				if want, err = json.Marshal([]webhook.Header(headers)); err != nil {
					t.Fatal(err)
				}
			}
			got, err := headers.Value()
			if err != nil {
				t.Fatalf("Value() failed: %v", err)
			}
			if diff := cmp.Diff(string(want), string(got.([]byte))); diff != "" {
				t.Errorf("Value() is not what json.Marshal writes: %s", diff)
			}
			var read, wanted models.Headers
			if err := read.Scan(got); err != nil {
				t.Fatalf("Scan() failed: %v", err)
			}
			if err := json.Unmarshal(want, &wanted); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wanted, read); diff != "" {
				t.Errorf("Scan() read something else: %s", diff)
			}
		})
	}
}

func BenchmarkHeaders(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sentHeaders.Value(); err != nil {
			b.Fatal(err)
		}
	}
}
