package npm

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"hookwell/client"
)

// relayed makes an endpoint at a package's receiver that gets what a source takes in
// with the provider's own signature, and returns its id.
func (s *site) relayed(t *testing.T, slug string, p provider, secret string) string {
	t.Helper()
	settings, err := json.Marshal(map[string]any{
		"url":        s.packages + "/receive/" + url.PathEscape(p.pkg) + "?secret=" + url.QueryEscape(secret),
		"eventTypes": []string{slug + ".*"}, "sourceSignature": "provider", "schedule": []int{0, 3600},
	})
	if err != nil {
		t.Fatal(err)
	}
	status, answer := send(t, s.URL+"/api/v1/endpoints?organizationId="+s.Organization, settings,
		map[string]string{"Authorization": "Bearer " + s.Key, "Content-Type": "application/json"})
	var made client.Endpoint
	if err := json.Unmarshal(answer, &made); status != http.StatusCreated || err != nil {
		t.Fatalf("POST /endpoints returned %d %s, %v", status, answer, err)
	}
	return made.ID
}

// attempt waits for an endpoint's first attempt and returns its delivery.
func (s *site) attempt(t *testing.T, endpoint string) client.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		found, err := s.Deliveries(ctx, client.DeliveryFilter{EndpointID: endpoint}, client.Paging{})
		if err != nil {
			t.Fatalf("no attempt came: %v", err)
		}
		if len(found.Data) == 1 && found.Data[0].State != "pending" {
			return found.Data[0]
		}
		<-tick.C
	}
}

func TestPackages_verify_what_is_relayed(t *testing.T) {
	s := newSite(t)
	for name, p := range providers {
		if p.pkg == "twilio" || name == "resend" {
			continue // which signs the URL that it sends to; resend is svix
		}
		t.Run(name, func(t *testing.T) {
			source := s.source(t, name, p)
			right, wrong := s.relayed(t, name, p, p.secret), s.relayed(t, name, p, changed(p.secret))
			if status := s.sign(t, p, source.URL).send(t); status != http.StatusOK {
				t.Fatalf("the request that %s signed returned %d, want 200", p.pkg, status)
			}
			if got := s.attempt(t, right); got.State != "delivered" {
				t.Errorf("what was relayed is %s: %+v; want that %s verifies it", got.State, got, p.pkg)
			}
			if got := s.attempt(t, wrong); got.State == "delivered" {
				t.Errorf("%s verifies what was relayed with another secret", p.pkg)
			}
		})
	}
}
