package store_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/webhook"
)

const importedText = "the text of an older sender"

func parsedSecret(t *testing.T, text string) webhook.Secret {
	t.Helper()
	secret, err := webhook.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// rotate rotates and returns the new secret.
func (f *fixture) rotate(t *testing.T, e *models.Endpoint, hours int) webhook.Secret {
	t.Helper()
	_, secret, err := f.tenant.RotateSecret(t.Context(), e.ID, models.Rotation{OverlapHours: hours})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// signs tells which of the known secrets the next attempt is signed with: those
// of webhook-signature in their order, then that of x-webhook-signature.
func (f *fixture) signs(t *testing.T, e *models.Endpoint, known map[string]webhook.Secret) string {
	t.Helper()
	jobs := f.claim(t, e, 1, f.one(t, e))
	if len(jobs) != 1 {
		t.Fatal("nothing to send")
	}
	f.record(t, jobs[0], 204, "")
	name := func(secret webhook.Secret) string {
		for name, one := range known {
			if secret.Equal(one) {
				return name
			}
		}
		return "unknown"
	}
	var words strings.Builder
	for _, secret := range jobs[0].Message.Secrets {
		words.WriteString(name(secret))
	}
	return words.String() + " " + name(jobs[0].Message.Legacy)
}

// secretAudit lists the audited actions on secrets, oldest first.
func (f *fixture) secretAudit(t *testing.T) []string {
	t.Helper()
	var entries []models.AuditEntry
	if err := f.DB().Where("action LIKE ?", "%sec%").Or("action LIKE ?", "%signature%").Order("id").Find(&entries).Error; err != nil {
		t.Fatal(err)
	}
	return named(entries, func(a models.AuditEntry) string { return strings.TrimSpace(a.Action + " " + a.Details) })
}

func created(t *testing.T, f *fixture) (*models.Endpoint, webhook.Secret) {
	t.Helper()
	e, secret, err := f.tenant.CreateEndpoint(t.Context(), input("http://127.0.0.1:9/hook"))
	if err != nil {
		t.Fatal(err)
	}
	return e, secret
}

func TestRotateSecret(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e, a := created(t, f)
		known := map[string]webhook.Secret{"a": a}
		want := func(words string) {
			t.Helper()
			if got := f.signs(t, e, known); got != words {
				t.Errorf("signed by %q, want %q", got, words)
			}
		}
		want("a a")
		known["b"] = f.rotate(t, e, 24)
		want("ba a")
		f.clock.Advance(time.Hour)
		known["c"] = f.rotate(t, e, 168)
		want("cba a")
		f.clock.Advance(23*time.Hour - time.Minute)
		want("cba a")
		f.clock.Advance(time.Minute)
		want("cb b") // of a the overlap has ended
		if _, err := f.tenant.SwitchSignature(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		want("cb c")
		known["d"] = f.rotate(t, e, 1)
		want("dcb c") // b was switched away from already
		if _, err := f.tenant.SwitchSignature(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := f.tenant.SwitchSignature(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		want("dcb d")
		rows := f.secrets(t, e)
		if _, err := f.tenant.ExpireSecret(t.Context(), e.ID, rows[2].ID); err != nil {
			t.Fatal(err)
		}
		want("dc d")
		if _, err := f.tenant.ExpireSecret(t.Context(), e.ID, rows[2].ID); err != nil {
			t.Errorf("ending it a second time: %v", err)
		}
		if _, err := f.tenant.ExpireSecret(t.Context(), e.ID, rows[0].ID); asError(err) == nil || asError(err).Code != "newest_secret" {
			t.Errorf("ending the newest: %v", err)
		}
		known["e"] = f.rotate(t, e, 0)
		want("e e") // an overlap of 0 ends every earlier one
		if diff := cmp.Diff([]string{"endpoint.secret_rotated overlap 24 h", "endpoint.secret_rotated overlap 168 h", "endpoint.signature_switched",
			"endpoint.secret_rotated overlap 1 h", "endpoint.signature_switched", "endpoint.secret_expired " + rows[2].ID,
			"endpoint.secret_rotated overlap 0 h"}, f.secretAudit(t)); diff != "" {
			t.Errorf("audit (-want +got):\n%s", diff)
		}
		all := dumpAll(t, f.Store)
		for name, secret := range known {
			all.holdsNowhere(t, "secret "+name, secret.Reveal())
			all.holdsNowhere(t, "secret "+name, strings.TrimPrefix(secret.Reveal(), "whsec_"))
		}
	})
}

func (f *fixture) secrets(t *testing.T, e *models.Endpoint) []models.EndpointSecret {
	t.Helper()
	rows, err := f.tenant.Secrets(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestSecrets(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e, _ := created(t, f)
		f.clock.Advance(time.Hour)
		f.rotate(t, e, 48)
		f.clock.Advance(time.Hour)
		f.rotate(t, e, 24)
		now := f.Now()
		end := func(d time.Duration) *time.Time { at := now.Add(d); return &at }
		want := []models.EndpointSecret{
			{CreatedBy: "command line", CreatedAt: now},
			{CreatedBy: "command line", CreatedAt: now.Add(-time.Hour), ExpiresAt: end(24 * time.Hour)},
			{CreatedBy: "command line", CreatedAt: now.Add(-2 * time.Hour), ExpiresAt: end(47 * time.Hour), SignsOlder: true},
		}
		alike := cmp.Options{cmpopts.IgnoreFields(models.EndpointSecret{}, "ID", "EndpointID", "OrganizationID"), cmpopts.EquateApproxTime(time.Minute)}
		if diff := cmp.Diff(want, f.secrets(t, e), alike); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		f.clock.Advance(49 * time.Hour)
		if err := f.PruneSecrets(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := dumpTable(t, f.Store, "endpoint_secrets"); len(left) != 1 {
			t.Errorf("%d rows are left of secrets of which one is in force", len(left))
		}
		if rows := f.secrets(t, e); len(rows) != 1 || !rows[0].SignsOlder || rows[0].ExpiresAt != nil {
			t.Errorf("left: %+v", rows)
		}
	})
}

func TestRotationFaults(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e, _ := created(t, f)
		secret := parsedSecret(t, importedText)
		rotate := func(r models.Rotation) error {
			_, _, err := f.tenant.RotateSecret(t.Context(), e.ID, r)
			return err
		}
		if err := rotate(models.Rotation{OverlapHours: 24, Secret: secret}); err != nil {
			t.Fatal(err)
		}
		before := dumpAll(t, f.Store)
		for _, hours := range []int{-1, 169, 1 << 40} {
			if got := fields(t, rotate(models.Rotation{OverlapHours: hours})); !slices.Equal(got, []string{"overlapHours"}) {
				t.Errorf("%d hours: faults at %v", hours, got)
			}
		}
		if got := fields(t, rotate(models.Rotation{Secret: secret})); !slices.Equal(got, []string{"secret"}) {
			t.Errorf("the same secret again: faults at %v", got)
		}
		sameRows(t, before, dumpAll(t, f.Store))
		for range store.MaxSecrets - 2 {
			f.rotate(t, e, 168)
		}
		before = dumpAll(t, f.Store)
		if err := rotate(models.Rotation{OverlapHours: 1}); asError(err) == nil || asError(err).Code != "too_many_secrets" {
			t.Errorf("one too many: %v", err)
		}
		sameRows(t, before, dumpAll(t, f.Store))
		if err := rotate(models.Rotation{}); err != nil {
			t.Errorf("an overlap of 0 makes room: %v", err)
		}
		if rows := f.secrets(t, e); len(rows) != 1 {
			t.Errorf("%d are in force", len(rows))
		}
	})
}

func TestRotationsAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e, _ := created(t, f)
		var all sync.WaitGroup
		var mu sync.Mutex
		done, refused := 0, 0
		for _, s := range []*store.Store{f.Store, f.again(t), f.Store, f.again(t), f.Store, f.again(t)} {
			all.Go(func() {
				tenant, err := s.Operator().Tenant(t.Context(), f.tenant.Organization().ID)
				if err != nil {
					t.Error(err)
					return
				}
				_, _, err = tenant.RotateSecret(t.Context(), e.ID, models.Rotation{OverlapHours: 1})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					done++
				case models.IsKind(err, models.Conflict):
					refused++
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		rows := f.secrets(t, e)
		if done != store.MaxSecrets-1 || refused != 2 || len(rows) != store.MaxSecrets {
			t.Errorf("%d rotated, %d were refused, %d are in force", done, refused, len(rows))
		}
		if i := slices.IndexFunc(rows, func(s models.EndpointSecret) bool { return s.ExpiresAt == nil }); i != 0 {
			t.Errorf("the one without an end stands at %d: %+v", i, rows)
		}
	})
}

func TestImportedSecret(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		in := input("http://127.0.0.1:9/hook")
		in.Secret = parsedSecret(t, importedText)
		e, secret, err := f.tenant.CreateEndpoint(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if secret.Reveal() != importedText || secret.StandardForm() != "whsec_"+base64.StdEncoding.EncodeToString([]byte(importedText)) {
			t.Errorf("answered as %q and %q", secret.Reveal(), secret.StandardForm())
		}
		if got := f.signs(t, e, map[string]webhook.Secret{"i": in.Secret}); got != "i i" {
			t.Errorf("signed by %q", got)
		}
		_, err = f.tenant.UpdateEndpoint(t.Context(), e.ID, func(in *models.EndpointInput) error {
			in.Secret = parsedSecret(t, importedText+"!")
			return nil
		})
		if got := fields(t, err); !slices.Equal(got, []string{"secret"}) {
			t.Errorf("editing has faults at %v", got)
		}
		dumpAll(t, f.Store).holdsNowhere(t, "the imported secret", importedText)
	})
}

// person makes an account that the tenant's methods act for.
func (f *fixture) person(t *testing.T, email string) *models.User {
	t.Helper()
	account := models.Account{Name: "Priya", Email: email, Password: password}
	user, _, err := f.Operator().CreateUser(t.Context(), account, f.tenant.Organization().ID, models.RoleAdmin)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

func TestRevealSecrets(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e, a := created(t, f)
		b := f.rotate(t, e, 24)
		tenant := store.ActingAs(f.tenant, f.person(t, "priya@example.com"))
		for _, wrong := range []string{"", "wrong horse battery staple", strings.Repeat("x", 5000)} {
			if _, err := tenant.RevealSecrets(t.Context(), e.ID, wrong); !slices.Equal(fields(t, err), []string{"password"}) {
				t.Errorf("a wrong password: %v", err)
			}
		}
		revealed, err := tenant.RevealSecrets(t.Context(), e.ID, password)
		if err != nil || len(revealed) != 2 {
			t.Fatal(len(revealed), err)
		}
		if !revealed[0].Secret.Equal(b) || !revealed[1].Secret.Equal(a) || revealed[0].SignsOlder || !revealed[1].SignsOlder {
			t.Error("not the two in force, newest first")
		}
		if text := fmt.Sprintf("%+v %#v", revealed, revealed); strings.Contains(text, a.Reveal()) || strings.Contains(text, b.Reveal()) {
			t.Error("printing shows them")
		}
		if _, err := f.tenant.RevealSecrets(t.Context(), e.ID, password); !models.IsKind(err, models.Forbidden) {
			t.Errorf("who is no person got %v", err)
		}
		refused := "endpoint.secret_refused wrong password"
		if diff := cmp.Diff([]string{"endpoint.secret_rotated overlap 24 h", refused, refused, refused, "endpoint.secret_revealed"}, f.secretAudit(t)); diff != "" {
			t.Errorf("audit (-want +got):\n%s", diff)
		}
		other := f.with(t, func(o *store.Options) { o.Vault = vault(t, masterKey(9)) })
		lost, err := other.Operator().Tenant(t.Context(), f.tenant.Organization().ID)
		if err != nil {
			t.Fatal(err)
		}
		user, err := f.User(t.Context(), f.person(t, "lost@example.com").ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.ActingAs(lost, user).RevealSecrets(t.Context(), e.ID, password); asError(err) == nil || asError(err).Code != "endpoint_unusable" {
			t.Errorf("without the key: %v", err)
		}
		if _, _, err := lost.RotateSecret(t.Context(), e.ID, models.Rotation{Secret: parsedSecret(t, importedText)}); err != nil {
			t.Errorf("rotating gets over the loss of the key: %v", err)
		}
	})
}

func TestRekeySecrets(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		old, fresh := "old:"+masterKey(1), "new:"+masterKey(2)
		before := f.with(t, func(o *store.Options) { o.Vault = vault(t, old) })
		both := f.with(t, func(o *store.Options) { o.Vault = vault(t, fresh+","+old) })
		after := f.with(t, func(o *store.Options) { o.Vault = vault(t, fresh) })
		org := f.tenant.Organization().ID
		tenant := func(s *store.Store) *store.Tenant {
			t.Helper()
			tenant, err := s.Operator().Tenant(t.Context(), org)
			if err != nil {
				t.Fatal(err)
			}
			return tenant
		}
		const endpoints = 120 // more than a batch
		secrets := map[string]webhook.Secret{}
		in := input("http://127.0.0.1:9/hook")
		in.Headers = []webhook.Header{{Name: "x-own", Value: "the receiver's own"}}
		var last *models.Endpoint
		for range endpoints {
			e, secret, err := tenant(before).CreateEndpoint(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			secrets[e.ID], last = secret, e
		}
		if _, _, err := tenant(both).CreateEndpoint(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		var beside sync.WaitGroup
		beside.Go(func() { // a server goes on while the keys are changed
			for i := range 20 {
				_, err := tenant(both).UpdateEndpoint(t.Context(), last.ID, func(in *models.EndpointInput) error {
					in.Name = fmt.Sprint("Edit ", i)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		n, err := both.Operator().RekeySecrets(t.Context())
		beside.Wait()
		if err != nil || n != 2*endpoints {
			t.Errorf("sealed %d anew, %v; want %d", n, err, 2*endpoints)
		}
		if n, err := both.Operator().RekeySecrets(t.Context()); err != nil || n != 0 {
			t.Errorf("a second time: %d, %v", n, err)
		}
		list, err := tenant(after).Endpoints(t.Context())
		if err != nil || len(list) != endpoints+1 {
			t.Fatal(len(list), err)
		}
		user := f.person(t, "priya@example.com")
		for _, e := range list {
			if names, err := tenant(after).HeaderNames(&e); err != nil || len(names) != 1 {
				t.Fatalf("headers under the new key alone: %v, %v", names, err)
			}
		}
		revealed, err := store.ActingAs(tenant(after), user).RevealSecrets(t.Context(), last.ID, password)
		if err != nil || !revealed[0].Secret.Equal(secrets[last.ID]) {
			t.Errorf("the secret under the new key alone: %v", err)
		}
		t.Run("what no key opens is said and left", func(t *testing.T) {
			e := endpoint(t, tenant(f.with(t, func(o *store.Options) { o.Vault = vault(t, "third:"+masterKey(3)) })), nil)
			rows := dumpTable(t, f.Store, "endpoint_secrets")
			n, err := both.Operator().RekeySecrets(t.Context())
			if n != 0 || err == nil || !strings.Contains(err.Error(), "HOOKWELL_SECRET_KEY") {
				t.Errorf("%d, %v", n, err)
			}
			if !slices.Equal(rows, dumpTable(t, f.Store, "endpoint_secrets")) {
				t.Error("the row was changed")
			}
			if bytes.Contains([]byte(err.Error()), []byte(masterKey(3))) || e == nil {
				t.Error("the error shows a key")
			}
		})
	})
}
