package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"hookwell/client"
)

// sample stands for a server, so that the examples run.
var sample = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	status, body := http.StatusOK, ""
	switch r.Method + " " + r.URL.Path {
	case "POST /api/v1/events":
		status, body = http.StatusAccepted, `{"id":"evt_06h0ed79w5rys0f3yq30hdbah8","type":"payment.failed","deliveries":2}`
		if content, _ := io.ReadAll(r.Body); len(content) < 100 {
			status, body = http.StatusUnprocessableEntity, `{"type":"about:blank","title":"Unprocessable Entity","status":422,"code":"invalid","detail":"Some of what was sent needs a change.","errors":[{"field":"data.amount","message":"is required"}],"requestId":"3ADTFX2A5YEZH54YULW6B5DRQC"}`
			w.Header().Set("Content-Type", "application/problem+json")
		}
	case "POST /api/v1/endpoints":
		status, body = http.StatusCreated, `{"id":"ep_1","url":"https://example.com/webhooks","eventTypes":["payment.*"],"enabled":true,"schedule":"standard","secret":"whsec_c2FtcGxl"}`
	case "GET /api/v1/deliveries":
		body = `{"data":[{"id":"dlv_2","eventType":"payment.failed","state":"failed"}],"nextCursor":null}`
		if r.URL.Query().Get("cursor") == "" {
			body = `{"data":[{"id":"dlv_3","eventType":"payment.failed","state":"failed"}],"nextCursor":"dlv_3"}`
		}
	case "POST /api/v1/deliveries/dlv_2/resend", "POST /api/v1/deliveries/dlv_3/resend":
		status, body = http.StatusAccepted, `{"state":"failed"}`
	}
	w.WriteHeader(status)
	io.WriteString(w, body)
}))

func newClient() *client.Client {
	return &client.Client{URL: sample.URL, Key: "hwk_sample", Retries: 3}
}

func ExampleClient_SendEvent() {
	c := newClient() // &client.Client{URL: "https://hooks.example.com", Key: os.Getenv("HOOKWELL_API_KEY"), Retries: 3}
	accepted, err := c.SendEvent(context.Background(), client.Event{
		Type:           "payment.failed",
		IdempotencyKey: "payment-1042-failed",
		Data: map[string]any{"paymentId": "pay_1042", "amount": 1900, "currency": "usd", "status": "failed",
			"errorMessage": "The card was declined."},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(accepted.ID, "goes to", accepted.Deliveries, "endpoints")
	// Output: evt_06h0ed79w5rys0f3yq30hdbah8 goes to 2 endpoints
}

// A refusal names what needs a change.
func ExampleError() {
	_, err := newClient().SendEvent(context.Background(), client.Event{Type: "payment.failed", Data: map[string]any{}})
	var refused *client.Error
	if errors.As(err, &refused) && refused.Code == "invalid" {
		for _, fault := range refused.Fields {
			fmt.Println(fault.Field, fault.Message)
		}
	}
	// Output: data.amount is required
}

func ExampleClient_CreateEndpoint() {
	made, err := newClient().CreateEndpoint(context.Background(), client.EndpointSettings{
		URL:        new("https://example.com/webhooks"),
		EventTypes: []string{"payment.*"},
		Schedule:   &client.Schedule{Name: "standard"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(made.ID, "signs with", made.Secret) // shown this once
	// Output: ep_1 signs with whsec_c2FtcGxl
}

// Every delivery that failed gets another attempt, page by page.
func ExampleAll() {
	c, ctx := newClient(), context.Background()
	failed := func(ctx context.Context, p client.Paging) (*client.Page[client.Delivery], error) {
		return c.Deliveries(ctx, client.DeliveryFilter{States: []string{"failed"}}, p)
	}
	for delivery, err := range client.All(ctx, failed) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if _, err := c.ResendDelivery(ctx, delivery.ID); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("resent", delivery.ID)
	}
	// Output:
	// resent dlv_3
	// resent dlv_2
}
