package store_test

import (
	"testing"

	"hookwell/inbound"
	"hookwell/models"
)

// TestReceive_after_a_change_in_another_process has a source in memory, changes it in
// another process, and sends the next request: it is judged by the source as it is now.
func TestReceive_after_a_change_in_another_process(t *testing.T) {
	const added = "whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAxMg"
	eachStore(t, func(t *testing.T, f *fixture) {
		there, err := f.again(t).Operator().Tenant(t.Context(), f.tenant.Organization().ID)
		must(t, err)
		r := there.Receiving()
		s := source(t, r, nil)
		if h := f.handle(t, s, f.signed(t, s, "invoice.paid", added)); h.Cause != inbound.CauseSignature {
			t.Fatalf("Handle() before the secret was added returned %+v, want it refused", h)
		}
		_, err = r.AddSourceSecret(t.Context(), s.ID, added, nil)
		must(t, err)
		if h := f.handle(t, s, f.signed(t, s, "invoice.paid", added)); h.State != inbound.Verified {
			t.Errorf("Handle() after a secret was added returned %+v, want verified", h)
		}
		_, err = r.PauseSource(t.Context(), s.ID)
		must(t, err)
		if h := f.handle(t, s, f.signed(t, s, "invoice.paid", added)); h.Cause != inbound.CauseSourceDisabled {
			t.Errorf("Handle() after a pause returned %+v, want source_disabled", h)
		}
		paused := f.open(t, s)
		_, err = r.ResumeSource(t.Context(), s.ID)
		must(t, err)
		if now, err := f.Engine().Current(t.Context(), paused); err != nil || !now.Enabled() {
			t.Errorf("Current() after it was resumed returned a paused source, %v", err)
		}
		rotated, err := r.RotateURL(t.Context(), s.ID, 0)
		must(t, err)
		if _, err := f.Engine().Current(t.Context(), paused); !models.IsKind(err, models.NotFound) {
			t.Errorf("Current() of a URL that has ended = %v, want NotFound", err)
		}
		if h := f.handle(t, rotated, f.signed(t, rotated, "invoice.paid", added)); h.State != inbound.Verified {
			t.Errorf("Handle() at the new URL returned %+v, want verified", h)
		}
	})
}
