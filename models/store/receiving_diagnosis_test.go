package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hookwell/inbound"
	"hookwell/models"
)

// TestDiagnosis has every cause of the verification diagnosed as the request comes, by
// a word and a text, although less than all of the body is kept.
func TestDiagnosis(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		stripe := source(t, r, func(in *models.SourceInput) { in.Slug = "stripe" })
		github := source(t, r, func(in *models.SourceInput) {
			in.Slug, in.Provider, in.Secrets = "github", "github", []string{"a secret of the tests, long enough"}
		})
		long := strings.Repeat(" ", 20<<10) // of which no more than 16 KiB are kept
		changed := func(change func(*inbound.Request)) *inbound.Request {
			request := f.signed(t, stripe, "invoice.paid", secretOf)
			change(request)
			return request
		}
		header := func(from, to string) func(*inbound.Request) {
			return func(request *inbound.Request) {
				for i := range request.Headers {
					if strings.EqualFold(request.Headers[i].Name, "Stripe-Signature") {
						request.Headers[i].Value = strings.Replace(request.Headers[i].Value, from, to, 1)
					}
				}
			}
		}
		for name, test := range map[string]struct {
			source  *models.Source
			request *inbound.Request
			cause   inbound.Cause
			want    inbound.Reason
			text    string
		}{
			"v0_alone": {stripe, changed(header("v1=", "v0=")), inbound.CauseSignatureMissing, inbound.ReasonDowngrade, "v1"},
			"no_header": {stripe, changed(func(request *inbound.Request) {
				request.Headers, request.Body = nil, []byte(`{"a":1}`+long)
			}), inbound.CauseSignatureMissing, inbound.ReasonMissing, "Stripe-Signature"},
			"malformed": {stripe, changed(header("v1=", "v1=zz")), inbound.CauseSignatureMalformed, inbound.ReasonMalformed, "length or alphabet"},
			"too_old":   {stripe, changed(func(request *inbound.Request) { request.ReceivedAt = request.ReceivedAt.Add(time.Hour) }), inbound.CauseTooOld, inbound.ReasonClock, "1h0m"},
			"too_new":   {stripe, changed(func(request *inbound.Request) { request.ReceivedAt = request.ReceivedAt.Add(-time.Hour) }), inbound.CauseTooNew, inbound.ReasonClock, "in the future"},
			"sha1_alone": {github, &inbound.Request{Method: "POST", Body: []byte(`{"a":1}` + long), ReceivedAt: f.Now(),
				Headers: []inbound.Header{{Name: "X-Hub-Signature", Value: "sha1=" + strings.Repeat("0", 40)}}}, inbound.CauseSignatureMissing, inbound.ReasonDowngrade, "X-Hub-Signature-256"},
		} {
			before, _, err := r.Requests(t.Context(), models.RequestFilter{}, models.Page{})
			must(t, err)
			h := f.handle(t, test.source, test.request)
			if h.Cause != test.cause {
				t.Errorf("%s: Handle() refused for %q, want %q", name, h.Cause, test.cause)
			}
			after, _, err := r.Requests(t.Context(), models.RequestFilter{}, models.Page{})
			must(t, err)
			at := slices.IndexFunc(after, func(q models.Request) bool {
				return !slices.ContainsFunc(before, func(earlier models.Request) bool { return earlier.ID == q.ID })
			})
			if at < 0 {
				t.Fatalf("%s: the refused request isn't listed", name)
			}
			listed, alone := after[at], request(t, r, after[at].ID)
			if alone.Diagnosis != test.want || listed.Diagnosis != test.want || !strings.Contains(alone.DiagnosisText, test.text) {
				t.Errorf("%s: diagnosed as %q (%q listed), %q; want %q with %q", name, alone.Diagnosis, listed.Diagnosis, alone.DiagnosisText, test.want, test.text)
			}
			if len(test.request.Body) > 16<<10 && !alone.Cut() {
				t.Errorf("%s: %d bytes are kept, want it cut", name, len(alone.Body))
			}
		}
	})
}

// TestDiagnosis_of_an_ended_secret ends the only secret of a source: what is signed with
// it says so, names the secret to restore, and passes once it is restored.
func TestDiagnosis_of_an_ended_secret(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		for name, replaced := range map[string]bool{"alone": false, "replaced": true} {
			s := source(t, r, func(in *models.SourceInput) { in.Slug = name })
			if replaced {
				_, err := r.AddSourceSecret(t.Context(), s.ID, "whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAxMg", nil)
				must(t, err)
			}
			sent := f.signed(t, s, "invoice.paid", secretOf)
			secrets, err := r.SourceSecrets(t.Context(), s.ID)
			must(t, err)
			ended := secrets[len(secrets)-1]
			_, err = r.EndSourceSecret(t.Context(), s.ID, ended.ID, 0)
			must(t, err)
			if h := f.handle(t, s, sent); h.Cause != inbound.CauseSignature {
				t.Fatalf("%s: Handle() of an ended secret's signature returned %+v, want it refused", name, h)
			}
			list, _, err := r.Requests(t.Context(), models.RequestFilter{SourceID: s.ID}, models.Page{})
			must(t, err)
			q := request(t, r, list[0].ID)
			if q.Diagnosis != inbound.ReasonEarlierSecret || list[0].Diagnosis != inbound.ReasonEarlierSecret {
				t.Errorf("%s: diagnosed as %q, %q listed; want earlier_secret", name, q.Diagnosis, list[0].Diagnosis)
			}
			if tried := q.Secrets; tried == nil || tried.Ended != 1 || tried.InForce != len(secrets)-1 || tried.Passes || tried.Fits == nil || tried.Fits.ID != ended.ID {
				t.Errorf("%s: the secrets tried are %+v, want %s to fit", name, tried, ended.ID)
			}
			_, err = r.RestoreSourceSecret(t.Context(), s.ID, ended.ID)
			must(t, err)
			if q = request(t, r, q.ID); !q.Secrets.Passes || q.Secrets.Fits != nil {
				t.Errorf("%s: after it was restored the secrets tried are %+v, want the request to pass", name, q.Secrets)
			}
			_, err = r.AcceptRequest(t.Context(), q.ID)
			must(t, err)
		}
	})
}
