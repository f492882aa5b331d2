package store_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"hookwell/inbound"
	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/pipeline"
)

// BenchmarkRefuse refuses one request after another while as many are kept as may be,
// as in a flood.
func BenchmarkRefuse(b *testing.B) {
	s := storetest.Open(b, storetest.Postgres(b))
	in := models.NewSourceInput()
	in.Name, in.Provider, in.Secrets = "Stripe", "stripe", []string{secretOf}
	made, err := storetest.Organization(b, s, "Acme").Receiving().CreateSource(b.Context(), in)
	storetest.Must(b, err)
	source, err := s.Engine().SourceByToken(b.Context(), strings.TrimPrefix(made.Path, models.ReceivePath))
	storetest.Must(b, err)
	forged := &inbound.Request{Method: "POST", URL: "https://hooks.example.com" + made.Path, Body: []byte(`{"padding":"` + strings.Repeat("x", 1000) + `"}`), RemoteAddress: netip.MustParseAddr("203.0.113.7"),
		Headers: []inbound.Header{{Name: "Stripe-Signature", Value: "t=1,v1=" + strings.Repeat("0", 64)}}}
	wrong := inbound.Verification{State: inbound.Refused, Cause: inbound.CauseSignature, Secret: -1}
	at, sent := s.Now(), 0
	refuse := func() {
		if sent++; sent%1000 == 0 { // few enough of a minute to be kept
			at = at.Add(time.Minute)
		}
		forged.ReceivedAt = at
		s.Engine().Refuse(b.Context(), source, forged, wrong, "", 401, len(forged.Body))
	}
	for range pipeline.MaxRefusedWhole {
		refuse()
	}
	for b.Loop() {
		refuse()
	}
}
