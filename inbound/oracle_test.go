package inbound

import (
	"net/http"
	"strconv"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// TestStandard_Webhooks_library signs with the official library what a source
// verifies, and verifies with it what a source signs.
func TestStandard_Webhooks_library(t *testing.T) {
	verifier, secret := source(t, "standard_webhooks")
	library, err := standardwebhooks.NewWebhook(secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"type":"invoice.paid"}`)
	signature, err := library.Sign("msg_1", testTime, body)
	if err != nil {
		t.Fatal(err)
	}
	request := &Request{Method: "POST", URL: testURL, Body: body, ReceivedAt: testTime,
		Headers: []Header{{"Webhook-Id", "msg_1"}, {"Webhook-Timestamp", strconv.FormatInt(testTime.Unix(), 10)}, {"Webhook-Signature", signature}}}
	wantCause(t, verifier.Verify(request, []Secret{secret}), "")
	sample, err := verifier.SignSample("", secret, testURL, testTime)
	if err != nil {
		t.Fatal(err)
	}
	headers := http.Header{}
	for _, header := range sample.Headers {
		headers.Add(header.Name, header.Value)
	}
	if err := library.VerifyIgnoringTimestamp(sample.Body, headers); err != nil {
		t.Errorf("the library refuses the sample: %v", err)
	}
}
