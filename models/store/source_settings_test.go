package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/store"
)

// TestSource_faults finds all that is wrong with a source at once, each at its field,
// and changes nothing.
func TestSource_faults(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		const nobodys = `{"ids": ["$.data.object.client_reference_id"], "references": [{"system": "BAD!", "path": "$.data.object.customer"}]}`
		for name, test := range map[string]struct {
			receiving *store.Receiving
			change    func(*models.SourceInput)
			want      []string
		}{
			"all_at_once": {f.Operator().Receiving(), func(in *models.SourceInput) {
				in.ToleranceSeconds, in.OrganizationRule, in.Mappings, in.MaxBodyBytes, in.Dedupe = 86_401, nobodys, `{}`, 0, "luck"
			}, []string{"dedupe", "mappings", "maxBodyBytes", "organizationRule.ids[0]", "organizationRule.references[0].system", "toleranceSeconds"}},
			"negative":           {f.tenant.Receiving(), func(in *models.SourceInput) { in.ToleranceSeconds = -1 }, []string{"toleranceSeconds"}},
			"of_no_time":         {f.tenant.Receiving(), func(in *models.SourceInput) { in.Provider, in.ToleranceSeconds = "github", 60 }, []string{"toleranceSeconds"}},
			"of_an_organization": {f.tenant.Receiving(), func(in *models.SourceInput) { in.OrganizationRule = `{"ids": ["$.account"]}` }, []string{"organizationRule"}},
			"misspelled":         {f.Operator().Receiving(), func(in *models.SourceInput) { in.OrganizationRule = `{"id": ["$.account"]}` }, []string{"organizationRule"}},
			"misspelled_scheme": {f.tenant.Receiving(), func(in *models.SourceInput) {
				in.Provider, in.Scheme = "generic_hmac", `{"algorithm": "hmac-sha256", "encoding": "hex", "key": "utf8", "signature": {"header": "X-A", "prefixx": "v1="}, "message": "{body}"}`
			}, []string{"scheme"}},
			"no_rule": {f.Operator().Receiving(), func(in *models.SourceInput) { in.OrganizationRule = `["$.account"]` }, []string{"organizationRule"}},
		} {
			in := models.NewSourceInput()
			in.Name, in.Slug, in.Provider, in.Secrets = "Payments", "payments", "stripe", nil
			test.change(&in)
			before := f.sources(t, test.receiving)
			_, err := test.receiving.CreateSource(t.Context(), in)
			var invalid *models.Error
			if !errors.As(err, &invalid) || invalid.Kind != models.Invalid {
				t.Errorf("%s: CreateSource() = %v; want Invalid", name, err)
				continue
			}
			var fields []string
			for _, fault := range invalid.Fields {
				fields = append(fields, fault.Field)
			}
			if slices.Sort(fields); !slices.Equal(fields, test.want) {
				t.Errorf("%s: CreateSource() has faults at %q; want %q", name, fields, test.want)
			}
			if after := f.sources(t, test.receiving); after != before {
				t.Errorf("%s: there are %d sources, want %d", name, after, before)
			}
		}
	})
}

func (f *fixture) sources(t *testing.T, r *store.Receiving) int {
	t.Helper()
	list, err := r.Sources(t.Context())
	if err != nil {
		t.Fatalf("Sources() = %v", err)
	}
	return len(list)
}

// TestSource_tolerance has a source take a signature that is older than the
// provider's tolerance allows, once its own allows it.
func TestSource_tolerance(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		request := f.signed(t, s, "invoice.paid", secretOf)
		request.ReceivedAt = request.ReceivedAt.Add(20 * time.Minute)
		if got := f.handle(t, s, request); got.Cause != inbound.CauseTooOld {
			t.Fatalf("Handle() of a request signed 20 minutes ago has cause %q; want %q", got.Cause, inbound.CauseTooOld)
		}
		s, err := r.UpdateSource(t.Context(), s.ID, func(in *models.SourceInput) error { in.ToleranceSeconds = 1800; return nil })
		if err != nil || s.ToleranceSeconds != 1800 {
			t.Fatalf("UpdateSource() = %+v, %v; want a tolerance of 1800 s", s, err)
		}
		f.clock.Advance(time.Minute) // until then a process may have the source as it was
		if got := f.handle(t, s, request); got.State != inbound.Verified {
			t.Errorf("Handle() = %q, cause %q; want verified by the source's own tolerance", got.State, got.Cause)
		}
	})
}

// TestInstallationSource_rule finds an organization by the source's own rule.
func TestInstallationSource_rule(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.Operator().Receiving()
		s := source(t, r, func(in *models.SourceInput) {
			in.OrganizationRule = `{"ids": ["$.data.object.metadata.tenant"]}`
		})
		body := `{"id":"evt_rule","object":"event","type":"customer.updated","created":1770000000,"livemode":true,"data":{"object":{"id":"cus_1","metadata":{"tenant":"` + f.tenant.Organization().ID + `"}}}}`
		got := f.handle(t, s, f.stripeRequest(s, body))
		f.process(t)
		if q := request(t, r, got.RequestID); q.Processing != models.ProcessingProcessed || len(q.Events) != 1 || q.Events[0].OrganizationID != f.tenant.Organization().ID {
			t.Errorf("the request is %q (%s), with events %+v; want it relayed to the organization that the rule names", q.Processing, q.Error, q.Events)
		}
	})
}
