package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
	"hookwell/webhook"
)

// ownHeaders lists what an attempt to the endpoint would send of its own headers.
func (f *fixture) ownHeaders(t *testing.T, e *models.Endpoint) []string {
	t.Helper()
	kind, _ := f.Catalog().Lookup("payment.failed")
	job, err := f.tenant.BeginTest(t.Context(), e.ID, kind.Type, kind.Example)
	if err != nil {
		t.Fatalf("BeginTest(): %v", err)
	}
	list := []string{}
	for _, h := range job.Message.Headers {
		list = append(list, h.Name+": "+h.Value)
	}
	return list
}

// A URL that leads elsewhere doesn't take what was given for the earlier one.
func TestUpdateEndpoint_moves_without_its_own_headers(t *testing.T) {
	both := []webhook.Header{{Name: "Authorization", Value: "Bearer hush"}, {Name: "X-Tenant", Value: "acme"}}
	sent := []string{"Authorization: Bearer hush", "X-Tenant: acme"}
	cases := map[string]struct {
		url     string
		edit    *models.HeaderEdit
		all     []webhook.Header
		want    []string
		removed []string
	}{
		"another_path":             {"http://localhost:9000/other?a=b", nil, nil, sent, nil},
		"the_same_written_else":    {" HTTP://LOCALHOST:9000/hook ", nil, nil, sent, nil},
		"another_port":             {"http://localhost:9001/hook", nil, nil, []string{}, []string{"Authorization", "X-Tenant"}},
		"no_port":                  {"http://localhost/hook", nil, nil, []string{}, []string{"Authorization", "X-Tenant"}},
		"another_host":             {"http://127.0.0.1:9000/hook", nil, nil, []string{}, []string{"Authorization", "X-Tenant"}},
		"another_scheme":           {"https://localhost:9000/hook", nil, nil, []string{}, []string{"Authorization", "X-Tenant"}},
		"one_sent_again":           {"http://127.0.0.1:9000/", &models.HeaderEdit{Set: []webhook.Header{{Name: "x-tenant", Value: "acme"}}}, nil, []string{"x-tenant: acme"}, []string{"Authorization"}},
		"one_removed_by_choice":    {"http://127.0.0.1:9000/", &models.HeaderEdit{Remove: []string{"X-Tenant"}}, nil, []string{}, []string{"Authorization"}},
		"all_replaced":             {"http://127.0.0.1:9000/", nil, []webhook.Header{{Name: "X-New", Value: "new"}}, []string{"X-New: new"}, nil},
		"edited_at_the_same_place": {"http://localhost:9000/", &models.HeaderEdit{Set: []webhook.Header{{Name: "X-Tenant", Value: "b"}}}, nil, []string{"Authorization: Bearer hush", "X-Tenant: b"}, nil},
	}
	eachStore(t, func(t *testing.T, f *fixture) {
		for name, test := range cases {
			t.Run(name, func(t *testing.T) {
				in := input("http://localhost:9000/hook")
				in.Headers = both
				e, _, err := f.tenant.CreateEndpoint(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				moved, err := f.tenant.UpdateEndpoint(t.Context(), e.ID, func(in *models.EndpointInput) error {
					in.URL, in.HeaderEdit, in.Headers = test.url, test.edit, test.all
					return nil
				})
				if err != nil {
					t.Fatalf("UpdateEndpoint(): %v", err)
				}
				if diff := cmp.Diff(test.removed, moved.Moved.Headers); diff != "" || !moved.Moved.Secret.IsZero() {
					t.Errorf("removed headers (-want +got): %s", diff)
				}
				if diff := cmp.Diff(test.want, f.ownHeaders(t, e)); diff != "" {
					t.Errorf("sent (-want +got): %s", diff)
				}
				for _, name := range test.removed {
					if details := f.lastAudit(t, "endpoint.updated").Details; !strings.Contains(details, name) || strings.Contains(details, "hush") {
						t.Errorf("the audit says %q", details)
					}
				}
			})
		}
	})
}

func (f *fixture) lastAudit(t *testing.T, action string) models.AuditEntry {
	t.Helper()
	var entry models.AuditEntry
	if err := f.DB().Where("action = ?", action).Order("id DESC").Limit(1).Find(&entry).Error; err != nil {
		t.Fatal(err)
	}
	return entry
}

// What waited before the move is sent as the endpoint is set when it is claimed.
func TestUpdateEndpoint_moves_what_waits_without_its_own_headers(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		in := input("http://localhost:9000/hook")
		in.Headers, in.Secret = []webhook.Header{{Name: "X-Key", Value: "hush"}}, parsedSecret(t, importedText)
		e, _, err := f.tenant.CreateEndpoint(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		waits := f.one(t, e)
		f.claim(t, e, 1, f.one(t, e)) // which keeps the endpoint's settings in memory
		if _, err := f.moveTo(t, e, "http://127.0.0.1:9000/", webhook.Secret{}); err != nil {
			t.Fatal(err)
		}
		m := f.claim(t, e, 1, waits)[0].Message
		if m.URL != "http://127.0.0.1:9000/" || len(m.Headers) != 0 || m.Secrets[0].Equal(in.Secret) || m.Legacy.Equal(in.Secret) {
			t.Errorf("sent to %s with %d headers, the imported secret %v", m.URL, len(m.Headers), m.Secrets[0].Equal(in.Secret))
		}
	})
}

func (f *fixture) moveTo(t *testing.T, e *models.Endpoint, url string, again webhook.Secret) (*models.Endpoint, error) {
	t.Helper()
	return f.tenant.UpdateEndpoint(t.Context(), e.ID, func(in *models.EndpointInput) error {
		in.URL, in.Secret = url, again
		return nil
	})
}

func TestUpdateEndpoint_moves_without_an_imported_secret(t *testing.T) {
	const elsewhere = "http://localhost:9001/hook"
	eachStore(t, func(t *testing.T, f *fixture) {
		imported, whsec := parsedSecret(t, importedText), webhook.NewSecret()
		made := func(secret webhook.Secret) (*models.Endpoint, webhook.Secret) {
			in := input("http://localhost:9000/hook")
			in.Secret = secret
			e, secret, err := f.tenant.CreateEndpoint(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			return e, secret
		}
		rotate := func(e *models.Endpoint, secret webhook.Secret) webhook.Secret {
			_, secret, err := f.tenant.RotateSecret(t.Context(), e.ID, models.Rotation{OverlapHours: 24, Secret: secret})
			if err != nil {
				t.Fatal(err)
			}
			f.clock.Advance(1)
			return secret
		}
		signed := func(t *testing.T, e *models.Endpoint, known map[string]webhook.Secret, want string) {
			t.Helper()
			if got := f.signs(t, e, known); got != want {
				t.Errorf("signed by %q, want %q", got, want)
			}
		}
		for name, secret := range map[string]webhook.Secret{"a_text": imported, "a_whsec_secret": whsec} {
			t.Run(name+"_is_replaced", func(t *testing.T) {
				e, _ := made(secret)
				if moved, err := f.moveTo(t, e, "http://localhost:9000/another/path", webhook.Secret{}); err != nil || moved.Moved.Any() {
					t.Fatalf("the same origin took away %+v, %v", moved.Moved, err)
				}
				moved, err := f.moveTo(t, e, elsewhere, webhook.Secret{})
				if err != nil || moved.Moved.Secret.IsZero() {
					t.Fatalf("moved with %+v, %v", moved, err)
				}
				signed(t, e, map[string]webhook.Secret{"i": secret, "n": moved.Moved.Secret}, "n n")
				if got := f.lastAudit(t, "endpoint.secret_rotated"); got.TargetID != e.ID {
					t.Errorf("audited %+v", got)
				}
			})
			t.Run(name+"_that_is_sent_again_stays", func(t *testing.T) {
				e, _ := made(secret)
				moved, err := f.moveTo(t, e, elsewhere, secret)
				if err != nil || moved.Moved.Any() {
					t.Fatalf("moved with %+v, %v", moved, err)
				}
				signed(t, e, map[string]webhook.Secret{"i": secret}, "i i")
			})
		}
		t.Run("one_that_was_made_here_stays", func(t *testing.T) {
			e, own := made(webhook.Secret{})
			moved, err := f.moveTo(t, e, elsewhere, webhook.Secret{})
			if err != nil || moved.Moved.Any() {
				t.Fatalf("moved with %+v, %v", moved, err)
			}
			signed(t, e, map[string]webhook.Secret{"o": own}, "o o")
		})
		t.Run("an_earlier_one_ends", func(t *testing.T) {
			e, _ := made(imported)
			own := rotate(e, webhook.Secret{})
			signed(t, e, map[string]webhook.Secret{"i": imported, "o": own}, "oi i")
			moved, err := f.moveTo(t, e, elsewhere, webhook.Secret{})
			if err != nil || !moved.Moved.Secret.IsZero() {
				t.Fatalf("moved with %+v, %v", moved, err)
			}
			signed(t, e, map[string]webhook.Secret{"i": imported, "o": own}, "o o")
		})
		t.Run("the_newest_is_replaced_and_an_earlier_own_one_stays", func(t *testing.T) {
			e, own := made(webhook.Secret{})
			rotate(e, whsec)
			moved, err := f.moveTo(t, e, elsewhere, webhook.Secret{})
			if err != nil || moved.Moved.Secret.IsZero() {
				t.Fatalf("moved with %+v, %v", moved, err)
			}
			signed(t, e, map[string]webhook.Secret{"i": whsec, "o": own, "n": moved.Moved.Secret}, "no o")
		})
		t.Run("another_secret_is_refused_and_nothing_changes", func(t *testing.T) {
			e, _ := made(imported)
			_, err := f.moveTo(t, e, elsewhere, parsedSecret(t, importedText+"!"))
			if got := fields(t, err); !slices.Equal(got, []string{"secret"}) {
				t.Errorf("faults at %v", got)
			}
			if now, err := f.tenant.Endpoint(t.Context(), e.ID); err != nil || now.URL != e.URL {
				t.Errorf("the URL is %q, %v", now.URL, err)
			}
			signed(t, e, map[string]webhook.Secret{"i": imported}, "i i")
		})
		t.Run("a_fault_takes_nothing_away", func(t *testing.T) {
			e, _ := made(imported)
			var fault *models.Error
			if _, err := f.moveTo(t, e, "ftp://example.com/", webhook.Secret{}); !errors.As(err, &fault) {
				t.Fatal(err)
			}
			signed(t, e, map[string]webhook.Secret{"i": imported}, "i i")
		})
	})
}
