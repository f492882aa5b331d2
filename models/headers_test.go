package models_test

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
	"hookwell/webhook"
)

// sentHeaders are those of an attempt.
var sentHeaders = models.Headers{{Name: "content-type", Value: "application/json"}, {Name: "user-agent", Value: "Hookwell-Webhooks/1.0"},
	{Name: "webhook-id", Value: "evt_06fbnp1k2xv0q1ns9pq4s4rzpw"}, {Name: "webhook-timestamp", Value: "1772551361"},
	{Name: "webhook-signature", Value: "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="}, {Name: "x-webhook-event", Value: "payment.failed"},
	{Name: "x-webhook-delivery-id", Value: "dlv_06fbnp1k2xv0q1ns9pq4s4rzpw"}, {Name: "x-webhook-retry", Value: "0"}}

func TestHeaders(t *testing.T) {
	each := models.Headers{}
	for c := range 0x180 {
		each = append(each, webhook.Header{Name: "x" + string(rune(c)), Value: string(rune(c)) + "\x00"})
	}
	for name, headers := range map[string]models.Headers{
		"none": {}, "sent": sentHeaders, "each_character": each, "long": {{Name: "x", Value: strings.Repeat("\u2028", 100_000)}}, "empty": {{}, {Name: "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(headers, readBack(t, headers)); diff != "" {
				t.Errorf("Scan() read something else than Value() wrote: %s", diff)
			}
		})
	}
	if got := readBack(t, nil); len(got) != 0 {
		t.Errorf("Scan() read %v of what Value() wrote for nil; want none", got)
	}
	var before models.Headers
	if err := before.Scan([]byte(`[{"Name":"a","Value":"b"}]`)); err != nil || !slices.Equal(before, models.Headers{{Name: "a", Value: "b"}}) {
		t.Errorf("Scan() read %v, %v of headers in JSON; want the one", before, err)
	}
	if got := readBack(t, models.Headers{{Name: "a\xff", Value: "\xffb"}}); got[0] != (webhook.Header{Name: "a\uFFFD", Value: "\uFFFDb"}) {
		t.Errorf("Scan() read %q of what is no UTF-8; want it replaced", got)
	}
}

func readBack(t *testing.T, headers models.Headers) (read models.Headers) {
	t.Helper()
	stored, err := headers.Value()
	if err != nil {
		t.Fatalf("Value() failed: %v", err)
	}
	if err := read.Scan(stored); err != nil {
		t.Fatalf("Scan() failed: %v", err)
	}
	return read
}

// TestHeadersThatAreStored holds the form of what is stored: rows of earlier versions
// have it.
func TestHeadersThatAreStored(t *testing.T) {
	stored, _ := hex.DecodeString("01" + "010f" + "0216" + "03" + "0003" + "657674" + "0b15" + "1754" + "5416")
	want := models.Headers{{Name: "content-type", Value: "application/json"}, {Name: "user-agent", Value: "Hookwell-Webhooks/1.0"}, {Name: "webhook-id", Value: "evt"},
		{Name: "x-webhook-test", Value: "true"}, {Name: "Content-Type", Value: "17"}, {Name: "17", Value: "Hookwell-Webhooks/1.0"}}
	var read models.Headers
	if err := read.Scan(stored); err != nil || !slices.Equal(read, want) {
		t.Errorf("Scan() read %v, %v; want %v", read, err, want)
	}
}

func TestHeadersThatAreBroken(t *testing.T) {
	whole, err := sentHeaders.Value()
	if err != nil {
		t.Fatalf("Value() failed: %v", err)
	}
	for name, stored := range map[string]any{"nothing": []byte{}, "a text": "x", "JSON that is none": []byte("[x]"), "an unknown place": []byte{1, 255, 1}, "a length beyond the end": []byte{1, 0, 200, 1, 'x'},
		"an endless length": []byte{1, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}, "one byte less": whole.([]byte)[:len(whole.([]byte))-1]} {
		var read models.Headers
		if err := read.Scan(stored); err == nil || read != nil {
			t.Errorf("Scan() of %s returned %v; want an error", name, read)
		}
	}
}

func FuzzHeaders(f *testing.F) {
	stored, _ := sentHeaders.Value()
	f.Add(stored.([]byte))
	f.Fuzz(func(t *testing.T, stored []byte) {
		var read, again models.Headers
		if read.Scan(stored) != nil {
			return
		}
		written, _ := read.Value()
		if err := again.Scan(written); err != nil {
			t.Fatalf("Scan() of what Value() wrote failed: %v", err)
		}
	})
}

func BenchmarkHeaders(b *testing.B) {
	b.ReportAllocs()
	asJSON, _ := json.Marshal([]webhook.Header(sentHeaders))
	var size int
	for b.Loop() {
		stored, err := sentHeaders.Value()
		if err != nil {
			b.Fatal(err)
		}
		size = len(stored.([]byte))
	}
	b.ReportMetric(float64(size), "bytes")
	b.ReportMetric(float64(len(asJSON)), "bytes-as-JSON")
}
